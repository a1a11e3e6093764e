"""The Kruskal-Wallis test for all features at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, rankdata

Floats = NDArray[np.float64]


def kruskal_wallis(values: NDArray[np.float32], groups: NDArray[np.intp]) -> Floats:
    """Return the statistic H, corrected for ties.

    H = (n - 1) SSB / SST of the mid-ranks, which is the same as Kruskal & Wallis (1952) with their correction.

    Args:
        values: Shape (n, D).
        groups: Code of each recording's group, shape (n,).

    Returns:
        Shape (D,); NaN where nothing varies.
    """
    ranks = rankdata(values, axis=0) - (len(values) + 1) / 2
    between = np.zeros(values.shape[1])
    for group in np.unique(groups):
        rows = ranks[groups == group]
        between += rows.sum(axis=0) ** 2 / len(rows)
    spread = np.square(ranks).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread > 0, (len(values) - 1) * between / spread, np.nan))


def p_value(statistic: Floats, freedom: int) -> Floats:
    """Return the chance of at least this statistic if the groups were alike (chi-squared approximation).

    It takes recordings for independent, which those of one speaker are not.
    """
    return np.asarray(chi2.sf(statistic, freedom))
