"""Which part of an utterance each task listened to: attention over time on one scale for all recordings.

A profile is attention per piece of *relative* time, 0 to 100 % of what the model read, as a multiple of even attention:
utterances of different lengths can then be averaged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PIECES = 20
"""Pieces of relative time, 5 % each."""
HALF = 0.5


def profile(weights: Any, pieces: int = PIECES) -> NDArray[np.float64]:
    """Return the attention of one utterance in equal pieces of its time, as multiples of even attention.

    Args:
        weights: Weight of each time step, shape (T,), sum one.
        pieces: Number P of pieces; a step that lies in two of them is shared out.

    Returns:
        Shape (P,), mean one.
    """
    values = np.asarray(weights, dtype=np.float64)
    heard = np.concatenate([[0.0], np.cumsum(values)]) / values.sum()
    steps = np.linspace(0, 1, len(heard))
    edges = np.interp(np.linspace(0, 1, pieces + 1), steps, heard)
    return np.asarray(np.diff(edges) * pieces, dtype=np.float64)


def concentration(weights: Any) -> float:
    """Return the smallest share of the time that holds half of the attention: .5 where attention is even."""
    values = np.sort(np.asarray(weights, dtype=np.float64))[::-1]
    heard = np.concatenate([[0.0], np.cumsum(values)]) / values.sum()
    return float(np.interp(HALF, heard, np.linspace(0, 1, len(heard))))


def profiles(table: pd.DataFrame, pieces: int = PIECES) -> pd.DataFrame:
    """Return the mean profile of each task and language, and its spread over utterances.

    Args:
        table: Rows of `msfl.runs.Run.time_attention` of one model and language set. Several seeds of an utterance are
            averaged first, so that each utterance counts once.
        pieces: Pieces of relative time.

    Returns:
        One row per task, language and piece: task, language, place (middle of the piece in per cent), mean, low and
        high (quartiles over utterances), utterances.
    """
    one = _by_utterance(table, lambda weights: profile(weights, pieces))
    places = (np.arange(pieces) + 0.5) * 100 / pieces
    rows = []
    for (task, language), group in one.groupby(["task", "language"], sort=True):
        values = np.stack(group["value"].to_list())
        low, high = np.percentile(values, [25, 75], axis=0)
        rows.append(
            pd.DataFrame(
                {
                    "task": task,
                    "language": language,
                    "place": places,
                    "mean": values.mean(axis=0),
                    "low": low,
                    "high": high,
                    "utterances": len(values),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def concentrations(table: pd.DataFrame) -> pd.DataFrame:
    """Return, for each task and language, the share of the time that holds half of the attention.

    Args:
        table: As for `profiles`.

    Returns:
        Columns task, language, mean, low, high (quartiles over utterances), utterances.
    """
    one = _by_utterance(table, concentration)
    found = one.groupby(["task", "language"], sort=True)["value"]
    return pd.DataFrame(
        {
            "mean": found.apply(lambda values: float(np.mean(values.to_list()))),
            "low": found.apply(lambda values: float(np.percentile(values.to_list(), 25))),
            "high": found.apply(lambda values: float(np.percentile(values.to_list(), 75))),
            "utterances": found.size(),
        }
    ).reset_index()


def _by_utterance(table: pd.DataFrame, measure: Any) -> pd.DataFrame:
    """Return task, language, utterance, value: the mean of a measure over the rows (seeds) of an utterance."""
    measured = table[["task", "language", "utterance"]].assign(
        value=[measure(weights) for weights in table["weights"]]
    )
    keys = ["task", "language", "utterance"]
    return (
        measured.groupby(keys, sort=False)["value"]
        .agg(lambda rows: np.mean(rows.to_list(), axis=0))
        .reset_index()
    )
