"""Bootstrap over speakers, for all features at once.

Recordings of one speaker are alike, so the speaker is what is drawn (cluster bootstrap, Davison & Hinkley 1997,
section 3.8). Plain percentile intervals are too narrow when few speakers are drawn: with S of them the variance of
a resampled mean is too small by (S - 1) / S, and normal quantiles stand where those of a t distribution belong.
The percentiles are therefore moved outwards to make up for both ("expanded percentile interval", Hesterberg 2015,
What teachers should know about the bootstrap, The American Statistician 69, 371-386). With four speakers that is
the whole range of the resamples: rough, but not falsely precise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from analyses.statistics.effect_sizes import Group, eta_squared, hedges_g
from analyses.statistics.sums import Sums

Floats = NDArray[np.float64]

DRAWS = 1000
LEVEL = 0.95
ENOUGH = 0.5
"""Share of the resamples that must hold both groups; with fewer there is no interval."""


class Resamples:
    """The resamples of one language, for some of its features.

    Args:
        sums: Of S speakers, K emotions, D features.
        weights: How often each speaker is drawn, shape (B, S), see `msfl.evaluation.intervals.draw_weights`.
    """

    def __init__(self, sums: Sums, weights: Floats) -> None:
        self.n: Floats = (weights @ sums.n).T  # (K, B)
        self.total = _drawn(weights, sums.total)
        self.square = _drawn(weights, sums.square)

    def hedges_g(self, group: int, others: Sequence[int]) -> Floats:
        """Return Hedges' g of one emotion against others, shape (D, B); NaN where a resample misses a side."""
        chosen = list(others)
        return hedges_g(
            Group(self.n[group], self.total[group], self.square[group]),
            Group(
                self.n[chosen].sum(axis=0), self.total[chosen].sum(axis=0), self.square[chosen].sum(axis=0)
            ),
        )

    def eta_squared(self) -> Floats:
        """Return eta squared of all emotions, shape (D, B)."""
        return eta_squared(np.broadcast_to(self.n[:, None], self.total.shape), self.total, self.square)


def _drawn(weights: Floats, sums: Floats) -> Floats:
    """Return the sums of each resample, shape (K, D, B): resamples last, as quantiles are taken over them."""
    return np.stack([sums[:, emotion].T @ weights.T for emotion in range(sums.shape[1])])


def tail(clusters: int, level: float = LEVEL) -> float:
    """Return the share of resamples to cut off at each end, for an expanded percentile interval.

    Args:
        clusters: Number of speakers, at least 2.
        level: Nominal coverage.
    """
    quantile = t.ppf((1 + level) / 2, clusters - 1) * np.sqrt(clusters / (clusters - 1))
    return float(norm.cdf(-quantile))


def interval(draws: Floats, clusters: float, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return the lower and upper end of the interval of each feature.

    Resamples that miss a side are left out; that is few unless an emotion has few speakers.

    Args:
        draws: Values in the resamples, shape (D, B), NaN where a resample has none.
        clusters: Number of speakers behind the side that has fewer.
        level: Nominal coverage.

    Returns:
        Twice shape (D,); NaN where there are fewer than two speakers, and where more than half of the
        resamples miss a side.
    """
    nothing = np.full(len(draws), np.nan)
    usable = ~np.isnan(draws).all(axis=0)  # a resample misses a side for all features alike
    if clusters < 2 or usable.mean() < ENOUGH:
        return nothing, nothing
    outside = tail(int(clusters), level)
    low, high = np.quantile(draws[:, usable], [outside, 1 - outside], axis=1)
    return low, high
