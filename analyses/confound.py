"""The language confound: how far a ranking for emotion is also a ranking for telling the languages apart.

Where each language has its own corpus, language is recording chain, speakers and instructions as well, and a model
of several corpora can use all of that. Two questions are asked of every ranking of a multilingual model:

- `LANGUAGE_TASK`: does the same model need the same features to tell the languages? (Where a method explains the
  language task.)
- `MEANS`, `SHAPES`: are they features that tell the languages apart by themselves, by their means or by any
  difference of their distributions, after the normalisation of the run and after z-scores within each corpus?

Agreement does not prove that emotion was recognised by the recording; it says that this ranking cannot exclude it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.rank_agreement import JACCARD, TAU, Agreement, compare_repeats
from analyses.repeats import LANGUAGE, Repeats, Source, of_scores, source
from analyses.separation import balanced_weights, distribution_distance, eta_squared
from msfl.features.grammar import LEVELS, parse_or_unknown

if TYPE_CHECKING:
    from analyses.explanations import Explanations
    from msfl.features.normalisation import Kind
    from msfl.runs import Run

LANGUAGE_TASK = "language task"
MEANS = "language means"
SHAPES = "language distributions"
AS_TRAINED, WITHIN_CORPUS = "as trained", "corpus"
STRONG = 0.5
"""A ranking for emotion is largely one for language if at least half of its top is in the other's top too."""
SIGNIFICANCE = 0.01
"""More in common than this probability allows by chance is called more than chance."""
RELATED = 0.1
"""A smaller tau-b does not count as agreement, however certain it is: with many items, any trace is."""
NOTHING = 0.01
"""Means that explain less than 1 % of the variance of every feature do not tell languages apart."""
TOP = 10
COLUMNS = (
    "method",
    "language_set",
    "level",
    "normalisation",
    "against",
    "measure",
    "k",
    "value",
    "low",
    "high",
    "chance",
    "p_value",
    "strength",
    "verdict",
)
Row = dict[str, Any]


def table(found: Explanations, run: Run) -> pd.DataFrame:
    """Compute ``confound.parquet``, see docs/explanations.md.

    Args:
        found: The explanations of a run, with cells and rankings.
        run: The run.
    """
    rows: list[Row] = []
    separations: dict[str, list[tuple[str, str, pd.Series[float]]]] = {}
    for method in found.methods:
        opened = source(found, method)
        for name in opened.language_sets() if opened else []:
            languages = run.manifest.language_sets.get(name, ())
            if opened is None or len(languages) < 2:
                continue
            if name not in separations:
                separations[name] = separations_of(run, languages)
            for level in LEVELS:
                rows += of_level(opened, name, level, separations[name])
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"k": "Int64"})


def of_level(
    opened: Source, language_set: str, level: str, separations: Sequence[tuple[str, str, pd.Series[float]]]
) -> Iterator[Row]:
    """Yield the rows of one method, language set and level.

    Args:
        opened: The method.
        language_set: A set of several languages.
        level: One of `msfl.features.grammar.LEVELS`.
        separations: (normalisation, against, separation of the languages by feature), see `separations_of`.
    """
    emotion = opened.repeats(language_set, level)
    if emotion is None or len(emotion.names) < 2:
        return
    place, items = {"method": opened.method, "language_set": language_set, "level": level}, len(emotion.names)
    language = opened.repeats(language_set, level, task=LANGUAGE)
    if language is not None:
        here = place | {"normalisation": AS_TRAINED, "against": LANGUAGE_TASK}
        yield from _rows(here, compare_repeats(emotion, language, TOP), items)
    for normalisation, against, values in separations:
        here = place | {"normalisation": normalisation, "against": against}
        grouped = by_level(values, level, opened.feature_set)
        if against == MEANS and float(values.max()) < NOTHING:
            yield from _rows(here, [], items, float(values.max()))
        else:
            found = compare_repeats(emotion, _constant(grouped, emotion), TOP)
            yield from _rows(here, found, items)


def separations_of(run: Run, languages: Sequence[str]) -> list[tuple[str, str, pd.Series[float]]]:
    """Return how well each feature separates the languages of a set: (normalisation, against, values).

    The statistics of the normalisation are taken from all utterances of these languages: there is no model here that
    a test utterance must be hidden from.
    """
    utterances = run.utterances
    features = run.features()
    rows = utterances.index[utterances["language"].isin(list(languages))].intersection(
        features.index, sort=False
    )
    features, utterances = features.loc[rows], utterances.loc[rows]
    language = utterances["language"].to_numpy(dtype=str)
    weights = balanced_weights(language, utterances["corpus"].to_numpy(dtype=str))
    found = []
    for name, kind in ((AS_TRAINED, _kind(utterances)), (WITHIN_CORPUS, "corpus")):
        values = _normalised(features, utterances, kind)
        for against, measure in ((MEANS, eta_squared), (SHAPES, distribution_distance)):
            scores = measure(values, language, weights)
            found.append((name, against, pd.Series(scores, index=features.columns.astype(str))))
    return found


def _kind(utterances: pd.DataFrame) -> Kind | Mapping[str, Kind]:
    """Return the normalisation of each corpus, which the run keeps beside its utterances."""
    kinds = utterances.groupby("corpus")["normalisation"].first()
    return {str(corpus): str(kind) for corpus, kind in kinds.items()}  # type: ignore[misc]


def _normalised(features: pd.DataFrame, utterances: pd.DataFrame, kind: Any) -> NDArray[np.float32]:
    from msfl.features.normalisation import Scaler

    return Scaler(kind).fit(features, utterances).transform(features, utterances)


def by_level(values: pd.Series[float], level: str, feature_set: str | None = None) -> pd.Series[float]:
    """Return the mean over the features of each item of a level."""
    groups = [parse_or_unknown(str(name), feature_set).group_key(level) for name in values.index]
    return values.groupby(groups).mean()


def _constant(scores: pd.Series[float], like: Repeats) -> Repeats:
    """Return scores that have no repeats, as the same in every repeat."""
    index = pd.MultiIndex.from_tuples(like.keys, names=["fold", "seed"])
    return of_scores(pd.DataFrame([scores.to_numpy()] * len(index), index=index, columns=list(scores.index)))


def _rows(
    place: Mapping[str, str], found: Sequence[Agreement], items: int, largest: float | None = None
) -> Iterator[Row]:
    if largest is not None:
        verdict = means_removed(place["normalisation"], largest)
        yield {**place, "measure": TAU, "value": np.nan, "strength": "", "verdict": verdict}
        return
    by_measure = {one.measure: one for one in found}
    if JACCARD not in by_measure:
        return
    weight = strength(by_measure[JACCARD], by_measure[TAU])
    verdict = judge(by_measure[JACCARD], by_measure[TAU], place, items)
    for one in found:
        yield {
            **place,
            "measure": one.measure,
            "k": one.k,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "chance": one.chance,
            "p_value": one.p_value,
            "strength": weight,
            "verdict": verdict,
        }


def judge(top: Agreement, whole: Agreement, place: Mapping[str, str], items: int) -> str:
    """Say in a sentence or two what an agreement means.

    Args:
        top: Jaccard's index of the top lists.
        whole: Tau-b of the whole rankings.
        place: method, level, normalisation, against.
        items: Number of items that are ranked.
    """
    k = top.k or 0
    common, expected = in_common(top), k**2 / items
    named = {"feature": "features", "contour": "contours", "functional": "statistics"}.get(
        place["level"], "families"
    )
    said = (
        f"Of the {k} leading {named}, {common} {'is' if common == 1 else 'are'} also among the {k} {_other(place)} "
        f"(by chance about {expected:.2g}; over the whole rankings tau-b is {whole.value:.2f})."
    )
    weight = strength(top, whole)
    if weight == "strong":
        return f"{said} This ranking is largely one for recognising the corpus, too: it cannot tell the two apart."
    if weight == "some":
        return (
            f"{said} That is more than chance: check these {named} before they are called signs of emotion."
        )
    return (
        f"{said} That is no more than chance: nothing here suggests that the corpus was recognised instead."
    )


def strength(top: Agreement, whole: Agreement) -> str:
    """Return ``strong``, ``some`` or ``none``: how far a ranking for emotion is one for language.

    More than chance is what the top lists or the whole rankings show: of seven families, even the same top three are
    no rarity. Strong needs at least `STRONG` of the top in common besides.
    """
    related = whole.p_value if whole.value >= RELATED else 1.0
    if min(top.p_value, related) >= SIGNIFICANCE:
        return "none"
    return "strong" if in_common(top) >= STRONG * (top.k or 1) else "some"


def in_common(top: Agreement) -> int:
    """Return the number of common items behind Jaccard's index J of two lists of k: 2 k J / (1 + J)."""
    return round(2 * (top.k or 0) * top.value / (1 + top.value))


def means_removed(normalisation: str, largest: float) -> str:
    """Say that there is nothing to compare with."""
    how = "z-scores within each corpus" if normalisation == WITHIN_CORPUS else "the normalisation of this run"
    return (
        f"After {how} the mean of no feature tells the languages apart (at most {100 * largest:.1g} % of its "
        "variance), so that a model could recognise a corpus by spread or shape only."
    )


def _other(place: Mapping[str, str]) -> str:
    if place["against"] == LANGUAGE_TASK:
        return "by which the same model tells the languages apart"
    how = "their level" if place["against"] == MEANS else "level, spread or shape"
    after = " after z-scores within each corpus" if place["normalisation"] == WITHIN_CORPUS else ""
    return f"that by themselves tell the languages apart by {how}{after}"
