"""From tables to what a model sees: class codes, normalised features, tasks of one fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.errors import DataError
from msfl.models.contract import MISSING, Dataset
from msfl.tasks import COLUMNS, Task

if TYPE_CHECKING:
    from msfl.sequences.sequences import Sequences


def tasks_of(train: pd.DataFrame, names: Sequence[str]) -> tuple[Task, ...]:
    """Return the tasks that can be learnt from the training part, main task first.

    The classes of a task are those that the training part holds. An auxiliary task with a single class, as
    the language in a monolingual set, is left out.

    Raises:
        DataError: The main task has fewer than two classes.
    """
    found = []
    for position, name in enumerate(names):
        classes = tuple(sorted(str(label) for label in train[COLUMNS[name]].dropna().unique()))
        if len(classes) >= 2:
            found.append(Task(name, classes))
        elif position == 0:
            raise DataError(
                f"the training part has {len(classes)} class(es) of the main task '{name}' "
                f"({', '.join(classes) or 'no labels'}); at least two are needed"
            )
    return tuple(found)


def codes(labels: pd.Series, classes: Sequence[str]) -> NDArray[np.int64]:
    """Return class codes, `MISSING` where a label is missing or is none of the classes."""
    known = {label: code for code, label in enumerate(classes)}
    return np.array(
        [MISSING if pd.isna(label) else known.get(str(label), MISSING) for label in labels], dtype=np.int64
    )


def make_dataset(
    table: pd.DataFrame,
    features: NDArray[np.float32],
    feature_names: tuple[str, ...],
    tasks: tuple[Task, ...],
    sequences: Mapping[str, Sequences] | None = None,
) -> Dataset:
    """Join utterances and their normalised features.

    Args:
        table: Utterance table with n rows.
        features: Normalised features of the same rows, shape (n, D).
        feature_names: Names of the D features.
        tasks: Tasks, main task first.
        sequences: Normalised frame-level inputs of the same rows, by kind.
    """
    return Dataset(
        utterances=_text(table.index.to_series()),
        features=np.ascontiguousarray(features, dtype=np.float32),
        feature_names=feature_names,
        tasks=tasks,
        targets={task.name: codes(table[task.column], task.classes) for task in tasks},
        language=_text(table["language"]),
        corpus=_text(table["corpus"]),
        speaker=_text(table["speaker"]),
        sequences=dict(sequences or {}),
    )


def _text(column: pd.Series) -> NDArray[np.str_]:
    return np.array(["" if pd.isna(value) else str(value) for value in column], dtype=np.str_)
