"""Intervals by bootstrap over speakers.

Utterances of one speaker are alike, so that an interval over utterances would be far too narrow: the speaker
is what is drawn (cluster bootstrap, Davison & Hinkley 1997, section 3.8; for speech, Bisani & Ney 2004).
Intervals are percentiles.

A class that a resample misses, because none of its speakers was drawn, does not occur in that resample's
truth and is skipped in its mean. That is rare with several speakers per class; with a single one the interval
cannot know how other speakers of the class would fare, and says too little. With fewer than about ten
speakers percentile intervals are somewhat too narrow as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from msfl.evaluation.metrics import Counts

RESAMPLES = 2000
LEVEL = 0.95


def draw_weights(
    speakers: int, corpus: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """Draw how often each speaker occurs in each resample, shape (resamples, speakers).

    The name of the corpus enters the seed: every model is judged on the same draws, whatever else is in the
    table.
    """
    rng = np.random.default_rng([seed, crc32(corpus.encode())])
    return rng.multinomial(speakers, np.full(speakers, 1 / speakers), size=resamples).astype(float)


def resample(
    counts: Counts,
    weights: NDArray[np.float64],
    metrics: Mapping[str, Callable[[Counts], NDArray[np.float64]]],
) -> dict[str, NDArray[np.float64]]:
    """Return the metrics in every resample, averaged over repeats of the training.

    Args:
        counts: Counts per repeat (seed) and speaker, shape (R, S, 3, K).
        weights: Shape (B, S), see `draw_weights`.
        metrics: Functions of counts by name.

    Returns:
        Per metric, shape (B,).
    """
    total = {name: np.zeros(len(weights)) for name in metrics}
    for of_repeat in counts:
        drawn = (weights @ of_repeat.reshape(len(of_repeat), -1)).reshape(-1, *of_repeat.shape[1:])
        for name, metric in metrics.items():
            total[name] += metric(drawn) / len(counts)
    return total


def percentile_interval(values: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float]:
    """Return the lower and upper end of the percentile interval; NaN if a value is NaN."""
    if np.isnan(values).any():
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
