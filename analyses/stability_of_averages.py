"""How steady the ranking is that is reported: not that of one network, but the average over all repeats.

The index over single repeats says how far one network can be believed. What readers are shown is an average over folds
and seeds, which is steadier. Here the repeats are split at random into two halves, each half is averaged (for the
consensus: every method is averaged, and the methods are aggregated again), and the two top lists are compared; many
splits, and their mean.

Halves are what can be measured: they share no network. An average over all repeats rests on twice as many, and
Spearman's and Brown's formula (1910) extrapolates to it, 2 r / (1 + r). It holds for correlations of sums; for indices
of top lists it is an approximation, as a rule slightly too high.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analyses.consensus import FINE, METHODS
from analyses.rank_aggregation import rho_scores
from analyses.repeats import Repeats, Source
from analyses.stability import NOGUEIRA, choose, nogueira
from analyses.ties import DIGITS, levelled

if TYPE_CHECKING:
    from analyses.correlated_stability import Likeness

HALVES, AVERAGE = "halves", "average"
FEWEST = 4
"""Repeats that are needed: halves of one repeat are no averages."""
SPLITS = 40
TRIES = 4
"""So many times as many splits are drawn at most: one that leaves a method without a repeat is of no use."""
Floats = NDArray[np.float64]
Average = Callable[[NDArray[np.bool_]], "Floats | None"]
"""Which repeats (R,) -> the scores of their average (D,), the higher the better; None if there is none."""


def of_averages(
    average: Average,
    repeats: int,
    lengths: Sequence[int],
    likeness: Likeness | None = None,
    *,
    splits: int = SPLITS,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """Yield the indices of the averages: k, over, index, value, low, high, repeats.

    `low` and `high` of ``halves`` are the middle 95 % of the splits.

    Args:
        average: Averages some of the repeats.
        repeats: Number of repeats R.
        lengths: Lengths of the top lists.
        likeness: How alike the items are, for the index that takes that into account.
        splits: Number of splits.
        seed: Seed of the splits.
    """
    if repeats < FEWEST:
        return
    pairs = list(_pairs(average, repeats, splits, seed))
    if not pairs:
        return
    for k in lengths:
        lists = [choose(np.stack(pair), k, seed=number) for number, pair in enumerate(pairs)]
        found = {NOGUEIRA: np.array([nogueira(one).value for one in lists])}
        if likeness is not None:
            from analyses.correlated_stability import SECHIDIS, sechidis

            found[SECHIDIS] = np.array([sechidis(one, likeness) for one in lists])
        for index, values in found.items():
            mean = float(values.mean())
            low, high = (float(one) for one in np.quantile(values, [0.025, 0.975]))
            measured = {"value": mean, "low": low, "high": high, "repeats": repeats // 2}
            estimate = {"value": of_twice(mean), "low": np.nan, "high": np.nan, "repeats": repeats}
            for over, figures in ((HALVES, measured), (AVERAGE, estimate)):
                yield {"k": k, "over": over, "index": index} | figures


def of_twice(value: float) -> float:
    """Extrapolate an index of averages to averages over twice as many repeats (Spearman 1910, Brown 1910)."""
    return 2 * value / (1 + value) if value > 0 else value


def of_method(repeats: Repeats) -> Average:
    """Return what averages the repeats of a method."""
    return repeats.importance


def of_consensus(methods: Mapping[str, Repeats]) -> tuple[Average, int]:
    """Return what averages each method over some repeats and aggregates them, and the number of repeats of all.

    Args:
        methods: Method -> its repeats. A method with fewer repeats than others has its say in the half where they are.
    """
    from scipy.stats import rankdata

    keys = sorted(set().union(*(one.keys for one in methods.values())))
    items = sorted(set().union(*(one.names for one in methods.values())))
    place = {item: position for position, item in enumerate(items)}
    rows = [[keys.index(key) for key in one.keys] for one in methods.values()]
    columns = [[place[name] for name in one.names] for one in methods.values()]

    def average(keep: NDArray[np.bool_]) -> Floats | None:
        own = [keep[row] for row in rows]
        if not all(one.any() for one in own):
            return None
        ranks = np.full(
            (len(items), len(methods)), float(len(items))
        )  # an item that a list lacks is its last
        for number, (one, kept) in enumerate(zip(methods.values(), own, strict=True)):
            ranks[columns[number], number] = rankdata(-levelled(one.importance(kept)))
        ranks /= len(items)
        return -_order(rho_scores(ranks), ranks.mean(axis=1).round(DIGITS))

    return average, len(keys)


def _order(*keys: Floats) -> Floats:
    """Return the place of each item by several keys, the lowest first; items that are equal in all share one."""
    _, places = np.unique(np.stack(keys, axis=1), axis=0, return_inverse=True)
    return places.astype(np.float64)


def methods_of_consensus(
    sources: Mapping[str, Source], fine: Mapping[str, bool], language_set: str, level: str
) -> dict[str, Repeats]:
    """Return the repeats of the methods that enter the consensus of a language set and level.

    Args:
        sources: The methods.
        fine: Whether each tells single features apart, see `analyses.consensus`.
        language_set: Name of the language set.
        level: The level.
    """
    found = {
        name: repeats
        for name, opened in sources.items()
        if name in METHODS
        and (fine[name] or level not in FINE)
        and (repeats := opened.repeats(language_set, level)) is not None
    }
    return found if len(found) > 1 else {}


def _pairs(average: Average, repeats: int, splits: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
    """Yield the averages of the two halves of each split; of an odd number one repeat is left out."""
    rng = np.random.default_rng(seed)
    half, made = repeats // 2, 0
    for _ in range(TRIES * splits):
        drawn = rng.permutation(repeats)
        masks = np.zeros((2, repeats), dtype=bool)
        masks[0, drawn[:half]] = masks[1, drawn[half : 2 * half]] = True
        first, second = (average(mask) for mask in masks)
        if first is None or second is None:
            continue
        yield first, second
        made += 1
        if made == splits:
            return
