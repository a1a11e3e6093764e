"""Rankings: which features, contours or families get the most attention, and how steady that is.

Averaging goes from the inside outwards, so that a large corpus does not drown a small one: over the
utterances of a corpus, over the corpora of a language, over the languages of the set. Folds and seeds stay
raw repeats.

A contour or a family has many features, and under uniform attention it would get a large sum for its size
alone. Groups are therefore ranked by `lift`, the sum of their weights divided by their share of the features:
1 is what uniform attention would give. For single features the order by lift is the order by weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analyses.cells import Cells
from msfl.errors import DataError
from msfl.features.grammar import FeatureName, parse_or_unknown

NEARLY_UNIFORM = 1.05
"""A first feature with less than this many times the uniform weight means that attention did not choose."""


@dataclass(frozen=True)
class Ranking:
    """The ranking of one model: trained on one language set, looked at on one part of its test utterances.

    Attributes:
        model: Name of the model.
        language_set: Name of the language set that it was trained on.
        part: The emotion or language whose utterances were looked at; empty for all.
        level: ``feature``, ``contour`` or ``family``.
        top: How many count as the top.
        table: One row per item (index ``name``), best first: `in_words`, `contour`, `family`, `rank`,
            `importance` (sum of the weights), `size` (number of features), `share` (their share of all
            features), `lift` (importance / share), and over the repeats `mean_rank`, `sd_rank`, `min_rank`,
            `max_rank` and `in_top` (share of repeats in the top).
        repeats: The raw repeats: importance per fold and seed (rows) and item (columns).
        weights: Weight of each repeat in the summary; sums to one. Unequal only where folds test different
            languages: then every language counts the same.
    """

    model: str
    language_set: str
    part: str
    level: str
    top: int
    table: pd.DataFrame
    repeats: pd.DataFrame
    weights: pd.Series[float]

    @property
    def leaders(self) -> list[str]:
        """The items in the top, best first."""
        return [str(name) for name in self.table.index[: self.top]]

    @cached_property
    def repeat_ranks(self) -> pd.DataFrame:
        """Rank of each item (columns) in each repeat (rows)."""
        return _ranks(self.repeats, self.table["share"])

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
) -> Ranking:
    """Rank the features of one model.

    Args:
        cells: Cells of one model and one language set, restricted to one part of the utterances if need be.
        level: ``feature``, ``contour``, ``functional`` or ``family``.
        top: How many count as the top; at most half of the items do, because more would say nothing.
        part: What the cells were restricted to, for the record.
        feature_set: The openSMILE set of the features, if it is one.

    Raises:
        DataError: The cells are empty or belong to several models or language sets.
    """
    names = {key: cells.values(key) for key in ("model", "language_set")}
    if any(len(values) != 1 for values in names.values()):
        raise DataError(f"A ranking is about one model and one language set, but this table holds {names}.")
    parsed = [parse_or_unknown(name, feature_set) for name in cells.means.columns]
    groups = pd.Series({one.name: one.group_key(level) for one in parsed})
    size = groups.value_counts().sort_index()
    share = size / size.sum()
    importance = _grouped(balanced(cells).to_frame().T, groups).iloc[0]
    repeats, weights = _repeats(cells, groups)
    effective = max(1, min(top, len(size) // 2))
    lift = importance / share
    table = pd.DataFrame(
        {
            **_labels(parsed, level),
            "rank": _ranks(importance.to_frame().T, share).iloc[0],
            "importance": importance,
            "size": size,
            "share": share,
            "lift": lift,
            **_spread(_ranks(repeats, share), weights, effective),
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
    )


def balanced(cells: Cells) -> pd.Series[float]:
    """Return the mean weight of each feature: over utterances, then corpora, then languages, each alike.

    Returns:
        Weights by feature; they sum to one where the attention of every utterance does.
    """
    keys = ["language", "corpus"]
    totals = cells.means.mul(cells.counts, axis=0).groupby(level=keys).sum()
    corpora = totals.div(cells.counts.groupby(level=keys).sum(), axis=0)
    return corpora.groupby(level="language").mean().mean()


def _labels(parsed: list[FeatureName], level: str) -> dict[str, pd.Series[str]]:
    """Return what each item is called: in words, its contour and its family (empty where it has several)."""
    rows: dict[str, tuple[str, str, str]] = {}
    for one in sorted(parsed, key=lambda one: one.delta):  # a contour is described before its change
        words = {
            "feature": (one.description, one.contour, one.family),
            "contour": (one.contour_words, one.contour, one.family),
            "functional": (one.functional_words, "", ""),
            "family": (one.family, "", one.family),
        }
        rows.setdefault(one.group_key(level), words[level])
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["in_words", "contour", "family"])
    return {name: frame[name] for name in frame.columns}


def _grouped(rows: pd.DataFrame, groups: pd.Series[str]) -> pd.DataFrame:
    """Sum the columns (features) of each row within their groups; groups come sorted by name."""
    return rows.T.groupby(groups).sum().T


def _repeats(cells: Cells, groups: pd.Series[str]) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Return the importance per fold and seed, and how much each repeat counts.

    A fold that tests one language only (leave-one-speaker-out) must not let the language with most speakers
    decide: each language hands out the same total weight to the repeats that tested it.
    """
    rows, covered = {}, {}
    index = cells.means.index
    for key in sorted(set(zip(index.get_level_values("fold"), index.get_level_values("seed"), strict=True))):
        chosen = cells.select(fold=key[0], seed=key[1])
        rows[key] = balanced(chosen)
        covered[key] = set(chosen.values("language"))
    frame = pd.DataFrame(rows).T
    frame.index.names = ["fold", "seed"]
    languages = set().union(*covered.values())
    tested = {language: sum(language in found for found in covered.values()) for language in languages}
    weights = pd.Series({key: sum(1 / tested[language] for language in covered[key]) for key in covered})
    weights.index = frame.index
    return _grouped(frame, groups), weights / weights.sum()


def _ranks(importance: pd.DataFrame, share: pd.Series[float]) -> pd.DataFrame:
    """Return the rank of each item in each row, 1 the best; equal items in the order of their names."""
    lift = (importance / share)[sorted(importance.columns)]
    return lift.rank(axis=1, ascending=False, method="first").astype("int64")


def _spread(ranks: pd.DataFrame, weights: pd.Series[float], top: int) -> dict[str, pd.Series[float]]:
    """Summarise the ranks over the repeats; the standard deviation is missing where there is one repeat."""
    mean = ranks.mul(weights, axis=0).sum()
    variance = ((ranks - mean) ** 2).mul(weights, axis=0).sum()
    correction = 1 - float((weights**2).sum())  # n/(n-1) for equal weights
    sd = np.sqrt(variance / correction) if correction > 1e-12 else variance * np.nan
    return {
        "mean_rank": mean,
        "sd_rank": sd,
        "min_rank": ranks.min(),
        "max_rank": ranks.max(),
        "in_top": (ranks <= top).mul(weights, axis=0).sum(),
    }
