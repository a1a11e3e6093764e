"""What is removed, and in which order: nested sets of features, single ones or whole groups.

To remove a feature is to set it to its training mean, which is zero after z-normalisation: the model then reads an
average speaker's value, and nothing that an utterance says by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
"""Shares of the items after which a curve is measured: dense where little is removed and where little is kept.
The grid is its own mirror image, so that the curve of keeping is the curve of removing in the other order."""
FEW = 12
"""With so few items, a curve is measured after each of them."""

Bools = NDArray[np.bool_]
Integers = NDArray[np.integer]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Removals:
    """What is left of the features after each cut, for R rankings and S cuts; equal sets are listed once.

    Attributes:
        kept: Sets of features that stay, shape (P, D).
        index: Row of `kept` for each ranking and cut, shape (R, S).
        shares: Share of the features that is removed at each cut, shape (R, S); rises from 0 to 1. It depends on
            the ranking where items are groups of different sizes.
    """

    kept: Bools
    index: NDArray[np.intp]
    shares: Floats


def cuts(items: int) -> NDArray[np.intp]:
    """Return after how many removed items a curve is measured: from none to all, its own mirror image."""
    if items <= FEW:
        return np.arange(items + 1)
    early = np.floor(np.array([share for share in SHARES if share <= 0.5]) * items + 0.5).astype(np.intp)
    return np.unique(np.concatenate([early, items - early]))


def removals(orders: Integers, codes: Integers, at: Integers | None = None) -> Removals:
    """Return what is left at each cut.

    Args:
        orders: Rankings of G items as item numbers, best first, shape (R, G).
        codes: Item of each of the D features, shape (D,).
        at: After how many items to cut, shape (S,); `cuts` by default.
    """
    count = orders.shape[1]
    at = cuts(count) if at is None else at
    place = np.argsort(orders, axis=1)  # of each item in each ranking
    stays = place[:, None, :] >= at[None, :, None]  # (R, S, G)
    packed = np.packbits(stays.reshape(-1, count), axis=1)
    _, first, index = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    sizes = np.bincount(codes, minlength=count) / len(codes)
    return Removals(
        kept=stays.reshape(-1, count)[first][:, codes],
        index=index.reshape(stays.shape[:2]),
        shares=1.0 - stays @ sizes,
    )


def both_ways(orders: Integers) -> NDArray[np.intp]:
    """Return each ranking and, after all of them, each reversed: (R, G) -> (2R, G).

    Removing in the reversed order, until a share is left, is keeping that share of the leaders (insertion).
    """
    return np.concatenate([orders, orders[:, ::-1]]).astype(np.intp)
