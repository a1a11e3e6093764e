"""Attributions as `shap.Explanation`, for shap's own plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.attributions.contract import Attribution
from msfl.errors import DataError, UsageError, nearest

if TYPE_CHECKING:
    import pandas as pd


def to_explanation(
    attribution: Attribution,
    data: pd.DataFrame | None = None,
    *,
    task: str | None = None,
    output: str | None = None,
    level: str | None = None,
) -> Any:
    """Return the attributions of one task as a `shap.Explanation`.

    Args:
        attribution: The attributions.
        data: What the plots colour by, index ``utterance``, one column per item: such as `Run.features()`, for
            features in their own units.
        task: The task; by default the first.
        output: One class: the rows that explain it. By default, where every utterance has the same classes
            (``classes="all"``), all of them on the last axis; elsewhere all rows, each for its own class.
        level: The level, where the attributions have several; by default the first.

    Returns:
        Values of shape (n, D) or (n, D, K), with base values, data, names of features and of outputs.

    Raises:
        UsageError: The attributions hold no such task, class or level.
        DataError: The data lack an utterance or an item.
    """
    import pandas as pd
    import shap

    keys = attribution.keys
    level = level or attribution.levels[0]
    _known("level", level, list(attribution.levels))
    task = task or str(keys["task"].iloc[0]) if len(keys) else ""
    keep = (keys["task"] == task).to_numpy(dtype=bool)
    _known("task", task, sorted(set(keys["task"])))
    if "level" in keys:
        keep &= (keys["level"] == level).to_numpy(dtype=bool)
    if output is not None:
        _known("class", output, sorted(set(keys["class"][keep])))
        keep &= (keys["class"] == output).to_numpy(dtype=bool)
    rows = np.flatnonzero(keep)
    columns = np.flatnonzero(~np.isnan(attribution.values[rows]).all(axis=0))
    values, base = attribution.values[np.ix_(rows, columns)], attribution.base_values[rows]
    utterances = keys["utterance"].iloc[rows].to_numpy(dtype=object)
    classes = keys["class"].iloc[rows].to_numpy(dtype=object)
    names: Any = output
    if output is None:
        names = sorted(set(classes))
        if len(names) > 1 and len(rows) == len(names) * len(set(utterances)):
            order = np.lexsort((classes.astype(str), pd.factorize(utterances)[0]))
            values = values[order].reshape(-1, len(names), len(columns)).transpose(0, 2, 1)
            base = base[order].reshape(-1, len(names))
            utterances = utterances[order][:: len(names)]
        else:
            names = names[0] if len(names) == 1 else None
    items = [attribution.items[column] for column in columns]
    return shap.Explanation(
        values=values,
        base_values=base,
        data=None if data is None else _values(data, utterances.tolist(), items),
        feature_names=items,
        output_names=names or None,
    )


def _known(what: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise UsageError(
            f"The attributions hold no {what} '{name}' (there are {', '.join(map(str, known)) or 'none'})."
            f"{nearest(name, list(map(str, known)))}"
        )


def _values(data: pd.DataFrame, utterances: list[str], items: list[str]) -> Any:
    absent = [name for name in items if name not in data.columns]
    unknown = [name for name in utterances if name not in data.index]
    if absent or unknown:
        raise DataError(
            f"The data lack {(absent or unknown)[0]!r}: give a table with the utterances as index and one column "
            "per item of the attributions."
        )
    return data.loc[utterances, items].to_numpy()
