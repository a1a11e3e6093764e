"""The tables of a run: scores with intervals, recalls per class, confusions, and ensembles over seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.evaluation.intervals import LEVEL, RESAMPLES, draw_weights, percentile_interval, resample
from msfl.evaluation.metrics import METRICS, SUPPORT, Counts, recalls
from msfl.evaluation.predictions import SpeakerCounts, count_speakers, labelled

SYSTEM = ["language_set", "model", "task"]
"""Columns that say which numbers belong together."""

ENSEMBLE = -1
"""Seed of the rows of `ensemble`."""

MEAN_OVER_CORPORA = "mean over corpora"
"""Group of the rows of level ``overall``."""


def ensemble(predictions: pd.DataFrame) -> pd.DataFrame:
    """Average the probabilities over seeds: one row per utterance, model, language set, task and fold.

    Returns:
        A table of predictions with seed `ENSEMBLE`; models with a single seed have no rows in it.
    """
    keys = [*SYSTEM, "fold", "utterance"]
    seeds = predictions.groupby(SYSTEM)["seed"].transform("nunique")
    rows = predictions[seeds > 1]
    probabilities = [column for column in rows.columns if column.startswith("p_")]
    if rows.empty or not probabilities:
        return predictions.iloc[:0].copy()
    first = rows.drop(columns=probabilities).groupby(keys, sort=False, as_index=False).first()
    means = rows.groupby(keys, sort=False)[probabilities].mean().reset_index(drop=True)
    averaged = pd.concat([first, means], axis=1)
    best = means.fillna(-1.0).to_numpy().argmax(axis=1)
    averaged["predicted"] = np.array([name.removeprefix("p_") for name in probabilities], dtype=object)[best]
    averaged["seed"] = ENSEMBLE
    return averaged[predictions.columns].astype({"predicted": predictions["predicted"].dtype})


def score_table(
    predictions: pd.DataFrame, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> pd.DataFrame:
    """Score every model of a run on every corpus and language, and on average.

    The test predictions of all folds of a corpus are pooled per seed, since each utterance is tested once,
    and scored; the headline is the mean over seeds. Scores of a language and the overall score are means over
    corpora, so that a large corpus does not drown a small one; their intervals draw speakers within each
    corpus.

    Args:
        predictions: Table of predictions, see ``docs/contracts.md``.
        resamples: Number of bootstrap resamples over speakers.
        level: Coverage of the intervals.
        seed: Seed of the resampling.

    Returns:
        One row per language_set, model, task, level (``corpus``, ``language``, ``overall``), group (name of
        the corpus or language) and seed (``"0"``, ``"1"``, ..., ``"mean"``, ``"ensemble"``), with corpora,
        speakers, utterances, classes (numbers), and for each of uar, war and macro_f1 the value, ``_low`` and
        ``_high`` (missing for corpora of one speaker) and ``_sd``, the spread over seeds (rows ``mean`` of
        two or more seeds only). Single seeds have no interval.

    Raises:
        DataError: The table lacks columns, or an utterance was tested twice.
    """
    rows = labelled(predictions)
    pooled = pd.concat([rows, labelled(ensemble(rows))], ignore_index=True)
    records: list[dict[str, Any]] = []
    for system, part in pooled.groupby([*SYSTEM, pooled["seed"] == ENSEMBLE], sort=True):
        base = dict(zip(SYSTEM, system, strict=False))
        for where, group, members in _groups(part, resamples, seed):
            records += [{**base, "level": where, "group": group, **r} for r in _score(members, level)]
    return pd.DataFrame.from_records(records)


@dataclass(frozen=True)
class _Member:
    """One corpus of a mean: its counts, and its metrics in every resample (None with a single speaker)."""

    counted: SpeakerCounts
    drawn: dict[str, NDArray[np.float64]] | None


def _groups(part: pd.DataFrame, resamples: int, seed: int) -> Iterator[tuple[str, str, list[_Member]]]:
    """Yield level, name and members of every group of corpora that is scored."""

    def member(name: str, rows: pd.DataFrame) -> _Member:
        counted = count_speakers(rows)
        if len(counted.speakers) < 2:
            return _Member(counted, None)
        weights = draw_weights(len(counted.speakers), name, resamples=resamples, seed=seed)
        return _Member(counted, resample(counted.counts, weights, METRICS))

    corpora: dict[str, _Member] = {}
    languages: dict[str, list[_Member]] = {}
    for corpus, rows in part.groupby("corpus", sort=True):
        whole = corpora[str(corpus)] = member(str(corpus), rows)
        several = rows["language"].nunique() > 1
        for language, spoken in rows.groupby("language", sort=True):
            languages.setdefault(str(language), []).append(member(str(corpus), spoken) if several else whole)
    yield from (("corpus", name, [one]) for name, one in corpora.items())
    yield from (("language", name, languages[name]) for name in sorted(languages))
    yield "overall", MEAN_OVER_CORPORA, list(corpora.values())


def _score(members: list[_Member], level: float) -> Iterator[dict[str, Any]]:
    """Yield the record of the mean over seeds and one per seed, or the one record of an ensemble."""
    counted = [one.counted for one in members]
    sizes = {
        "corpora": len(members),
        "speakers": sum(len(c.speakers) for c in counted),
        "utterances": sum(c.utterances for c in counted),
        "classes": len({name for c in counted for name in _occurring(c)}),
    }
    seeds = sorted({seed for c in counted for seed in c.seeds})
    values = {name: _per_seed(counted, metric, seeds) for name, metric in METRICS.items()}
    summary: dict[str, Any] = {"seed": "ensemble" if seeds == [ENSEMBLE] else "mean", **sizes}
    for name, of_seeds in values.items():
        low, high = _interval(members, name, level)
        summary |= {name: float(np.mean(of_seeds)), f"{name}_low": low, f"{name}_high": high}
        summary[f"{name}_sd"] = float(np.std(of_seeds, ddof=1)) if len(seeds) > 1 else float("nan")
    yield summary
    if seeds != [ENSEMBLE]:
        for position, seed in enumerate(seeds):
            yield {"seed": str(seed), **sizes, **{name: float(v[position]) for name, v in values.items()}}


def _occurring(counted: SpeakerCounts) -> list[str]:
    support = counted.counts[:, :, SUPPORT].sum(axis=(0, 1))
    return [name for name, n in zip(counted.classes, support, strict=True) if n]


def _per_seed(
    counted: list[SpeakerCounts], metric: Callable[[Counts], NDArray[np.float64]], seeds: list[int]
) -> NDArray[np.float64]:
    """Return the mean over corpora for each seed, shape (R,); without corpora that lack the seed."""
    values = np.full((len(counted), len(seeds)), np.nan)
    for i, one in enumerate(counted):
        values[i, [seeds.index(seed) for seed in one.seeds]] = metric(one.per_seed)
    return np.asarray(np.nanmean(values, axis=0))


def _interval(members: list[_Member], metric: str, level: float) -> tuple[float, float]:
    drawn = [one.drawn[metric] for one in members if one.drawn is not None]
    if len(drawn) < len(members):
        return float("nan"), float("nan")
    return percentile_interval(np.mean(drawn, axis=0), level)


def class_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return a row per class: language_set, model, task, corpus, class, utterances, recall, recall_sd.

    Recalls are means over seeds of pooled test predictions; ``recall_sd`` is their spread (missing for one
    seed).
    """
    records = []
    for keys, rows in labelled(predictions).groupby([*SYSTEM, "corpus"], sort=True):
        counted = count_speakers(rows)
        values = recalls(counted.per_seed)
        utterances = rows.drop_duplicates("utterance")["truth"].value_counts()
        for position, name in enumerate(counted.classes):
            if name in utterances.index:
                spread = float(np.std(values[:, position], ddof=1)) if len(values) > 1 else float("nan")
                records.append(
                    dict(zip([*SYSTEM, "corpus"], keys, strict=True))
                    | {"class": name, "utterances": int(utterances[name])}
                    | {"recall": float(values[:, position].mean()), "recall_sd": spread}
                )
    return pd.DataFrame.from_records(records)


def confusion_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the confusions in long form: language_set, model, task, corpus, truth, predicted, count, share.

    ``count`` is the mean over seeds, ``share`` the part of the truth's utterances; pairs that never occur
    have no row.
    """
    rows = labelled(predictions)
    keys = [*SYSTEM, "corpus"]
    seeds = rows.groupby(keys)["seed"].nunique().rename("seeds")
    pairs = (
        rows.groupby([*keys, "truth", "predicted"]).size().rename("count").reset_index().join(seeds, on=keys)
    )
    pairs["count"] = pairs["count"] / pairs["seeds"]
    pairs["share"] = pairs["count"] / pairs.groupby([*keys, "truth"])["count"].transform("sum")
    return pairs.drop(columns="seeds")
