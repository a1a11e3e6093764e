"""Which outputs of a model are explained: for each utterance, the classes of each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from msfl.errors import UsageError
from msfl.models.contract import MISSING, Dataset
from msfl.tasks import Task

Classes = Literal["true-predicted", "true", "all"]
CLASSES: tuple[Classes, ...] = ("true-predicted", "true", "all")
Target = tuple[int, int]
"""Position of a task, code of a class."""


def checked(classes: str) -> Classes:
    """Return a choice of classes, if it is one.

    Raises:
        UsageError: It is none of `CLASSES`.
    """
    for known in CLASSES:
        if classes == known:
            return known
    raise UsageError(f"classes is '{classes}'; it is one of {', '.join(CLASSES)}.")


def targets_of(
    data: Dataset,
    tasks: Sequence[Task],
    probabilities: Mapping[str, NDArray[np.float32]],
    classes: Classes,
) -> list[tuple[Target, ...]]:
    """Return the outputs to be explained for each utterance, each once: tasks in order, the true class first.

    Args:
        data: n utterances with their labels.
        tasks: The tasks that are explained.
        probabilities: Per task, what the model says, shape (n, K).
        classes: The true and the predicted class, the true class alone (the predicted one where the label
            is missing), or all.
    """
    wanted: list[list[Target]] = [[] for _ in range(len(data))]
    for position, task in enumerate(tasks):
        truth = data.targets[task.name]
        predicted = probabilities[task.name].argmax(axis=1)
        for row, targets in enumerate(wanted):
            if classes == "all":
                codes = list(range(len(task.classes)))
            elif truth[row] == MISSING:
                codes = [int(predicted[row])]
            elif classes == "true":
                codes = [int(truth[row])]
            else:
                codes = list(dict.fromkeys((int(truth[row]), int(predicted[row]))))
            targets += [(position, code) for code in codes]
    return [tuple(targets) for targets in wanted]
