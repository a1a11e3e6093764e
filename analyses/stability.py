"""How steady the top of a ranking is when it is computed again: Nogueira's index and Kuncheva's.

Over single repeats, and (`analyses.stability_of_averages`) for the average over repeats that is reported.

Both compare the top k of the repeats and are corrected for chance: 1 if all repeats choose the same items, 0 on
average if each chooses at random. Repeats share recordings (two of five folds share three quarters of their
training parts), so that an index over folds says how steady a ranking is under another split of these
recordings, not how it would come out with other speakers.

Equal scores are put in random order, in every repeat anew: choosing among them by name would look steady.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.rank_agreement import aligned
from analyses.repeats import CONSENSUS, Repeats, Source, effective, order, source
from msfl.features.grammar import LEVELS

if TYPE_CHECKING:
    from analyses.correlated_stability import Likeness
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
NOGUEIRA, KUNCHEVA = "nogueira", "kuncheva"
ATTENTION = "attention"
"""Models that were trained on other orders of the features are asked for their attention only."""
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
    scores: NDArray[np.float64], varied: Sequence[Hashable], fixed: Sequence[Hashable], k: int
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
    members: dict[Hashable, list[int]] = {}
    for row, value in enumerate(fixed):
        members.setdefault(value, []).append(row)
    groups = [rows for rows in members.values() if len({varied[row] for row in rows}) > 1]
    if not groups:
        return None
    found = [nogueira(chosen[rows]) for rows in groups]
    value = float(np.mean([one.value for one in found]))
    half = float(np.sqrt(np.mean([(one.value - one.low) ** 2 for one in found])))
    repeats = min(one.repeats for one in found)
    stability = Stability(value, value - half, float(np.minimum(1.0, value + half)), repeats)
    return stability, float(np.mean([kuncheva(chosen[rows]) for rows in groups]))


def of_repeats(
    scores: NDArray[np.float64], keys: Sequence[tuple[str, str, str]], lengths: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Yield the indices of one method, language set and level: k, over, index, value, low, high, repeats.

    Args:
        scores: Score of each item in each repeat, shape (M, d), the higher the better.
        keys: Fold, seed and order of the features of each repeat; the order of the run itself is ``""``.
        lengths: Lengths of the top lists.
    """
    folds, seeds, orders = ([key[place] for key in keys] for place in range(3))
    ways: dict[str, tuple[Sequence[Hashable], Sequence[Hashable], Sequence[int]]] = {
        FOLDS: (folds, [key[1:] for key in keys], range(len(keys))),
        SEEDS: (seeds, [key[::2] for key in keys], range(len(keys))),
        ORDERS: (orders, folds, _one_seed(keys)),
        ALL: (list(keys), [""] * len(keys), range(len(keys))),
    }
    for name, (varied, fixed, kept) in ways.items():
        rows = list(kept)
        for k in lengths:
            found = over(scores[rows], [varied[row] for row in rows], [fixed[row] for row in rows], k)
            if found is None:
                continue
            stability, second = found
            for index, value in ((NOGUEIRA, stability.value), (KUNCHEVA, second)):
                yield {
                    "k": k,
                    "over": name,
                    "index": index,
                    "value": value,
                    "low": stability.low,
                    "high": stability.high,
                    "repeats": stability.repeats,
                }


def _one_seed(keys: Sequence[tuple[str, str, str]]) -> list[int]:
    """Return the first repeat of each fold and order, so that seeds do not pass for orders."""
    first: dict[tuple[str, str], int] = {}
    for row, (fold, _, of_features) in enumerate(keys):
        first.setdefault((fold, of_features), row)
    return list(first.values())


def lengths_at(level: str, items: int) -> list[int]:
    """Return the lengths of the top lists at a level: at most half of the items, and 10 or that half always."""
    known = LENGTHS if level == "feature" else LENGTHS[:3]
    return sorted({effective(10, items), *(k for k in known if k <= items // 2)})


def with_orders(
    repeats: Repeats, others: Mapping[str, Repeats]
) -> tuple[NDArray[np.float64], list[tuple[str, str, str]]]:
    """Join the repeats of a run with those of models that were trained on other orders of the features.

    Args:
        repeats: The repeats of the run.
        others: Number of the order -> its repeats.

    Returns:
        Scores of shape (M, d) for the items that all have, and fold, seed and order of each repeat.
    """
    numbers = ["", *others]
    same = aligned([repeats, *others.values()])
    keys = [(*key, number) for number, one in zip(numbers, same, strict=True) for key in one.keys]
    return np.concatenate([one.each() for one in same]), keys


def table(found: Explanations, run: Run) -> pd.DataFrame:
    """Compute ``stability.parquet``, see docs/explanations.md.

    Args:
        found: The explanations of a run, with cells and rankings.
        run: The run.
    """
    from analyses.consensus import tells_features_apart
    from analyses.correlated_stability import likeness_of_run

    rows: list[dict[str, Any]] = []
    sources = {method: opened for method in found.methods if (opened := source(found, method)) is not None}
    likeness = likeness_of_run(run)
    fine = {
        method: tells_features_apart(found.table(f"rankings/{method}", part_kind="")) for method in sources
    }
    for method, opened in sources.items():
        reordered = _reordered(run, opened) if method == ATTENTION else {}
        for name in opened.language_sets():
            for level in LEVELS:
                repeats = opened.repeats(name, level)
                if repeats is None or len(repeats.names) < 2:
                    continue
                others = {number: one.repeats(name, level) for number, one in reordered.items()}
                there = {number: one for number, one in others.items() if one is not None}
                scores, keys = with_orders(repeats, there)
                lengths = lengths_at(level, scores.shape[1])
                alike = likeness if level == "feature" else None
                place = {"method": method, "language_set": name, "level": level}
                rows += [place | row for row in of_repeats(scores, keys, lengths)]
                rows += [place | row for row in _correlated(scores, lengths, alike)]
                rows += [place | row for row in _averages(sources, fine, place, repeats, lengths, alike)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _correlated(
    scores: NDArray[np.float64], lengths: Sequence[int], likeness: Likeness | None
) -> Iterator[dict[str, Any]]:
    """Yield the index over all repeats that lets features stand for others that are correlated with them."""
    from analyses.correlated_stability import SECHIDIS, sechidis

    if likeness is None or len(scores) < 2:
        return
    for k in lengths:
        place = {"k": k, "over": ALL, "index": SECHIDIS, "value": sechidis(choose(scores, k), likeness)}
        yield place | {"low": np.nan, "high": np.nan, "repeats": len(scores)}


def _averages(
    sources: Mapping[str, Source],
    fine: Mapping[str, bool],
    place: Mapping[str, str],
    repeats: Repeats,
    lengths: Sequence[int],
    likeness: Likeness | None,
) -> Iterator[dict[str, Any]]:
    """Yield the indices of the ranking that is reported, the average over the repeats of the run."""
    from analyses.stability_of_averages import methods_of_consensus, of_averages, of_consensus, of_method

    average, count = of_method(repeats), len(repeats.keys)
    if place["method"] == CONSENSUS:
        methods = methods_of_consensus(sources, fine, place["language_set"], place["level"])
        if not methods:
            return
        average, count = of_consensus(methods)
    yield from of_averages(average, count, lengths, likeness)


def _reordered(run: Run, like: Source) -> dict[str, Source]:
    """Return the attention of models that were trained on other orders: number of the order -> source."""
    from analyses.cells import of_table
    from analyses.orders import read

    cells = read(run)
    if cells is None:
        return {}
    return {
        str(number): replace(like, cells=of_table(rows.drop(columns="order")))
        for number, rows in cells.groupby("order")
        if number != 0
    }
