"""Corrections of p-values for the number of tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def holm(p_values: Floats) -> Floats:
    """Return p-values adjusted so that the chance of a single false alarm stays below the level.

    Holm, S. (1979): A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics
    6, 65-70.

    Args:
        p_values: Shape (m,); NaN stays NaN and does not count as a test.
    """
    order, adjusted, known = _sorted(p_values)
    factors = np.arange(len(order), 0, -1)
    adjusted[known] = _back(order, np.maximum.accumulate(p_values[known][order] * factors))
    return adjusted


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Return p-values adjusted so that the share of false alarms among the findings stays below the level.

    Benjamini, Y. & Hochberg, Y. (1995): Controlling the false discovery rate. Journal of the Royal Statistical
    Society B 57, 289-300. It holds for features that rise and fall together.

    Args:
        p_values: Shape (m,); NaN stays NaN and does not count as a test.
    """
    order, adjusted, known = _sorted(p_values)
    factors = len(order) / np.arange(1, len(order) + 1)
    rising = np.minimum.accumulate((p_values[known][order] * factors)[::-1])[::-1]
    adjusted[known] = _back(order, rising)
    return adjusted


def _sorted(p_values: Floats) -> tuple[NDArray[np.intp], Floats, NDArray[np.bool_]]:
    known = ~np.isnan(p_values)
    return np.argsort(p_values[known], kind="stable"), np.full(len(p_values), np.nan), known


def _back(order: NDArray[np.intp], values: Floats) -> Floats:
    result = np.empty(len(order))
    result[order] = np.minimum(values, 1.0)
    return result
