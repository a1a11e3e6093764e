"""Random rankings, and how a figure compares with theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyses.faithfulness.curves import Direction
from analyses.faithfulness.removal import Floats


@dataclass(frozen=True)
class Chance:
    """A figure beside those of random rankings; the test has one side: better than random.

    Attributes:
        value: The figure of the ranking.
        mean: Mean over the random rankings.
        sd: Their standard deviation.
        draws: How many there were.
        p_value: Share of the rankings, this one included, that are as good: (1 + as good) / (1 + draws). It cannot be
            below 1 / (1 + draws).
        p_normal: What it would be if random figures were normally distributed: Student's t with draws - 1 degrees of
            freedom for one more draw. It can be small with few draws, at the price of that assumption. NaN if all
            random figures are equal.
    """

    value: float
    mean: float
    sd: float
    draws: int
    p_value: float
    p_normal: float


def random_orders(items: int, draws: int, seed: int) -> NDArray[np.intp]:
    """Draw random rankings of G items, shape (draws, G)."""
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(np.arange(items), (draws, 1)), axis=1)


def against_random(value: float, random: Floats, better: Direction) -> Chance:
    """Hold a figure against those of random rankings.

    Args:
        value: The figure of the ranking.
        random: The figures of the random rankings, shape (draws,), at least two.
        better: Whether lower or higher figures are better.
    """
    from scipy.stats import t

    draws = len(random)
    sign = 1.0 if better == "higher" else -1.0
    as_good = int((sign * random >= sign * value - 1e-12).sum())
    mean, sd = float(random.mean()), float(random.std(ddof=1))
    p_normal = float("nan")
    if sd > 1e-12:
        p_normal = float(t.sf(sign * (value - mean) / (sd * np.sqrt(1 + 1 / draws)), draws - 1))
    return Chance(value, mean, sd, draws, (1 + as_good) / (1 + draws), p_normal)
