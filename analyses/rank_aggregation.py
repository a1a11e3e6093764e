"""Robust rank aggregation: which items stand higher in several lists than random lists would put them.

Kolde, Laur, Adler & Vilo (2012, doi 10.1093/bioinformatics/btr709): the ranks of an item, divided by the
lengths of the lists, are uniform if the lists are random. The k-th smallest of n uniform values has a beta
distribution, so each order statistic has a probability of being so small; the rho score is the smallest of
these n probabilities. One bad list cannot spoil an item that the others agree on, and one good list alone does
not make it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.ties import lots, shared_ranks


def fair_ranks(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rank of each item (rows) in each list (columns), the highest score first.

    Equal scores share the mean of their ranks. Ordered by name they would agree in every list: the importance of
    most features by permutation is exactly zero.
    """
    return shared_ranks(scores.T).T


def aggregate(ranks: pd.DataFrame, name: str = "") -> pd.DataFrame:
    """Aggregate several rankings of the same items.

    Args:
        ranks: One row per item, one column per list: the rank in the list, 1 the best. Missing means that the
            item is not in the list, and counts as the last rank.
        name: What the lists are about, for the order of equal items (`analyses.ties`).

    Returns:
        One row per item (same index), best first: `rho`; `p_value` (rho times the number of lists, Bonferroni's
        bound for having looked at each order statistic); `p_corrected` (times the number of items too); `rank`;
        `shared_rank`. Items of equal rho are ordered by their mean rank; those equal in that as well are in the order
        of their lots, and share the mean of their ranks in `shared_rank`.
    """
    normalised = ranks.to_numpy(dtype=np.float64) / len(ranks)
    normalised = np.where(np.isnan(normalised), 1.0, normalised)
    rho = rho_scores(normalised)
    p_value = np.minimum(1.0, rho * normalised.shape[1])
    frame = pd.DataFrame(
        {
            "rho": rho,
            "p_value": p_value,
            "p_corrected": np.minimum(1.0, p_value * len(ranks)),
            "mean": normalised.mean(axis=1).round(12),
            "lot": lots(tuple(map(str, ranks.index)), name),
        },
        index=ranks.index,
    ).sort_values(["rho", "mean", "lot"])
    frame["rank"] = np.arange(1, len(frame) + 1)
    frame["shared_rank"] = frame.groupby(["rho", "mean"], sort=False)["rank"].transform("mean")
    return frame.drop(columns=["mean", "lot"])


def rho_scores(normalised: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rho score of each item.

    Args:
        normalised: Ranks divided by the length of their list, in (0, 1], shape (items, lists).

    Returns:
        min over k of P(k-th smallest of n uniform values <= k-th smallest rank), shape (items,).
    """
    from scipy.special import betainc

    count = normalised.shape[1]
    order = np.arange(1, count + 1)
    found: NDArray[np.float64] = betainc(order, count - order + 1, np.sort(normalised, axis=1)).min(axis=1)
    return found
