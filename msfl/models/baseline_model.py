"""A trained baseline: decision functions, masks by language, and their file of plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.errors import DataError
from msfl.models.contract import Dataset, Prediction
from msfl.models.decisions import Decision, from_arrays
from msfl.tasks import Task

FILE = "baseline.npz"
"""The arrays of a trained baseline in its folder."""


@dataclass(frozen=True)
class TaskModel:
    """What was learnt for one task with K classes.

    Attributes:
        task: The task.
        learnt: Codes of the S classes that occur in training, sorted.
        decision: Scores for the learnt classes.
        languages: Languages of the training part, where masks are known; empty without masking.
        allowed: Learnt classes that each language has in training, shape (languages, S).
    """

    task: Task
    learnt: NDArray[np.int64]
    decision: Decision
    languages: NDArray[np.str_]
    allowed: NDArray[np.bool_]

    def probabilities(self, data: Dataset) -> NDArray[np.float32]:
        """Return class probabilities, shape (n, K); zero for classes never learnt or not of the language."""
        allowed = np.ones((len(data), len(self.learnt)), dtype=bool)
        for language, classes in zip(self.languages, self.allowed, strict=True):
            allowed[data.language == language] = classes
        scores = np.where(allowed, self.decision.scores(data.features, allowed), -np.inf)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-1e300))
        out = np.zeros((len(data), len(self.task.classes)), dtype=np.float32)
        out[:, self.learnt] = odds / odds.sum(axis=1, keepdims=True)
        return out


@dataclass(frozen=True)
class BaselineModel:
    """A trained baseline: one `TaskModel` per task."""

    tasks: tuple[TaskModel, ...]
    feature_names: tuple[str, ...]
    history: pd.DataFrame = field(default_factory=pd.DataFrame)

    def predict(self, data: Dataset) -> Prediction:
        """Return class probabilities for every utterance.

        Raises:
            DataError: The features are not those of the training.
        """
        if data.feature_names != self.feature_names:
            raise DataError(
                f"The model was trained on {len(self.feature_names)} features, and not on the "
                f"{len(data.feature_names)} given here: extract the feature set of its run."
            )
        return Prediction({model.task.name: model.probabilities(data) for model in self.tasks})

    def save(self, folder: Path) -> None:
        """Write the arrays as ``baseline.npz``; gradient boosting has none, and only its predictions stay."""
        if any(not model.decision.kind for model in self.tasks):
            return
        arrays: dict[str, NDArray[Any]] = {
            "tasks": np.array([model.task.name for model in self.tasks]),
            "feature_names": np.array(self.feature_names),
        }
        for model in self.tasks:
            parts = {
                "classes": np.array(model.task.classes),
                "learnt": model.learnt,
                "languages": model.languages,
                "allowed": model.allowed,
                "kind": np.array(model.decision.kind),
                **model.decision.arrays(),
            }
            arrays |= {f"{model.task.name}.{name}": values for name, values in parts.items()}
        np.savez_compressed(folder / FILE, allow_pickle=False, **arrays)


def read(folder: Path) -> BaselineModel:
    """Read what `BaselineModel.save` wrote.

    Raises:
        DataError: The file is missing or damaged.
    """
    try:
        with np.load(folder / FILE, allow_pickle=False) as file:
            arrays = dict(file)
        models = tuple(_task_model(str(name), arrays) for name in arrays["tasks"])
        return BaselineModel(models, tuple(str(name) for name in arrays["feature_names"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DataError(
            f"{folder / FILE} is missing or damaged ({type(error).__name__}): train this model again."
        ) from error


def _task_model(name: str, arrays: dict[str, NDArray[Any]]) -> TaskModel:
    own = {key.removeprefix(f"{name}."): v for key, v in arrays.items() if key.startswith(f"{name}.")}
    task = Task(name, tuple(str(label) for label in own["classes"]))
    decision = from_arrays(str(own["kind"]), own)
    return TaskModel(task, own["learnt"], decision, own["languages"], own["allowed"])
