"""From attributions to cells: averages over the utterances of a corpus and an emotion in one fold of one model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analyses.attributions import files
from analyses.attributions.registry import explainer_class
from msfl.errors import DataError
from msfl.tasks import COLUMNS

if TYPE_CHECKING:
    from analyses.attributions.contract import Attribution
    from msfl.runs import Run

KEY = ("method", "task", "model", "language_set", "fold", "seed", "language", "corpus", "emotion")
"""What identifies a cell."""


def cells(run: Run | Path | str, method: str) -> pd.DataFrame:
    """Return ``explanations/cells/METHOD.parquet``: the raw repeats from which rankings are made.

    Of the true class of each utterance: the mean absolute value (`importance`) and the mean value (`signed`). A
    method without a sign, such as attention, has the mean value as importance.

    Args:
        run: The run; jobs whose attributions were not computed are left out.
        method: Name of the explainer.

    Raises:
        DataError: The run has no attributions of this method, or some are damaged or out of date.
    """
    from msfl.runs import Run, open_run

    opened = run if isinstance(run, Run) else open_run(run)
    signed = bool(getattr(explainer_class(method), "signed", True))
    pieces = [
        piece
        for record in opened.jobs
        if record.status == "done" and files.path_of(opened, method, record).is_file()
        for piece in of_attribution(files.read(opened, method, record), opened.utterances, signed=signed)
    ]
    if not pieces:
        raise DataError(
            f"{opened.path} has no attributions by '{method}': compute them with `msfl explain {opened.path}`."
        )
    return pd.concat(pieces, ignore_index=True)


def of_attribution(
    attribution: Attribution, utterances: pd.DataFrame, *, signed: bool = True
) -> list[pd.DataFrame]:
    """Return the cells of the attributions of one job, a table for each level.

    Args:
        attribution: The attributions.
        utterances: The utterance table, for the labels.
        signed: Whether the sign of a value is a direction.
    """
    keys = attribution.keys
    truth = _truth(keys, utterances)
    mine = ((keys["class"] == "") | (keys["class"] == truth).fillna(False)).to_numpy(dtype=bool)
    several = len(attribution.levels) > 1
    found = []
    for level in attribution.levels:
        rows = mine & (keys["level"] == level).to_numpy(dtype=bool) if several else mine
        if rows.any():
            table = _averages(attribution, utterances, rows, signed)
            if attribution.levels != ("feature",):
                table.insert(table.columns.tolist().index("statistic") + 1, "level", level)
            found.append(table)
    return found


def _averages(
    attribution: Attribution, utterances: pd.DataFrame, rows: np.ndarray, signed: bool
) -> pd.DataFrame:
    chosen = attribution.keys.loc[rows]
    emotion = chosen["utterance"].map(utterances["emotion"]).astype("string").fillna("")
    key = chosen.assign(method=attribution.method, emotion=emotion)[list(KEY)]
    key = key.astype({name: "string" for name in KEY if name != "seed"}).fillna({"language": ""})
    values = attribution.values[rows].astype(np.float64)
    columns = np.flatnonzero(~np.isnan(values).all(axis=0))
    values = values[:, columns]
    names = [attribution.items[column] for column in columns]
    groups = key.groupby(list(KEY), sort=True)
    index = groups.ngroup().to_numpy()
    cells_ = groups.size().rename("count").reset_index()
    statistics = {"importance": np.abs(values) if signed else values}
    if signed:
        statistics["signed"] = values
    tables = []
    for statistic, each in statistics.items():
        total = np.zeros((len(cells_), len(names)))
        np.add.at(total, index, each)
        mean = pd.DataFrame((total / cells_[["count"]].to_numpy()).astype(np.float32), columns=names)
        head = cells_[list(KEY)].assign(statistic=pd.array([statistic] * len(cells_), dtype="string"))
        tables.append(pd.concat([head, cells_[["count"]], mean], axis=1))
    return pd.concat(tables, ignore_index=True)


def _truth(keys: pd.DataFrame, utterances: pd.DataFrame) -> pd.Series[str]:
    """Return the label of each row's utterance in the row's task."""
    truth = pd.Series(pd.NA, index=keys.index, dtype="string")
    for task in keys["task"].unique():
        rows = keys["task"] == task
        truth[rows] = keys.loc[rows, "utterance"].map(utterances[COLUMNS[task]]).astype("string")
    return truth
