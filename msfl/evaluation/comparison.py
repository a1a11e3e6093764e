"""Is one model better than another? A paired comparison on the same utterances.

What is resampled is the speaker, with the answers of both models. The interval is a cluster bootstrap of the
difference in UAR. The p-value is a sign-flip test over speakers (randomisation test, Fisher 1935; Noreen
1989): if the models were equal, swapping their answers for any speaker would change nothing. Since the
support of a class does not change under a swap, the difference of two UARs is a sum of one term per speaker,
and the test flips the signs of these terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.errors import DataError, UsageError, nearest
from msfl.evaluation.intervals import LEVEL, RESAMPLES, draw_weights, percentile_interval, resample
from msfl.evaluation.metrics import HITS, SUPPORT, Counts, uar
from msfl.evaluation.predictions import count_speakers, labelled
from msfl.evaluation.tables import MEAN_OVER_CORPORA, ensemble

MONOLINGUAL = "monolingual"
"""Stands for the language set of each utterance's own language."""

FLIPS = 10_000
"""Random sign flips; up to 13 speakers all flips are counted instead."""

_EXACT_UP_TO = 13


@dataclass(frozen=True)
class Contender:
    """One side of a comparison.

    Attributes:
        model: Name of the model.
        language_set: Name of its language set, or `MONOLINGUAL`: for every corpus the model of its own
            language.
        ensembled: Whether its probabilities are averaged over seeds; otherwise its scores are.
    """

    model: str
    language_set: str = MONOLINGUAL
    ensembled: bool = False

    @classmethod
    def parse(cls, text: str) -> Contender:
        """Read ``MODEL``, ``MODEL@LANGUAGE_SET`` or either with ``:ensemble`` at its end.

        Example:
            >>> Contender.parse("msfl@de+en:ensemble")
            Contender(model='msfl', language_set='de+en', ensembled=True)
        """
        name, _, language_set = text.removesuffix(":ensemble").partition("@")
        return cls(name, language_set or MONOLINGUAL, text.endswith(":ensemble"))

    def __str__(self) -> str:
        return f"{self.model}@{self.language_set}" + (":ensemble" if self.ensembled else "")


@dataclass(frozen=True)
class Comparison:
    """The difference in UAR of two models, ``a - b``.

    Attributes:
        a: The first model.
        b: The second.
        task: The task compared.
        table: One row per corpus and, with several corpora, one for their mean: group, speakers, utterances,
            uar_a, uar_b, difference, low, high (interval of the difference), p. Interval and p are missing
            with one speaker.
        unmatched: Number of utterances that only one of the two was tested on; they are not compared.
    """

    a: Contender
    b: Contender
    task: str
    table: pd.DataFrame
    unmatched: int

    @property
    def overall(self) -> pd.Series:
        """The row of the mean over corpora, or of the only corpus."""
        return self.table.iloc[-1]


@dataclass(frozen=True)
class _Paired:
    """Both models on one corpus: scores, difference in every resample, and its one term per speaker."""

    uar_a: float
    uar_b: float
    speakers: int
    utterances: int
    drawn: NDArray[np.float64]
    terms: NDArray[np.float64]


def compare(
    predictions: pd.DataFrame,
    a: Contender | str,
    b: Contender | str,
    *,
    task: str = "emotion",
    corpora: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the utterances that both were tested on.

    Args:
        predictions: Table of predictions, see ``docs/contracts.md``.
        a: First model; text is read by `Contender.parse`.
        b: Second model.
        task: Task to compare.
        corpora: Corpora to compare on; all if None.
        resamples: Number of bootstrap resamples over speakers.
        level: Coverage of the intervals.
        seed: Seed of resampling and sign flips.

    Raises:
        UsageError: The table has no such model, language set or task.
        DataError: The two have no utterance in common, or the table is damaged.
    """
    a, b = (Contender.parse(side) if isinstance(side, str) else side for side in (a, b))
    rows_a, rows_b = (_rows_of(predictions, side, task, corpora) for side in (a, b))
    unmatched = len(set(rows_a["utterance"]) ^ set(rows_b["utterance"]))
    rows_a, rows_b = _in_common(rows_a, rows_b, a, b)
    of_a = dict(iter(rows_a.groupby("corpus", sort=True)))
    of_b = dict(iter(rows_b.groupby("corpus", sort=True)))
    pairs = {str(name): _pair(str(name), of_a[name], of_b[name], resamples, seed) for name in of_a}
    groups = [(name, [pair]) for name, pair in pairs.items()]
    if len(pairs) > 1:
        groups.append((MEAN_OVER_CORPORA, list(pairs.values())))
    table = pd.DataFrame.from_records([{"group": n, **_difference(p, level, seed)} for n, p in groups])
    return Comparison(a, b, task, table, unmatched)


def common_rows(
    predictions: pd.DataFrame,
    a: Contender | str,
    b: Contender | str,
    *,
    task: str = "emotion",
    corpora: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the labelled predictions of two models on the utterances that both were tested on.

    Args and errors are those of `compare`.
    """
    a, b = (Contender.parse(side) if isinstance(side, str) else side for side in (a, b))
    rows_a, rows_b = (_rows_of(predictions, side, task, corpora) for side in (a, b))
    return _in_common(rows_a, rows_b, a, b)


def _in_common(
    rows_a: pd.DataFrame, rows_b: pd.DataFrame, a: Contender, b: Contender
) -> tuple[pd.DataFrame, pd.DataFrame]:
    common = set(rows_a["utterance"]) & set(rows_b["utterance"])
    if not common:
        raise DataError(
            f"'{a}' and '{b}' were tested on no common utterance: compare models of the same corpora."
        )
    return rows_a[rows_a["utterance"].isin(common)], rows_b[rows_b["utterance"].isin(common)]


def _rows_of(
    predictions: pd.DataFrame, side: Contender, task: str, corpora: Sequence[str] | None
) -> pd.DataFrame:
    for column, wanted in (("task", task), ("model", side.model)):
        known = sorted(str(name) for name in predictions[column].dropna().unique())
        if wanted not in known:
            raise UsageError(
                f"The run has no predictions of the {column} '{wanted}'; there are {', '.join(known)}."
                + nearest(wanted, known)
            )
    rows = predictions[(predictions["task"] == task) & (predictions["model"] == side.model)]
    known = sorted(str(name) for name in rows["language_set"].unique())
    if side.language_set == MONOLINGUAL:
        rows = rows[rows["language_set"] == rows["language"]]
    else:
        rows = rows[rows["language_set"] == side.language_set]
    if rows.empty:
        raise UsageError(
            f"The run has no predictions of the language set '{side.language_set}' by '{side.model}'; "
            f"there are {', '.join(known)}.{nearest(side.language_set, known)}"
        )
    if corpora is not None:
        rows = rows[rows["corpus"].isin(list(corpora))]
    rows = labelled(rows)
    if rows.empty or not side.ensembled:
        return rows
    averaged = labelled(ensemble(rows))
    if averaged.empty:
        raise UsageError(f"'{side.model}' was trained with one seed only: there is no ensemble to compare.")
    return averaged


def _pair(corpus: str, rows_a: pd.DataFrame, rows_b: pd.DataFrame, resamples: int, seed: int) -> _Paired:
    both = pd.concat([rows_a, rows_b])
    whole = count_speakers(both)
    classes, speakers = np.array(whole.classes, dtype=object), np.array(whole.speakers, dtype=object)
    counts = [count_speakers(rows, classes=classes, speakers=speakers).counts for rows in (rows_a, rows_b)]
    weights = draw_weights(len(speakers), corpus, resamples=resamples, seed=seed)
    drawn = [resample(c, weights, {"uar": uar})["uar"] for c in counts]
    uar_a, uar_b = (float(uar(c.sum(axis=1)).mean()) for c in counts)
    terms = _terms(counts[0]) - _terms(counts[1])
    return _Paired(uar_a, uar_b, len(speakers), whole.utterances, drawn[0] - drawn[1], terms)


def _terms(counts: Counts) -> NDArray[np.float64]:
    """Return what each speaker adds to the UAR, mean over repeats, shape (S,); the terms sum to the UAR."""
    hits, support = counts[:, :, HITS], counts[:, :, SUPPORT].sum(axis=1)
    occurs = support > 0
    weight = np.divide(1.0, support, out=np.zeros_like(support), where=occurs) / occurs.sum(
        axis=1, keepdims=True
    )
    return np.asarray((hits * weight[:, None, :]).sum(axis=2).mean(axis=0))


def _difference(pairs: list[_Paired], level: float, seed: int) -> dict[str, float]:
    low = high = p = float("nan")
    if all(pair.speakers > 1 for pair in pairs):
        low, high = percentile_interval(np.mean([pair.drawn for pair in pairs], axis=0), level)
        p = sign_flip_p(np.concatenate([pair.terms for pair in pairs]), seed=seed)
    uar_a, uar_b = (float(np.mean([getattr(pair, name) for pair in pairs])) for name in ("uar_a", "uar_b"))
    return {
        "speakers": sum(pair.speakers for pair in pairs),
        "utterances": sum(pair.utterances for pair in pairs),
        "uar_a": uar_a,
        "uar_b": uar_b,
        "difference": uar_a - uar_b,
        "low": low,
        "high": high,
        "p": p,
    }


def sign_flip_p(terms: NDArray[np.float64], *, flips: int = FLIPS, seed: int = 0) -> float:
    """Return the two-sided p-value of a sum whose terms have random signs under the null hypothesis.

    Exact for up to 13 terms; otherwise (1 + as extreme) / (1 + flips) over random flips (Phipson & Smyth
    2010).
    """
    n = len(terms)
    if n <= _EXACT_UP_TO:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(flips, n))
    # A little slack counts sums that are equal but for rounding.
    extreme = int((np.abs(signs @ terms) >= abs(terms.sum()) - 1e-12).sum())
    return extreme / len(signs) if n <= _EXACT_UP_TO else (1 + extreme) / (1 + flips)
