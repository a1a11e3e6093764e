"""How well a ranking finds what is known to be right: precision among the first k and average precision.

Equal items have no order. Both figures are their means over all orders of equal items (McSherry & Najork 2008:
Computing information retrieval performance measures efficiently in the presence of tied scores, ECIR, 414-421);
an order by name would favour whatever comes first in the alphabet, which is F0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def tied_groups(keys: list[tuple[float, ...]]) -> NDArray[np.intp]:
    """Return the number of the group of equal neighbours that each item of a ranking is in.

    Args:
        keys: What items are ranked by, in the order of the ranking.
    """
    new = [position > 0 and keys[position] != keys[position - 1] for position in range(len(keys))]
    return np.cumsum(new).astype(np.intp)


def precision(right: NDArray[np.bool_], groups: NDArray[np.intp], k: int) -> float:
    """Return the share of the first k items that are right.

    Args:
        right: Whether each item is right, in the order of the ranking, shape (D,).
        groups: Groups of equal items, see `tied_groups`, shape (D,).
        k: Length of the top list, at most D.
    """
    expected = np.bincount(groups, weights=right.astype(float)) / np.bincount(groups)
    return float(expected[groups][:k].mean())


def average_precision(right: NDArray[np.bool_], groups: NDArray[np.intp]) -> float:
    """Return the mean, over the right items, of the precision down to each of them.

    Arguments as in `precision`.

    Returns:
        1 if all right items come first; NaN if none is right.
    """
    total = int(right.sum())
    if total == 0:
        return float("nan")
    found = 0.0
    before = 0  # right items in the groups before
    start = 0
    for size, inside in zip(
        np.bincount(groups), np.bincount(groups, weights=right.astype(float)), strict=True
    ):
        place = np.arange(size)
        # an item of the group at this place is right with inside/size, and so many before it in the group are:
        others = place * (inside - 1) / (size - 1) if size > 1 else np.zeros(1)
        found += float((inside / size * (before + 1 + others) / (start + place + 1)).sum())
        before += int(inside)
        start += int(size)
    return found / total


def expected_average_precision(right: int, items: int) -> float:
    """Return the mean of the average precision over random rankings; NaN if no item is right.

    With R right ones of n items and H_n the n-th harmonic number: (R-1)/(n-1) + H_n/n (1 - (R-1)/(n-1)).
    """
    if right == 0:
        return float("nan")
    share = (right - 1) / (items - 1) if items > 1 else 1.0
    return share + float((1 / np.arange(1, items + 1)).sum()) / items * (1 - share)


def at_least(hits: float, k: int, right: int, items: int) -> float:
    """Return the probability of so many right ones among the first k of a random ranking.

    A mean over ties need not be a whole number; it is rounded down.
    """
    from scipy.stats import hypergeom

    return float(hypergeom.sf(np.floor(hits + 1e-9) - 1, items, right, k))
