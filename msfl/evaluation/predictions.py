"""The table of predictions as scores need it: checked, and counted per speaker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.errors import DataError
from msfl.evaluation.metrics import Counts, count

COLUMNS = (
    "utterance",
    "corpus",
    "language",
    "speaker",
    "language_set",
    "model",
    "fold",
    "seed",
    "task",
    "truth",
    "predicted",
)
"""Columns that scores need; ensembles need the ``p_<class>`` columns too."""


def labelled(predictions: pd.DataFrame) -> pd.DataFrame:
    """Check a table of predictions and return the rows whose truth is known.

    Raises:
        DataError: A column is missing, a prediction is missing, or an utterance was tested twice.
    """
    missing = [column for column in COLUMNS if column not in predictions.columns]
    if missing:
        raise DataError(
            f"The table of predictions has no column '{missing[0]}': it is not one that msfl train wrote."
        )
    rows = predictions[predictions["truth"].notna()]
    if rows["predicted"].isna().any():
        utterance = rows.loc[rows["predicted"].isna(), "utterance"].iloc[0]
        raise DataError(
            f"The prediction for '{utterance}' is missing: run msfl train again to finish the run."
        )
    twice = rows.duplicated(["language_set", "model", "task", "seed", "utterance"])
    if twice.any():
        raise DataError(
            f"The utterance '{rows.loc[twice, 'utterance'].iloc[0]}' is predicted twice by the same model "
            "and seed: "
            "the table mixes two runs, or a fold was added twice."
        )
    return rows


@dataclass(frozen=True)
class SpeakerCounts:
    """Predictions of one model on one corpus, counted.

    Attributes:
        counts: Counts per repeat and speaker, shape (R, S, 3, K).
        seeds: The R repeats.
        speakers: The S speakers, sorted.
        classes: The K classes of truth and predictions, sorted.
        utterances: Number of different utterances.
    """

    counts: Counts
    seeds: tuple[int, ...]
    speakers: tuple[str, ...]
    classes: tuple[str, ...]
    utterances: int

    @property
    def per_seed(self) -> Counts:
        """Counts pooled over speakers and folds, shape (R, 3, K)."""
        pooled: Counts = self.counts.sum(axis=1)
        return pooled


def _codes(column: pd.Series, names: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.asarray(pd.Categorical(column.astype(object), categories=names).codes, dtype=np.int64)


def _sorted(*columns: pd.Series) -> NDArray[np.object_]:
    return np.array(sorted({str(name) for column in columns for name in column.unique()}), dtype=object)


def count_speakers(
    rows: pd.DataFrame,
    *,
    classes: NDArray[np.object_] | None = None,
    speakers: NDArray[np.object_] | None = None,
) -> SpeakerCounts:
    """Count the predictions of one model, task and corpus per seed and speaker.

    An utterance whose speaker is not known stands for a speaker of its own.

    Args:
        rows: What `labelled` returned, one model, language set, task and corpus.
        classes: Classes and their order; those of the rows if None.
        speakers: Speakers and their order; those of the rows if None.
    """
    speaker = rows["speaker"].astype(object).where(rows["speaker"].notna(), rows["utterance"].astype(object))
    classes = _sorted(rows["truth"], rows["predicted"]) if classes is None else classes
    speakers = _sorted(speaker) if speakers is None else speakers
    seeds = sorted(int(seed) for seed in rows["seed"].unique())
    truth, predicted = _codes(rows["truth"], classes), _codes(rows["predicted"], classes)
    group = _codes(speaker, speakers)
    seed_of = rows["seed"].to_numpy()
    counts = np.stack(
        [
            count(truth[m], predicted[m], group[m], (len(speakers), len(classes)))
            for m in (seed_of == seed for seed in seeds)
        ]
    )
    return SpeakerCounts(
        counts, tuple(seeds), tuple(speakers), tuple(classes), int(rows["utterance"].nunique())
    )
