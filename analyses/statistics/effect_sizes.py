"""Hedges' g and eta squared from counts, sums and sums of squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDING = (
    1e-12  # a sum of squares below this share of the raw one is nothing but the rounding of a difference
)


@dataclass(frozen=True)
class Group:
    """Recordings of one group; the shapes broadcast against one another.

    Attributes:
        n: Number of recordings.
        total: Sum of the values.
        square: Sum of their squares.
    """

    n: Floats
    total: Floats
    square: Floats


def hedges_g(group: Group, other: Group) -> Floats:
    """Return Hedges' g of a group against another: the difference of the means in pooled standard deviations.

    g = J (m1 - m2) / s with s^2 = (SS1 + SS2) / (n1 + n2 - 2) and the correction for small samples J = 1 - 3 /
    (4 (n1 + n2 - 2) - 1). Hedges, L. V. (1981): Distribution theory for Glass's estimator of effect size and
    related estimators. Journal of Educational Statistics 6, 107-128.

    Returns:
        NaN where a group is empty, where there are fewer than three recordings, and where nothing varies.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, mean_other = group.total / group.n, other.total / other.n
        squares = group.square + other.square
        within = squares - group.total * mean - other.total * mean_other
        freedom = np.where(group.n + other.n > 2, group.n + other.n - 2, np.nan)
        variance = np.where(within > _ROUNDING * squares, within, np.nan) / freedom
        return (1 - 3 / (4 * freedom - 1)) * (mean - mean_other) / np.sqrt(variance)


def eta_squared(n: Floats, total: Floats, square: Floats) -> Floats:
    """Return eta squared, the share of the variance that lies between the groups.

    It is biased upward: k groups of n recordings that do not differ have (k - 1) / (n - 1) on average.

    Args:
        n: Number of recordings of each group, groups first: shape (K, ...).
        total: Sums of the values, shape (K, ...).
        square: Sums of their squares, shape (K, ...).

    Returns:
        NaN where fewer than two groups have recordings and where nothing varies.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        everything = square.sum(axis=0)
        grand = total.sum(axis=0) ** 2 / n.sum(axis=0)
        spread = everything - grand
        between = np.where(n > 0, total**2 / np.where(n > 0, n, 1), 0.0).sum(axis=0) - grand
        several = (n > 0).sum(axis=0) > 1
        share = np.clip(between / np.where(spread > _ROUNDING * everything, spread, np.nan), 0.0, 1.0)
        return np.asarray(np.where(several, share, np.nan))
