"""The files of a trained network: ``model.keras``, ``model.json`` (its tasks, other facts) and ``history.parquet``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import keras
import pandas as pd

from msfl.atomic import write_json
from msfl.errors import DataError
from msfl.tasks import Task

_T = TypeVar("_T")


def write_network(
    folder: Path, network: keras.Model, tasks: Sequence[Task], history: pd.DataFrame, facts: dict[str, Any]
) -> None:
    """Write a trained network.

    Args:
        folder: It exists.
        network: The Keras model.
        tasks: The tasks of its outputs, main task first.
        history: One row per epoch.
        facts: What else is needed to predict, as JSON has it.
    """
    network.save(folder / "model.keras")
    told = {"tasks": {task.name: list(task.classes) for task in tasks}, **facts}
    write_json(folder / "model.json", told)
    history.to_parquet(folder / "history.parquet", index=False)


def read_network(
    folder: Path, facts_of: Callable[[dict[str, Any]], _T]
) -> tuple[keras.Model, tuple[Task, ...], pd.DataFrame, _T]:
    """Read what `write_network` wrote, in Keras' safe mode; the network's own layers have been imported.

    Args:
        folder: The folder.
        facts_of: Takes the facts and returns what the caller needs of them; it may fail where they are damaged.

    Returns:
        Network, tasks, history, and what `facts_of` returned.

    Raises:
        DataError: A file is missing or damaged; the sentence names the folder.
    """
    try:
        tasks, found = _told(folder / "model.json", facts_of)
        network = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
        history = pd.read_parquet(folder / "history.parquet")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile) as error:
        reason = str(error).rstrip(".")
        raise DataError(
            f"{folder} does not hold a trained model that can be read: {reason}. Delete the folder of this "
            "job and repeat `msfl train`."
        ) from None
    return network, tasks, history, found


def _told(file: Path, facts_of: Callable[[dict[str, Any]], _T]) -> tuple[tuple[Task, ...], _T]:
    facts = json.loads(file.read_text(encoding="utf-8"))
    try:
        return tuple(Task(name, tuple(classes)) for name, classes in facts["tasks"].items()), facts_of(facts)
    except KeyError as error:
        raise ValueError(f"{file.name} has no {error}") from None
