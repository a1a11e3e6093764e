"""Rankings: which features, contours or families matter most to a model, and how steady that is.

Averaging goes from the inside outwards, so that a large corpus does not drown a small one: over the
utterances of a corpus, over the corpora of a language, over the languages of the set. Folds and seeds stay
raw repeats.

A contour or a family has many features, and would get a large sum for its size alone. Groups are therefore
ranked by `lift`: their sum, divided by their share of the features and by the sum over all features. 1 is what
each would get if all features mattered the same (for attention: if the weights were uniform). For single
features the order by lift is the order by importance.

Importance may be negative (permuting a useless feature raises the score as often as it lowers it). Negative
values are summed as they are, so that chance cancels out within a group; cutting them off at zero would
favour large groups. Only the unit of `lift` is then the mean absolute importance.

Equal items: see `analyses.ties`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.cells import Cells
from analyses.items import Items, items_of
from analyses.ties import places, shared_ranks
from msfl.errors import DataError

NEARLY_UNIFORM = 1.05
"""A first feature with less than this many times the uniform weight means that attention did not choose."""


@dataclass(frozen=True)
class Ranking:
    """The ranking of one model: trained on one language set, looked at on one part of its test utterances.

    Attributes:
        model: Name of the model.
        language_set: Name of the language set that it was trained on.
        part: The emotion or language whose utterances were looked at; empty for all.
        level: ``feature``, ``contour``, ``functional`` or ``family``.
        top: How many count as the top.
        table: One row per item (index ``name``), best first: `in_words`, `contour`, `family`, `rank`,
            `importance` (sum over the features, in the units of the method), `size` (number of features),
            `share` (their share of all features), `lift` (see above), and over the repeats `mean_rank`,
            `sd_rank`, `min_rank`, `max_rank`, `in_top` (share of repeats in the top) and `direction` (mean sign
            of the signed value, -1 to 1, NaN where the method has none).
        repeats: The raw repeats: importance per fold and seed (rows) and item (columns).
        weights: Weight of each repeat in the summary; sums to one. Unequal only where folds test different
            languages: then every language counts the same.
        signed: The signed values of the repeats, like `repeats`; None where the method has none.
    """

    model: str
    language_set: str
    part: str
    level: str
    top: int
    table: pd.DataFrame
    repeats: pd.DataFrame
    weights: pd.Series[float]
    signed: pd.DataFrame | None = None

    @property
    def leaders(self) -> list[str]:
        """The items in the top, best first."""
        return [str(name) for name in self.table.index[: self.top]]

    @cached_property
    def repeat_ranks(self) -> pd.DataFrame:
        """Rank of each item (columns) in each repeat (rows); equal items share the mean of their ranks."""
        return ranks(self.repeats, self.table["share"])

    @property
    def nearly_uniform(self) -> bool:
        """Whether attention spreads so evenly that the order means nothing."""
        return bool(self.table["lift"].iloc[0] < NEARLY_UNIFORM)


def rank(
    cells: Cells,
    *,
    level: str = "feature",
    top: int = 10,
    part: str = "",
    feature_set: str | None = None,
    features: tuple[str, ...] = (),
) -> Ranking:
    """Rank the features of one model by one method.

    Args:
        cells: Cells of one model and one language set, restricted to one part of the utterances if need be.
        level: ``feature``, ``contour``, ``functional`` or ``family``.
        top: How many count as the top; at most half of the items do, because more would say nothing.
        part: What the cells were restricted to, for the record.
        feature_set: The openSMILE set of the features, if it is one.
        features: All features of the run, where the cells are about groups of them.

    Raises:
        DataError: The cells are empty or belong to several models or language sets.
        UsageError: The cells cannot be ranked at this level.
    """
    names = {key: cells.values(key) for key in ("model", "language_set")}
    if any(len(values) != 1 for values in names.values()):
        raise DataError(f"A ranking is about one model and one language set, but this table holds {names}.")
    items = items_of(tuple(cells.means.columns), level, feature_set, base=cells.level, features=features)
    share = items.table["share"]
    single = balanced(cells)
    importance = items.sums(single.to_numpy(dtype=np.float64)[None, :]).iloc[0]
    total = float(single.abs().sum())
    repeats, weights = _repeats(cells, cells.means, items)
    signed, direction = None, importance * np.nan
    if cells.signed is not None:
        signed = _repeats(cells, cells.signed, items)[0]
        direction = (signed > 0).mul(weights, axis=0).sum() - (signed < 0).mul(weights, axis=0).sum()
    effective = max(1, min(top, len(share) // 2))
    name = "|".join((names["language_set"][0], part, level))
    table = pd.DataFrame(
        {
            **{name: items.table[name] for name in ("in_words", "contour", "family")},
            "rank": places(importance / share, name),
            "importance": importance,
            "size": items.table["size"],
            "share": share,
            "lift": importance / share / total if total else importance * 0.0,
            **spread(ranks(repeats, share), weights, effective),
            "direction": direction,
        }
    ).sort_values("rank")
    table.index.name = "name"
    return Ranking(
        model=names["model"][0],
        language_set=names["language_set"][0],
        part=part,
        level=level,
        top=effective,
        table=table,
        repeats=repeats,
        weights=weights,
        signed=signed,
    )


def balanced(cells: Cells) -> pd.Series[float]:
    """Return the mean importance of each column: over utterances, then corpora, then languages, each alike.

    Returns:
        For attention, weights by feature that sum to one where the attention of every utterance does.
    """
    values = _balance(cells, ()) @ cells.means.to_numpy(dtype=np.float64)
    return pd.Series(values, index=cells.means.columns)


def ranks(importance: pd.DataFrame, share: pd.Series[float]) -> pd.DataFrame:
    """Return the rank of each item in each row, 1 the best; equal items share the mean of their ranks."""
    return shared_ranks((importance / share)[sorted(importance.columns)])


def _balance(cells: Cells, by: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the weight of each cell in the balanced mean; the weights sum to one within each group of `by`."""
    counts = cells.counts.to_numpy(dtype=np.float64)
    outer, _ = _groups(cells, by)
    language, first_of_language = _groups(cells, (*by, "language"))
    corpus, first_of_corpus = _groups(cells, (*by, "language", "corpus"))
    utterances = np.bincount(corpus, counts)
    corpora = np.bincount(language[first_of_corpus])
    languages = np.bincount(outer[first_of_language])
    weights: NDArray[np.float64] = counts / utterances[corpus] / corpora[language] / languages[outer]
    return weights


def _groups(cells: Cells, names: tuple[str, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the number of the group of each cell, and the first cell of each group."""
    index = cells.means.index
    assert isinstance(index, pd.MultiIndex)
    code = np.zeros(len(index), dtype=np.int64)
    for name in names:
        place = index.names.index(name)
        code = code * len(index.levels[place]) + index.codes[place]
    _, first, group = np.unique(code, return_index=True, return_inverse=True)
    return group, first


def _repeats(cells: Cells, values: pd.DataFrame, items: Items) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Return the values per fold and seed, and how much each repeat counts.

    A fold that tests one language only (leave-one-speaker-out) must not let the language with most speakers
    decide: each language hands out the same total weight to the repeats that tested it.
    """
    repeat, first = _groups(cells, ("fold", "seed"))
    weight = np.zeros((len(first), len(repeat)))
    weight[repeat, np.arange(len(repeat))] = _balance(cells, ("fold", "seed"))
    frame = items.sums(weight @ values.to_numpy(dtype=np.float64))
    keys = [cells.means.index[first].get_level_values(name) for name in ("fold", "seed")]
    frame.index = pd.MultiIndex.from_arrays(keys, names=["fold", "seed"])
    language, _ = _groups(cells, ("language",))
    tested = np.zeros((len(first), language.max() + 1))
    tested[repeat, language] = 1.0
    counted = (tested / tested.sum(axis=0)).sum(axis=1)
    return frame, pd.Series(counted / counted.sum(), index=frame.index)


def spread(repeat_ranks: pd.DataFrame, weights: pd.Series[float], top: int) -> dict[str, pd.Series[float]]:
    """Summarise the ranks over the repeats; the standard deviation is missing where there is one repeat.

    Equal items at the edge of the top share its last places: of three for one place, each is in it by a third.
    """
    mean = repeat_ranks.mul(weights, axis=0).sum()
    variance = ((repeat_ranks - mean) ** 2).mul(weights, axis=0).sum()
    correction = 1 - float((weights**2).sum())  # n/(n-1) for equal weights
    sd = np.sqrt(variance / correction) if correction > 1e-12 else variance * np.nan
    return {
        "mean_rank": mean,
        "sd_rank": sd,
        "min_rank": repeat_ranks.min(),
        "max_rank": repeat_ranks.max(),
        "in_top": _inside(repeat_ranks, top).mul(weights, axis=0).sum(),
    }


def _inside(repeat_ranks: pd.DataFrame, top: int) -> pd.DataFrame:
    """Return how much each item is in the top of each row, 0 to 1: the mean over all orders of equal items."""
    first = repeat_ranks.rank(axis=1, method="min")
    equal = 2 * (repeat_ranks - first) + 1  # so many share this rank
    return ((top - first + 1) / equal).clip(0, 1)
