"""Attention weights, averaged over the utterances of one corpus in one fold of one model: the raw repeats.

Everything that is said about attention is computed from these cells. They are small, whatever the size of the
attention table, because that is read in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from msfl.errors import DataError

KEY = ("model", "language_set", "fold", "seed", "language", "corpus", "emotion")
"""What identifies a cell; ``emotion`` is empty where emotions are not told apart or the label is missing."""
ROW = ("utterance", "speaker")
"""Columns of the attention table that are neither part of the key nor a feature."""


@dataclass(frozen=True)
class Cells:
    """Mean attention per cell.

    Attributes:
        means: Mean weight over utterances; one row per cell (index `KEY`), one column per feature, sorted.
        counts: Number of utterances of each cell, same index.
    """

    means: pd.DataFrame
    counts: pd.Series[int]

    def select(self, **wanted: str) -> Cells:
        """Return the cells with these values of the key, such as ``language_set="de", emotion="anger"``."""
        keep = np.ones(len(self.means), dtype=bool)
        for name, value in wanted.items():
            keep &= self.means.index.get_level_values(name) == value
        return Cells(self.means.loc[keep], self.counts.loc[keep])

    def values(self, name: str) -> list[str]:
        """Return the sorted values of one part of the key that occur."""
        return sorted(set(self.means.index.get_level_values(name)))


def collect(tables: Iterable[pd.DataFrame], emotions: pd.Series[str] | None = None) -> Cells:
    """Average attention tables into cells.

    Args:
        tables: The attention table of a run, whole or in pieces (`msfl.runs.Run.attention_batches`): columns
            utterance, corpus, language, speaker, language_set, model, fold, seed, and one column per feature.
        emotions: Emotion of each utterance (index: utterance), if cells are to be told apart by emotion.

    Raises:
        DataError: A column is missing, a weight is missing or negative, or there is no row at all.
    """
    pieces: list[pd.DataFrame] = []
    for table in tables:
        pieces.append(_sums(table, emotions))
        if len(pieces) >= _COMPACT:
            pieces = [_merged(pieces)]
    sums = _merged(pieces) if pieces else pd.DataFrame()
    if sums.empty:
        raise DataError(
            "The attention table is empty: train a model that gives attention weights, such as msfl."
        )
    counts = sums.pop(_COUNT).astype("int64")
    means = sums.div(counts, axis=0)
    return Cells(means[sorted(means.columns)], counts)


_COUNT = "\0count"
_COMPACT = 32


def _merged(pieces: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(pieces).groupby(level=list(KEY), sort=True).sum()


def _sums(table: pd.DataFrame, emotions: pd.Series[str] | None) -> pd.DataFrame:
    needed = [name for name in (*KEY, *ROW) if name != "emotion"]
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(f"The attention table has no column {', '.join(missing)}; see docs/run-folder.md.")
    features = [name for name in table.columns if name not in needed]
    weights = table[features].to_numpy(dtype=np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any():
        row = int(np.argmax(~np.isfinite(weights).all(axis=1) | (weights < 0).any(axis=1)))
        raise DataError(
            f"The attention on {table['utterance'].iloc[row]} has missing or negative weights; the run is "
            "damaged, or was written by a model whose attention cannot be ranked. Train it again."
        )
    frame = pd.DataFrame(weights, columns=features)
    frame[_COUNT] = 1.0
    keys = []
    for name in KEY:
        if name != "emotion":
            values = table[name]
        elif emotions is None:
            values = pd.Series("", index=table.index)
        else:
            values = table["utterance"].map(emotions)
        keys.append(pd.Series(values.astype("string").fillna("").to_numpy(dtype=object), name=name))
    return frame.groupby(keys, sort=True).sum()
