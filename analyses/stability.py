"""How steady the top of a ranking is when it is computed again: Nogueira's index and Kuncheva's.

Both compare the top k of the repeats and are corrected for chance: 1 if all repeats choose the same items, 0 on
average if each chooses at random. Repeats share recordings (two of five folds share three quarters of their
training parts), so that an index over folds says how steady a ranking is under another split of these
recordings, not how it would come out with other speakers.

Equal scores are put in random order, in every repeat anew: choosing among them by name would look steady.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.repeats import Repeats, effective, order, source
from msfl.features.grammar import LEVELS

if TYPE_CHECKING:
    from analyses.explanations import Explanations
    from msfl.runs import Run

EXCELLENT, POOR = 0.75, 0.4
"""Above the first an index is excellent, below the second poor, between them intermediate to good (Nogueira et
al. 2018, section 6, after Fleiss 2004)."""
LENGTHS = (5, 10, 20, 50, 100)
"""Lengths of the top lists at feature level; at the other levels, those that are at most half of the items."""
NORMAL = 1.959964
"""97.5 % quantile of the normal distribution."""
FOLDS, SEEDS, ORDERS, ALL = "folds", "seeds", "orders", "all"
COLUMNS = ("method", "language_set", "level", "k", "over", "index", "value", "low", "high", "repeats")


@dataclass(frozen=True)
class Stability:
    """A stability index with its interval.

    Attributes:
        value: The index; NaN where it is not defined (one repeat, or every item chosen).
        low: Lower end of the 95 % interval.
        high: Upper end, at most 1; both ends are NaN for fewer than three repeats.
        repeats: Number of repeats.
    """

    value: float
    low: float
    high: float
    repeats: int


def nogueira(chosen: NDArray[np.bool_]) -> Stability:
    """Return Nogueira's stability index with its asymptotic 95 % interval.

    Nogueira, Sechidis & Brown (2018): On the stability of feature selection algorithms. JMLR 18(174), 1-54.
    With M repeats, d items, p_f the share of the repeats that choose item f, k_i the number of items that repeat i
    chooses and kbar their mean, the index (definition 4) is

        Phi = 1 - mean_f s_f^2 / [kbar/d (1 - kbar/d)],    s_f^2 = M/(M-1) p_f (1 - p_f)

    and its variance (theorem 7) is v = 4/M^2 sum_i (Phi_i - mean Phi_i)^2 with

        Phi_i = [mean_f z_if p_f - k_i kbar/d^2 + Phi/2 (2 k_i kbar/d^2 - k_i/d - kbar/d + 1)]
                / [kbar/d (1 - kbar/d)]

    The interval is Phi +- 1.96 sqrt(v). Two repeats of equal size have the same Phi_i whatever they chose, so that v
    says nothing about them: there is an interval from three repeats on.

    Args:
        chosen: Whether each repeat chooses each item, shape (M, d).
    """
    repeats, items = chosen.shape
    z = chosen.astype(np.float64)
    share, sizes = z.mean(axis=0), z.sum(axis=1)
    mean = float(sizes.mean())
    room = mean / items * (1 - mean / items)
    if repeats < 2 or room <= 0:
        return Stability(np.nan, np.nan, np.nan, repeats)
    value = 1 - repeats / (repeats - 1) * float((share * (1 - share)).mean()) / room
    if repeats < 3:
        return Stability(value, np.nan, np.nan, repeats)
    product = sizes * mean / items**2
    each = (
        (z * share).mean(axis=1) - product + value / 2 * (2 * product - sizes / items - mean / items + 1)
    ) / room
    half = NORMAL * float(np.sqrt(4 / repeats**2 * ((each - each.mean()) ** 2).sum()))
    return Stability(value, value - half, min(1.0, value + half), repeats)


def kuncheva(chosen: NDArray[np.bool_]) -> float:
    """Return Kuncheva's consistency index, averaged over all pairs of repeats; for repeats of equal size k.

    (r d - k^2) / (k (d - k)), with r the number of items that both choose. Kuncheva (2007): A stability index for
    feature selection. IASTED Artificial Intelligence and Applications, 390-395. For lists of equal length it is
    equal to Nogueira's index, and has the same interval.

    Args:
        chosen: Whether each repeat chooses each item, shape (M, d).

    Returns:
        NaN where it is not defined: one repeat, lists of different lengths, no item or every item chosen.
    """
    repeats, items = chosen.shape
    sizes = np.unique(chosen.sum(axis=1))
    if repeats < 2 or len(sizes) != 1 or not 0 < sizes[0] < items:
        return float("nan")
    k = int(sizes[0])
    z = chosen.astype(np.float64)
    common = (z @ z.T)[np.triu_indices(repeats, 1)]
    return float(((common * items - k**2) / (k * (items - k))).mean())


def choose(scores: NDArray[np.float64], k: int, *, seed: int = 0) -> NDArray[np.bool_]:
    """Return which items are in the top k of each repeat.

    Args:
        scores: Shape (M, d), the higher the better.
        k: Length of the list; at most half of the items.
        seed: Breaks ties, in every repeat anew.
    """
    rng = np.random.default_rng(seed)
    chosen = np.zeros(scores.shape, dtype=bool)
    for row, values in enumerate(scores):
        chosen[row, order(values, rng)[: effective(k, len(values))]] = True
    return chosen


def over(
    scores: NDArray[np.float64], varied: Sequence[str], fixed: Sequence[str], k: int
) -> tuple[Stability, float] | None:
    """Return Nogueira's and Kuncheva's index over one source of variation, averaged over the rest.

    Seeds, for example, are compared within each fold, where they share all recordings, and the index is averaged
    over the folds. Its interval takes the mean of their variances, as of a single fold: folds share recordings,
    and their mean is not as much more certain as that of independent ones.

    Args:
        scores: Shape (M, d), the higher the better.
        varied: What varies in each repeat, such as its seed.
        fixed: What must be equal to be compared, such as its fold.
        k: Length of the top lists.

    Returns:
        None where nothing varies.
    """
    chosen = choose(scores, k)
    groups = [np.flatnonzero(np.asarray(fixed) == value) for value in dict.fromkeys(fixed)]
    groups = [rows for rows in groups if len({varied[int(row)] for row in rows}) > 1]
    if not groups:
        return None
    found = [nogueira(chosen[rows]) for rows in groups]
    value = float(np.mean([one.value for one in found]))
    half = float(np.sqrt(np.mean([(one.value - one.low) ** 2 for one in found])))
    repeats = min(one.repeats for one in found)
    stability = Stability(value, value - half, float(np.minimum(1.0, value + half)), repeats)
    return stability, float(np.mean([kuncheva(chosen[rows]) for rows in groups]))


def of_repeats(
    repeats: Repeats, lengths: Sequence[int], orders: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the indices of one method, language set and level: k, over, index, value, low, high, repeats.

    Args:
        repeats: The repeats.
        lengths: Lengths of the top lists.
        orders: The order of the features that the model of each repeat was trained on; None if all had the same.
    """
    scores = repeats.each()
    folds, seeds = (list(column) for column in zip(*repeats.keys, strict=True))
    orders = list(orders or [""] * len(folds))
    rest = [f"{a}|{b}|{c}" for a, b, c in zip(folds, seeds, orders, strict=True)]
    ways = {
        FOLDS: (folds, [f"{seed}|{one}" for seed, one in zip(seeds, orders, strict=True)]),
        SEEDS: (seeds, [f"{fold}|{one}" for fold, one in zip(folds, orders, strict=True)]),
        ORDERS: (orders, folds),
        ALL: (rest, [""] * len(folds)),
    }
    for k in lengths:
        for name, (varied, fixed) in ways.items():
            found = over(scores, varied, fixed, k)
            if found is None:
                continue
            stability, second = found
            for index, value in (("nogueira", stability.value), ("kuncheva", second)):
                yield {
                    "k": k,
                    "over": name,
                    "index": index,
                    "value": value,
                    "low": stability.low,
                    "high": stability.high,
                    "repeats": stability.repeats,
                }


def lengths_at(level: str, items: int) -> list[int]:
    """Return the lengths of the top lists at a level: at most half of the items, and 10 or that half always."""
    known = LENGTHS if level == "feature" else LENGTHS[:3]
    return sorted({effective(10, items), *(k for k in known if k <= items // 2)})


def table(found: Explanations, run: Run) -> pd.DataFrame:
    """Compute ``stability.parquet``, see docs/explanations.md.

    Args:
        found: The explanations of a run, with cells and rankings.
        run: The run.
    """
    rows: list[dict[str, Any]] = []
    for method in found.methods:
        opened = source(found, method)
        for name in opened.language_sets() if opened else []:
            for level in LEVELS:
                repeats = opened.repeats(name, level) if opened else None
                if repeats is None or len(repeats.names) < 2:
                    continue
                place = {"method": method, "language_set": name, "level": level}
                lengths = lengths_at(level, len(repeats.names))
                rows += [place | row for row in of_repeats(repeats, lengths)]
    return pd.DataFrame(rows, columns=list(COLUMNS))
