"""The coefficients of a linear model: the plain opponent of every other explanation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from analyses.attributions.contract import Attribution, Subject, no_values
from analyses.attributions.predictor import predictor
from analyses.attributions.targets import checked, targets_of
from msfl.errors import DataError
from msfl.manifest import JobRecord
from msfl.models.baseline_model import BaselineModel, TaskModel
from msfl.models.decisions import Linear, LinearPairs

MODELS = ("linear-svm", "logistic-regression")
"""Models whose decision is linear."""
Floats = NDArray[np.float64]


class LinearCoefficients:
    """phi_j = w_cj (z_j - mean of z_j over the training part), w_c the mean coefficient of class c against the others.

    The others are the classes that the language of the utterance has in training, as in the model's own decision. The
    values are exact, and sum to the mean margin of the class over its value at the training mean; they are in units
    of the margin (log-odds for logistic regression), not of probability.

    Args:
        tasks: The tasks to be explained; all that the model has learnt by default.
        classes: ``true-predicted``, ``true`` or ``all`` classes of each utterance.
    """

    name: ClassVar[str] = "linear"
    paper: ClassVar[str] = "baseline"
    summary: ClassVar[str] = "signed coefficients of the linear baseline, per class"

    def __init__(self, *, tasks: Sequence[str] = (), classes: str = "true-predicted") -> None:
        self.tasks = tuple(tasks)
        self.classes = checked(classes)

    def objection(self, record: JobRecord) -> str:
        """See `Explainer.objection`."""
        if record.model in MODELS:
            return ""
        return f"the model '{record.model}' is not linear (linear are {' and '.join(MODELS)})"

    def explain(
        self, subject: Subject, *, seed: int, progress: Callable[[float], None] = lambda _: None
    ) -> Attribution:
        """See `Explainer.explain`.

        Raises:
            DataError: The model is not linear after all.
        """
        tasks = subject.tasks(self.tasks)
        test = subject.test
        models = {task.name: _linear_model(subject, task.name) for task in tasks}
        mean = subject.train.features.mean(axis=0, dtype=np.float64)
        found = predictor(subject.system, test, tasks)(test.features, test.language)
        margins: dict[tuple[int, int, str], tuple[Floats, float]] = {}
        values, base, error, rows, names, classes = [], [], [], [], [], []
        for row, targets in enumerate(targets_of(test, tasks, found, self.classes)):
            for position, code in targets:
                task = tasks[position]
                key = (position, code, str(test.language[row]))
                if key not in margins:
                    margins[key] = margin(models[task.name], code, key[2], len(mean))
                weights, intercept = margins[key]
                z = test.features[row].astype(np.float64)
                value = (weights * (z - mean)).astype(np.float32)
                start = float(weights @ mean + intercept)
                values.append(value)
                base.append(start)
                error.append(value.sum(dtype=np.float64) - (weights @ z + intercept - start))
                rows.append(row)
                names.append(task.name)
                classes.append(task.classes[code])
        count = len(rows)
        return Attribution(
            values=np.array(values, dtype=np.float32).reshape(count, len(mean)),
            keys=subject.keys(rows, names, classes),
            items=subject.train.feature_names,
            base_values=np.array(base, dtype=np.float32),
            samples=np.ones(count, dtype=np.int64),
            standard_error=no_values(count),
            completeness_error=np.array(error, dtype=np.float32),
            method=self.name,
            levels=("feature",),
            baseline="the mean of the training part",
            seed=seed,
        )


def margin(model: TaskModel, code: int, language: str, features: int) -> tuple[Floats, float]:
    """Return coefficients (D,) and intercept of the mean margin of a class against the other possible ones.

    Args:
        model: A trained baseline with a linear decision.
        code: The class.
        language: Language of the utterance; classes that it never has in training do not count as others.
        features: Number D of features. A class that was never learnt, or has no other, gets zeros.
    """
    decision = model.decision
    assert isinstance(decision, Linear | LinearPairs)
    learnt = model.learnt.tolist()
    place = learnt.index(code) if code in learnt else -1
    known = np.flatnonzero(model.languages == language)
    allowed = model.allowed[known[0]] if len(known) else np.ones(len(learnt), dtype=bool)
    others = [other for other in range(len(learnt)) if other != place and allowed[other]]
    if place < 0 or not others:
        return np.zeros(features), 0.0
    if isinstance(decision, Linear):
        weights = decision.weights[place] - decision.weights[others].mean(axis=0)
        return weights, float(decision.intercept[place] - decision.intercept[others].mean())
    first, second = np.triu_indices(len(learnt), k=1)
    total, intercept = np.zeros(features), 0.0
    for other in others:
        pair = int(np.flatnonzero((first == min(place, other)) & (second == max(place, other)))[0])
        sign = 1.0 if place < other else -1.0
        total += sign * decision.weights[pair]
        intercept += sign * float(decision.intercept[pair])
    return total / len(others), intercept / len(others)


def _linear_model(subject: Subject, task: str) -> TaskModel:
    system = subject.system
    models = system.tasks if isinstance(system, BaselineModel) else ()
    for model in models:
        if model.task.name == task and isinstance(model.decision, Linear | LinearPairs):
            return model
    raise DataError(
        f"The job {subject.record.id} has no linear model of the task '{task}': explain it by another method."
    )
