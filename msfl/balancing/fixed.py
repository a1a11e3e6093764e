"""Fixed weights: the baseline of every balancer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

from msfl.balancing.weighted import Weighted
from msfl.errors import UsageError, nearest
from msfl.tasks import COLUMNS


class Fixed(Weighted):
    """Minimises sum_i w_i L_i with weights that the user gives.

    Args:
        weights: Weight of each task by name; one where none is given. May name tasks that a training does not
            have.
    """

    name: ClassVar[str] = "fixed"
    paper: ClassVar[str] = "baseline"

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self.given = check_tasks("weights of the loss balancer 'fixed'", weights or {})

    def build(self, tasks: Sequence[str], class_counts: Sequence[int]) -> None:
        """Set the weights."""
        super().build(tasks, class_counts)
        self.weights.assign([self.given.get(task, 1.0) for task in self.tasks])


def check_tasks(what: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return one number per task name; raises UsageError for an unknown task or a number below zero."""
    for task, value in values.items():
        if task not in COLUMNS:
            raise UsageError(f"The {what} name an unknown task '{task}'." + nearest(task, list(COLUMNS)))
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"The {what} give {value} to '{task}'; use a number from zero upwards.")
    return dict(values)
