"""Attributions, averaged over the utterances of one corpus and emotion in one fold of one model: the raw repeats.

Everything that is said about a method is computed from these cells. They are small, whatever the size of the
attributions, because those are read in pieces.
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
TABLE_COLUMNS = ("method", "task", *KEY, "statistic", "level", "count")
"""Columns of ``cells/METHOD.parquet`` that are no value; the others are features (or contours, or families)."""


@dataclass(frozen=True)
class Cells:
    """Mean importance per cell.

    Attributes:
        means: Mean importance over utterances; one row per cell (index `KEY`), one column per item, sorted.
        counts: Number of utterances of each cell, same index.
        signed: Mean signed value, same index and columns; None where a method has no sign.
        level: What the columns are: ``feature``, ``contour``, ``functional`` or ``family``.
    """

    means: pd.DataFrame
    counts: pd.Series[int]
    signed: pd.DataFrame | None = None
    level: str = "feature"

    def select(self, **wanted: str) -> Cells:
        """Return the cells with these values of the key, such as ``language_set="de", emotion="anger"``."""
        keep = np.ones(len(self.means), dtype=bool)
        for name, value in wanted.items():
            keep &= self.means.index.get_level_values(name) == value
        signed = None if self.signed is None else self.signed.loc[keep]
        return Cells(self.means.loc[keep], self.counts.loc[keep], signed, self.level)

    def values(self, name: str) -> list[str]:
        """Return the sorted values of one part of the key that occur."""
        return sorted(set(self.means.index.get_level_values(name)))


def of_table(table: pd.DataFrame) -> dict[str, dict[str, Cells]]:
    """Read the cells of a method from its table.

    Args:
        table: ``cells/METHOD.parquet``, see docs/explanations.md. Without the column `level`, its value columns
            are features.

    Returns:
        Task -> level of the value columns -> cells.

    Raises:
        DataError: A column is missing, a value is missing or infinite, or there is no row.
    """
    optional = {"level"}
    missing = [name for name in TABLE_COLUMNS if name not in table.columns and name not in optional]
    if missing:
        raise DataError(f"The cells have no column {', '.join(missing)}; see docs/explanations.md.")
    if table.empty:
        raise DataError("The cells are empty: no test utterance was explained.")
    levels = table["level"] if "level" in table.columns else pd.Series("feature", index=table.index)
    found: dict[str, dict[str, Cells]] = {}
    for (task, level), rows in table.groupby([table["task"], levels], sort=True):
        if levels.nunique() > 1:  # the columns of the other levels are empty here
            rows = rows.dropna(axis="columns", how="all")
        found.setdefault(str(task), {})[str(level)] = _of_rows(rows, str(level))
    return found


def _of_rows(rows: pd.DataFrame, level: str) -> Cells:
    values = sorted(name for name in rows.columns if name not in TABLE_COLUMNS)
    if bad := _not_finite(rows, values):
        raise DataError(bad)
    keys = [pd.Index(_text(rows[name]), name=name) for name in KEY]
    frame = rows[values].astype("float64").set_axis(pd.MultiIndex.from_arrays(keys), axis=0)
    count = pd.Series(rows["count"].to_numpy(dtype="int64"), index=frame.index)
    important = (rows["statistic"] == "importance").to_numpy()
    speaking = (rows["statistic"] == "signed").to_numpy()
    if not important.any():
        raise DataError("The cells hold no importance; see docs/explanations.md.")
    means = frame.loc[important].sort_index()
    if means.index.has_duplicates:
        raise DataError("The cells name one fold, seed, corpus and emotion twice: compute them again.")
    signed = frame.loc[speaking].reindex(means.index) if speaking.any() else None
    return Cells(means, count.loc[important].sort_index(), signed, level)


def _not_finite(rows: pd.DataFrame, values: list[str]) -> str:
    """Say which cell has a missing or infinite value; empty where all is well."""
    bad = ~np.isfinite(rows[values].to_numpy(dtype=np.float64)).all(axis=1)
    if values and not bad.any():
        return ""
    first = rows.iloc[int(np.argmax(bad))]
    where = f"{first['language_set']} {first['model']} {first['fold']} seed {first['seed']}"
    return (
        f"The attributions of {where} hold missing or infinite values: its network or its features are "
        "damaged. Train this job again (delete its folder in jobs/ and repeat `msfl train`)."
    )


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
        keys.append(pd.Series(_text(values), name=name))
    return frame.groupby(keys, sort=True).sum()


def _text(values: pd.Series[str]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    found: np.ndarray[tuple[int], np.dtype[np.object_]] = (
        values.astype("string").fillna("").to_numpy(dtype=object)
    )
    return found
