"""The prediction and attention tables of one job: one row per test utterance, see `docs/run-folder.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.models.contract import Prediction
from msfl.tasks import Task

PROBABILITY = "p_"
"""Prefix of the columns of class probabilities."""
SPEAKER = "speaker"
"""The task whose classes are the speakers of the training part."""


def key_frame(table: pd.DataFrame, key: Mapping[str, Any]) -> pd.DataFrame:
    """Return the columns that say whose and which prediction a row is: `msfl.runs.KEYS`.

    Args:
        table: Utterance table of the n test utterances.
        key: language_set, model, fold, seed.
    """
    frame = table[["corpus", "language", "speaker"]].astype("string").reset_index(names="utterance")
    frame["utterance"] = frame["utterance"].astype("string")
    for name in ("language_set", "model", "fold"):
        frame[name] = pd.array([str(key[name])] * len(frame), dtype="string")
    frame["seed"] = np.int64(key["seed"])
    return frame


def prediction_frame(
    table: pd.DataFrame, prediction: Prediction, tasks: Sequence[Task], key: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the predictions of a job: n rows per task, with the columns task, truth, predicted, p_<class>.

    Truth is the label of the utterance table, also where it is no class that the model knows. But a speaker whom
    the model has never heard cannot be named by it: the task `SPEAKER` has rows for those whom it knows only.
    """
    keys = key_frame(table, key)
    blocks = []
    for task in tasks:
        known = np.ones(len(table), dtype=bool)
        if task.name == SPEAKER:
            known = table[task.column].isin(task.classes).to_numpy(dtype=bool)
            if not known.any():
                continue
        probabilities = prediction.probabilities[task.name]
        best = np.asarray(task.classes, dtype=object)[probabilities.argmax(axis=1)]
        block = keys.copy()
        block["task"] = pd.array([task.name] * len(keys), dtype="string")
        block["truth"] = table[task.column].astype("string").to_numpy()
        block["predicted"] = pd.array(best, dtype="string")
        for position, name in enumerate(task.classes):
            block[PROBABILITY + name] = probabilities[:, position].astype(np.float32)
        blocks.append(block[known])
    frame = pd.concat(blocks, ignore_index=True)
    return frame.astype({"truth": "string"})


def attention_frame(
    table: pd.DataFrame,
    attention: NDArray[np.float32],
    feature_names: Sequence[str],
    key: Mapping[str, Any],
) -> pd.DataFrame:
    """Return the attention weights of a job, shape (n, D), behind the key columns."""
    weights = pd.DataFrame(attention.astype(np.float32, copy=False), columns=list(feature_names))
    return pd.concat([key_frame(table, key), weights], axis=1)


def embedding_frame(
    table: pd.DataFrame, embedding: NDArray[np.float32], key: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the shared representation of a job, shape (n, E), as columns e_0, e_1, ... behind the key columns."""
    values = pd.DataFrame(embedding, columns=[f"e_{place}" for place in range(embedding.shape[1])])
    return pd.concat([key_frame(table, key), values.astype("float32")], axis=1)


def time_attention_frame(table: pd.DataFrame, prediction: Prediction, key: Mapping[str, Any]) -> pd.DataFrame:
    """Return which part of an utterance each task listened to: n rows per task, behind the key columns.

    Columns task, step_seconds, and weights: a list with one weight per time step.
    """
    blocks = []
    for task, weights in prediction.time_attention.items():
        block = key_frame(table, key)
        block["task"] = pd.array([task] * len(block), dtype="string")
        block["step_seconds"] = np.float32(prediction.step_seconds)
        block["weights"] = pd.Series([one.astype(np.float32) for one in weights], dtype=object)
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True)
