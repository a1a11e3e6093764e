"""What can be ranked: single features, or the contours, functionals and families that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.errors import UsageError
from msfl.features.grammar import LEVELS, FeatureName, parse_or_unknown

COARSER = {
    "feature": LEVELS,
    "contour": ("contour", "family"),
    "functional": ("functional",),
    "family": ("family",),
}
"""Level of the values -> levels at which they can be ranked: a contour belongs to one family."""


@dataclass(frozen=True)
class Items:
    """The items of one level, and which values belong to each.

    Attributes:
        level: ``feature``, ``contour``, ``functional`` or ``family``.
        names: The items, sorted.
        codes: Position in `names` of the item that each column of the values belongs to.
        table: Index `names`; `size` (number of features), `share` (of all features), `in_words`, `contour`,
            `family` (empty where an item has several).
    """

    level: str
    names: tuple[str, ...]
    codes: NDArray[np.intp]
    table: pd.DataFrame

    def sums(self, values: NDArray[np.floating[Any]]) -> pd.DataFrame:
        """Sum the columns of values within their items: (rows, columns) -> frame (rows, items)."""
        membership = np.zeros((len(self.codes), len(self.names)))
        membership[np.arange(len(self.codes)), self.codes] = 1.0
        return pd.DataFrame(values @ membership, columns=list(self.names))


@lru_cache(maxsize=64)
def items_of(
    columns: tuple[str, ...],
    level: str,
    feature_set: str | None = None,
    *,
    base: str = "feature",
    features: tuple[str, ...] = (),
) -> Items:
    """Return the items of a level.

    Args:
        columns: What the values are about, in their order.
        level: The level that is wanted.
        feature_set: The openSMILE set of the features, if it is one.
        base: What the columns are; ``feature`` unless a method works on groups.
        features: All features of the run, where the columns are groups.

    Raises:
        UsageError: There is no such level, or these values cannot be ranked at it.
    """
    if level not in COARSER[base]:
        known = COARSER[base] if level in LEVELS else LEVELS
        raise UsageError(f"These values cannot be ranked by '{level}'; possible: {', '.join(known)}.")
    parsed = [parse_or_unknown(name, feature_set) for name in (features if base != "feature" else columns)]
    upper = {one.group_key(base): one.group_key(level) for one in parsed}
    size = pd.Series([one.group_key(level) for one in parsed]).value_counts()
    lost = [name for name in columns if name not in upper]
    if lost:
        raise UsageError(f"The run has no {base} '{lost[0]}': these values belong to another feature set.")
    names = tuple(sorted({upper[name] for name in columns}))
    place = {name: position for position, name in enumerate(names)}
    table = pd.DataFrame({"size": size.reindex(list(names))})
    table["share"] = table["size"] / len(parsed)
    words = _words(parsed, level)
    for column in words:
        table[column] = words[column].reindex(table.index)
    return Items(level, names, np.array([place[upper[name]] for name in columns]), table)


def _words(parsed: list[FeatureName], level: str) -> pd.DataFrame:
    """Return what each item is called: in words, its contour and its family (empty where it has several)."""
    rows: dict[str, tuple[str, str, str]] = {}
    for one in sorted(parsed, key=lambda one: one.delta):  # a contour is described before its change
        words = {
            "feature": (one.description, one.contour, one.family),
            "contour": (one.contour_words, one.contour, one.family),
            "functional": (one.functional_words, "", ""),
            "family": (one.family, "", one.family),
        }
        rows.setdefault(one.group_key(level), words[level])
    return pd.DataFrame.from_dict(rows, orient="index", columns=["in_words", "contour", "family"])
