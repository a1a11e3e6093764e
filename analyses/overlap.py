"""How much lists of leading items overlap, each figure beside what chance gives.

Chance means: every list is a random choice of k out of D items, independent of the others. Features are
related to one another and models share recordings, so real lists overlap more than that even where nothing is
shared in substance: an overlap near chance speaks against sharing, one above it does not yet prove it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
"""Random lists for the chance level of groups."""


@dataclass(frozen=True)
class Overlap:
    """The overlap of several lists at one level.

    Attributes:
        level: ``feature``, ``contour`` or ``family``: what is counted.
        lists: Names of the lists.
        common: What is in every list.
        expected: How many would be common by chance.
        p_value: Probability of at least so many by chance.
        method: ``exact`` or ``random lists``.
    """

    level: str
    lists: tuple[str, ...]
    common: tuple[str, ...]
    expected: float
    p_value: float
    method: str

    @property
    def observed(self) -> int:
        """How many are common to all lists."""
        return len(self.common)


def overlap(level: str, lists: Mapping[str, Sequence[str]], population: int) -> Overlap:
    """Return the overlap of lists of items, with its exact chance level.

    Args:
        level: What the items are.
        lists: Name of the list -> its items, all different.
        population: Number of items that a list chooses from.
    """
    common = _common(lists)
    distribution = intersection_distribution([len(items) for items in lists.values()], population)
    return Overlap(
        level=level,
        lists=tuple(lists),
        common=common,
        expected=float(distribution @ np.arange(len(distribution))),
        p_value=float(distribution[len(common) :].sum()),
        method="exact",
    )


def intersection_distribution(sizes: Sequence[int], population: int) -> NDArray[np.float64]:
    """Return the distribution of the number of items that random lists have in common.

    Intersecting one more list of k items leaves a hypergeometric number of what was common before, so the
    distribution follows exactly, list by list. Its mean is prod(sizes) / population^(m-1).

    Returns:
        Probabilities of 0, 1, ..., sizes[0] common items.
    """
    from scipy.stats import hypergeom

    distribution = np.zeros(sizes[0] + 1)
    distribution[sizes[0]] = 1.0
    counts = np.arange(sizes[0] + 1)
    for size in sizes[1:]:
        step = hypergeom.pmf(counts[None, :], population, counts[:, None], size)  # from row to column
        distribution = distribution @ step
    return distribution


def group_overlap(
    level: str,
    lists: Mapping[str, Sequence[str]],
    groups: Mapping[str, str],
    random: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Overlap:
    """Return which groups (contours, families) have a member in every list, with its chance level.

    Large groups are in almost any list. The chance level knows their sizes: it counts the groups common to
    random lists of items. The smallest p-value is 1 / (draws + 1).

    Args:
        level: What the groups are.
        lists: Name of the list -> its items.
        groups: Item -> its group, for all items that a list chooses from.
        random: `random_presence` of these lists, to draw once for many overlaps; drawn here by default.
    """
    random = random or random_presence(lists, groups)
    common = _common({name: [groups[item] for item in items] for name, items in lists.items()})
    counts = np.logical_and.reduce([random[name] for name in lists]).sum(axis=1)
    return Overlap(
        level=level,
        lists=tuple(lists),
        common=common,
        expected=float(counts.mean()),
        p_value=float((1 + (counts >= len(common)).sum()) / (len(counts) + 1)),
        method="random lists",
    )


def random_presence(
    lists: Mapping[str, Sequence[str]], groups: Mapping[str, str], *, draws: int = DRAWS, seed: int = 0
) -> dict[str, NDArray[np.bool_]]:
    """Draw random lists of the same lengths and return which groups they hold.

    Returns:
        Name of the list -> whether each group is in each random list, shape (draws, number of groups).
    """
    _, sizes = np.unique(list(groups.values()), return_counts=True)
    rng = np.random.default_rng(seed)
    return {
        name: rng.multivariate_hypergeometric(sizes, len(items), size=draws, method="marginals") > 0
        for name, items in lists.items()
    }


def _common(lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return what is in every list, in the order of the first."""
    first, *others = lists.values()
    kept = [item for item in dict.fromkeys(first) if all(item in other for other in others)]
    return tuple(kept)
