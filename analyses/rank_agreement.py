"""How far rankings agree: Kendall's tau-b and W, rank-biased overlap, Jaccard's index of the top lists.

Every figure stands beside what two rankings that know nothing of each other would give, with the probability of
so much agreement by chance. Chance means rankings in random order. Related features rise and fall together, so
that real rankings agree more than that even where they share no substance: agreement near chance speaks
against a ranking, agreement above it does not yet speak for one.

`analyses.agreement` applies these measures to the explanations of a run.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analyses.overlap import intersection_distribution
from analyses.repeats import Repeats, effective, order

Floats = NDArray[np.float64]

PERSISTENCE = 0.9
"""p of rank-biased overlap: the first ten ranks have 86 % of the weight (Webber et al. 2010, section 4.3)."""
DEPTH = 300
"""Rank-biased overlap looks no deeper: p^300 is 2e-14."""
DRAWS = 2000
"""Random rankings for the chance level of rank-biased overlap and W."""
LEVEL = 0.95
TAU, W, RBO, JACCARD = "kendall_tau_b", "kendall_w", "rbo", "jaccard"
RANGE: Mapping[str, tuple[float, float]] = {
    TAU: (-1.0, 1.0),
    W: (0.0, 1.0),
    RBO: (0.0, 1.0),
    JACCARD: (0.0, 1.0),
}
"""Smallest and largest possible value of each measure."""


@dataclass(frozen=True)
class Agreement:
    """The agreement of rankings by one measure.

    Attributes:
        measure: `TAU`, `W`, `RBO` or `JACCARD`.
        value: The agreement; 1 for identical rankings. NaN where it is not defined.
        chance: Its mean for rankings in random order.
        p_value: Probability of at least this value for rankings in random order.
        k: Length of the top lists; None where whole rankings are compared.
        low: Lower end of the 95 % interval over repeats; NaN where there is one repeat.
        high: Upper end.
    """

    measure: str
    value: float
    chance: float
    p_value: float
    k: int | None = None
    low: float = float("nan")
    high: float = float("nan")


def rank_biased_overlap(a: Sequence[Hashable], b: Sequence[Hashable], p: float = PERSISTENCE) -> float:
    """Return RBO_ext of two lists without ties, which may differ in length and in their items.

    Webber, Moffat & Zobel (2010): A similarity measure for indefinite rankings. ACM TOIS 28(4), 20, equation 32;
    doi 10.1145/1852102.1852106. With X_d the number of items that both lists have down to depth d, s and l the
    lengths of the shorter and the longer list:

        (1-p)/p [sum_{d=1..l} X_d/d p^d + sum_{d=s+1..l} X_s (d-s)/(s d) p^d] + [(X_l - X_s)/l + X_s/s] p^l

    Returns:
        0 (nothing in common) to 1 (identical); 1 for two empty lists, 0 for one.
    """
    short, long = sorted((list(a), list(b)), key=len)
    if not short:
        return 1.0 if not long else 0.0
    s, l = len(short), len(long)  # noqa: E741 - the letters of the paper
    place = {item: depth for depth, item in enumerate(short, start=1)}
    entry = [max(depth, place[item]) for depth, item in enumerate(long, start=1) if item in place]
    common = np.bincount(entry, minlength=l + 1)[1:].cumsum()  # X_d
    depth = np.arange(1, l + 1)
    beyond = np.where(depth > s, common[s - 1] * (depth - s) / s, 0.0)
    total = (1 - p) / p * ((common + beyond) / depth * p**depth).sum()
    rest = (common[-1] - common[s - 1]) / l + common[s - 1] / s
    return float(min(1.0, total + rest * p**l))


def expected_rbo(items: int, p: float = PERSISTENCE) -> float:
    """Return the mean of RBO_ext over random orders of the same items, evaluated down to `DEPTH`.

    E[X_d / d] = d / items.
    """
    depth = np.arange(1, min(items, DEPTH) + 1)
    return float((1 - p) / p * (depth * p**depth).sum() / items + depth[-1] / items * p ** depth[-1])


@lru_cache(maxsize=64)
def _random_rbo(items: int, p: float) -> Floats:
    """Return RBO_ext of random orders against a fixed one, ascending."""
    rng = np.random.default_rng(items)
    depth = np.arange(1, min(items, DEPTH) + 1)
    weights = (1 - p) / p * p**depth / depth
    weights[-1] += p ** depth[-1] / depth[-1]
    values = np.empty(DRAWS)
    for draw in range(DRAWS):
        entry = np.maximum(rng.choice(items, size=len(depth), replace=False) + 1, depth)
        values[draw] = np.bincount(entry, minlength=items + 1)[1 : len(depth) + 1].cumsum() @ weights
    return np.sort(values)


def rbo(a: Floats, b: Floats, rng: np.random.Generator, *, p: float = PERSISTENCE) -> Agreement:
    """Compare two rankings of the same items by rank-biased overlap.

    Args:
        a: Score of each item, the higher the better, shape (D,).
        b: The same, in the same order of the items.
        rng: Breaks ties.
        p: Persistence.
    """
    items = len(a)
    value = rank_biased_overlap(order(a, rng)[:DEPTH].tolist(), order(b, rng)[:DEPTH].tolist(), p)
    return Agreement(RBO, value, expected_rbo(items, p), _at_least(value, _random_rbo(items, p)))


def kendall_tau(a: Floats, b: Floats) -> Agreement:
    """Compare two rankings of the same items by Kendall's tau-b, which corrects for ties.

    The p-value is exact for up to 33 items without ties, and from the normal approximation of the permutation
    distribution otherwise. Arguments as in `rbo`. NaN if all items of one ranking are tied.
    """
    from scipy.stats import kendalltau

    found = kendalltau(a, b, variant="b", alternative="greater")
    return Agreement(TAU, float(found.statistic), 0.0, float(found.pvalue))


def kendall_w(scores: Floats, *, test: bool = True) -> Agreement:
    """Compare several rankings by Kendall's coefficient of concordance, corrected for ties.

    W = 12 S / (m^2 (n^3 - n) - m sum T), with S the sum of squared deviations of the rank sums and T = sum(t^3 - t)
    over the ties of a ranking (Kendall & Gibbons 1990, chapter 6). Its mean over random rankings is 1/m.

    Args:
        scores: Shape (m rankings, n items), the higher the better.
        test: Whether to compute the p-value, by permutation.
    """
    from scipy.stats import rankdata

    m, n = scores.shape
    ranks = rankdata(scores, axis=1)
    ties = sum(
        float((counts**3 - counts).sum())
        for counts in (np.unique(row, return_counts=True)[1] for row in ranks)
    )
    room = m**2 * (n**3 - n) - m * ties
    if m < 2 or room <= 0:
        return Agreement(W, float("nan"), float("nan"), float("nan"))
    value = 12 * _deviation(ranks.sum(axis=0)) / room
    if not test:
        return Agreement(W, value, 1 / m, float("nan"))
    rng = np.random.default_rng(n)
    step = max(1, 2_000_000 // n)
    random: list[float] = []
    while len(random) < DRAWS:
        sums = np.zeros((min(step, DRAWS - len(random)), n))
        for row in ranks:
            sums += rng.permuted(np.broadcast_to(row, sums.shape), axis=1)
        random += (12 * ((sums - sums.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / room).tolist()
    return Agreement(W, value, 1 / m, _at_least(value, np.sort(random)))


def _deviation(sums: Floats) -> float:
    return float(((sums - sums.mean()) ** 2).sum())


def jaccard(a: Floats, b: Floats, k: int, rng: np.random.Generator) -> Agreement:
    """Compare the top k of two rankings: the share of what is in either list that is in both.

    The chance level is exact: the number of common items is hypergeometric. Arguments as in `rbo`.
    """
    k = effective(k, len(a))
    common = len(set(order(a, rng)[:k].tolist()) & set(order(b, rng)[:k].tolist()))
    chance, p_values = _random_jaccard(k, len(a))
    return Agreement(JACCARD, common / (2 * k - common), chance, p_values[common], k)


@lru_cache(maxsize=256)
def _random_jaccard(k: int, items: int) -> tuple[float, tuple[float, ...]]:
    """Return the mean index of random lists, and the probability of at least 0, 1, ..., k common items."""
    chance = intersection_distribution([k, k], items)
    counts = np.arange(k + 1)
    tail = np.minimum(1.0, chance[::-1].cumsum()[::-1])
    return float(chance @ (counts / (2 * k - counts))), tuple(tail.tolist())


def _at_least(value: float, ascending: Floats) -> float:
    above = len(ascending) - int(np.searchsorted(ascending, value - 1e-12))
    return (1 + above) / (1 + len(ascending))


def compare(a: Floats, b: Floats, k: int = 10) -> list[Agreement]:
    """Compare two rankings of the same items by tau-b, rank-biased overlap and Jaccard's index.

    Ties are broken at random and independently, from a fixed seed. Arguments as in `rbo`.
    """
    rng = np.random.default_rng(0)
    return [kendall_tau(a, b), rbo(a, b, rng), jaccard(a, b, k, rng)]


def compare_repeats(a: Repeats, b: Repeats, k: int = 10) -> list[Agreement]:
    """Compare the rankings of two sets of repeats, each averaged, with intervals over the repeats they share.

    Returns:
        As in `compare`; empty where fewer than two items are in both.
    """
    first, second = aligned([a, b])
    if len(first.names) < 2:
        return []
    found = compare(first.importance(), second.importance(), k)
    without = [[one.value for one in compare(x, y, k)] for x, y in left_out([first, second])]
    return [
        with_interval(one, [values[position] for values in without]) for position, one in enumerate(found)
    ]


def concordance(many: Sequence[Repeats]) -> Agreement | None:
    """Return W over several sets of repeats, with its interval; None where fewer than two items are in all."""
    same = aligned(many)
    if len(same) < 2 or len(same[0].names) < 2:
        return None
    found = kendall_w(np.stack([one.importance() for one in same]))
    return with_interval(found, [kendall_w(np.stack(rows), test=False).value for rows in left_out(same)])


def aligned(many: Sequence[Repeats]) -> list[Repeats]:
    """Restrict repeats to the items that all of them have, in one order."""
    common = tuple(sorted(set(many[0].names).intersection(*(one.names for one in many[1:]))))
    result = []
    for one in many:
        place = {name: position for position, name in enumerate(one.names)}
        columns = [place[name] for name in common]
        result.append(replace(one, names=common, totals=one.totals[:, :, columns]))
    return result


def left_out(many: Sequence[Repeats]) -> list[list[Floats]]:
    """Return the importances of each set when one block of repeats is left out of all of them.

    Blocks are the folds that all have (or the seeds, if there is one fold); empty where there are fewer than two.
    """
    blocks = [one.blocks() for one in many]
    labels = set(blocks[0]).intersection(*blocks[1:])
    if len(labels) < 2 or any(set(one) != labels for one in blocks):
        return []
    result = []
    for block in range(max(blocks[0].values()) + 1):
        gone = {label for label, number in blocks[0].items() if number == block}
        keep = [np.array([not gone & set(key) for key in one.keys]) for one in many]
        result.append([one.importance(rows) for one, rows in zip(many, keep, strict=True)])
    return result


def with_interval(found: Agreement, without: Sequence[float]) -> Agreement:
    """Add the interval of the delete-one-block jackknife (Efron & Tibshirani 1993, chapter 11), t-distributed.

    Args:
        found: The agreement of everything.
        without: Its value when each of the blocks is left out.
    """
    if len(without) < 2 or not np.isfinite([found.value, *without]).all():
        return found
    spread = jackknife_error(without) * _quantile(len(without) - 1)
    least, most = RANGE[found.measure]
    return replace(found, low=max(least, found.value - spread), high=min(most, found.value + spread))


def mean_over(found: Sequence[Agreement]) -> Agreement:
    """Return the mean of one measure over folds, with the t interval over the folds and the largest p-value."""
    values = np.array([one.value for one in found])
    mean = replace(
        found[0],
        value=float(values.mean()),
        p_value=max(one.p_value for one in found),
        low=np.nan,
        high=np.nan,
    )
    if len(values) < 2 or not np.isfinite(values).all():
        return mean
    spread = float(values.std(ddof=1)) / np.sqrt(len(values)) * _quantile(len(values) - 1)
    least, most = RANGE[mean.measure]
    return replace(mean, low=max(least, mean.value - spread), high=min(most, mean.value + spread))


def jackknife_error(without: Sequence[float]) -> float:
    """Return the jackknife estimate of the standard error."""
    values = np.asarray(without)
    return float(np.sqrt((len(values) - 1) * values.var()))


def _quantile(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, freedom))
