"""A permutation test for overlaps that keeps how lists clump.

Neighbours in the order of a feature set belong together: the statistics of one contour stand side by side, and so
do the bands of a spectrum. A list that holds one of them tends to hold others, and two clumped lists overlap
more, or not at all, by chance. Each list is therefore rotated by a random number of places along that order: what
a list chose is mixed up, how it clumps is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analyses.overlap import Overlap

DRAWS = 2_000
"""Random rotations; the smallest p-value is 1 / (draws + 1)."""
METHOD = "permutation"


class Rotations:
    """Random rotations of some lists, drawn once for all overlaps among them.

    Args:
        lists: Name of the list -> its items.
        order: All items, in their order.
        draws: Number of rotations.
        seed: Seed of the rotations.
    """

    def __init__(
        self,
        lists: Mapping[str, Sequence[str]],
        order: Sequence[str],
        *,
        draws: int = DRAWS,
        seed: int = 0,
    ) -> None:
        place = {item: position for position, item in enumerate(order)}
        shifts = _shifts(len(lists), len(order), draws, seed)
        self._size = len(order)
        self._positions = {
            name: (np.array([place[item] for item in items], dtype=np.intp)[None, :] + shift[:, None])
            % self._size
            for (name, items), shift in zip(lists.items(), shifts, strict=True)
        }

    def overlap(self, found: Overlap, group_of: NDArray[np.intp] | None = None) -> Overlap:
        """Return the same overlap with the chance level of rotated lists.

        Args:
            found: An overlap of some of the lists.
            group_of: Group of each item, by position in the order, where groups are counted.
        """
        size = self._size if group_of is None else int(group_of.max()) + 1
        common: NDArray[np.bool_] | None = None
        for name in found.lists:
            positions = self._positions[name]
            marks = np.zeros((len(positions), size), dtype=bool)
            np.put_along_axis(marks, positions if group_of is None else group_of[positions], True, axis=1)
            common = marks if common is None else common & marks
        assert common is not None  # an overlap has lists
        counts = common.sum(axis=1)
        p_value = float((1 + (counts >= found.observed).sum()) / (len(counts) + 1))
        return Overlap(found.level, found.lists, found.common, float(counts.mean()), p_value, METHOD)


@lru_cache(maxsize=8)
def _shifts(lists: int, size: int, draws: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, size, size=(lists, draws))
