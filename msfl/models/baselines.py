"""The opponents: majority, logistic regression, support vector machines, gradient boosting.

They see the same folds and normalised features as the networks, and learn from all training speakers: what a
network keeps back for early stopping is theirs too. Classes that an utterance's language never has in
training are masked, as in MSFL, so that a pooled baseline is not beaten for naming impossible emotions; the
language task is never masked. Each task of the dataset gets a model of its own.

Probabilities of the support vector machines are a softmax over votes and margins: they keep the order of
the classes, but are not calibrated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from msfl.errors import DataError
from msfl.evaluation.metrics import count, uar
from msfl.models.baseline_model import BaselineModel, TaskModel, read
from msfl.models.contract import MISSING, Dataset
from msfl.models.decisions import Decision, Linear, LinearPairs, RbfPairs, pairwise_dual
from msfl.tasks import Task


class Baseline(ABC):
    """What the baselines share: labelled rows, masks, saving. A subclass fits one decision function.

    Args:
        mask: Whether classes that an utterance's language never has in training get probability zero.
    """

    name: ClassVar[str]
    paper: ClassVar[str] = "baseline"
    summary: ClassVar[str]
    multitask: ClassVar[bool] = False
    keeps_weights: ClassVar[bool] = True
    """Whether the trained model can be saved and loaded."""

    def __init__(self, *, mask: bool = True) -> None:
        self.mask = mask

    @property
    def uses_validation(self) -> bool:
        """Whether it wants validation speakers; otherwise they may stay in the training part."""
        return False

    @abstractmethod
    def _decide(self, train: Dataset, task: Task, parameters: dict[str, Any], seed: int) -> Decision:
        """Fit on labelled rows with two or more classes; scores are for the sorted codes that occur."""

    def _choose(self, train: Dataset, validation: Dataset, task: Task, seed: int) -> dict[str, Any]:
        """Return parameters chosen on the validation speakers; nothing for most baselines."""
        return {}

    def fit(
        self, train: Dataset, validation: Dataset | None, *, seed: int, checkpoint: Path | None = None
    ) -> BaselineModel:
        """Fit one model per task on all training speakers, those of `validation` included.

        Raises:
            DataError: A task has no label, or a feature is not a finite number.
        """
        for part in (train, validation):
            if part is not None and not np.isfinite(part.features).all():
                row = int(np.flatnonzero(~np.isfinite(part.features).all(axis=1))[0])
                raise DataError(
                    f"A feature of '{part.utterances[row]}' is not a finite number: leave the utterance out."
                )
        models = tuple(self._fit_task(train, validation, task, seed) for task in train.tasks)
        return BaselineModel(models, train.feature_names)

    def _fit_task(self, train: Dataset, validation: Dataset | None, task: Task, seed: int) -> TaskModel:
        known = train.subset(train.targets[task.name] != MISSING)
        parameters: dict[str, Any] = {}
        if validation is not None:
            held = validation.subset(validation.targets[task.name] != MISSING)
            if len(held) and len(known):
                parameters = self._choose(known, held, task, seed)
            known = _join(known, held)
        return self._train(known, task, parameters, seed)

    def _train(self, known: Dataset, task: Task, parameters: dict[str, Any], seed: int) -> TaskModel:
        target = known.targets[task.name]
        learnt = np.unique(target)
        if not len(learnt):
            raise DataError(
                f"No training utterance has a label of the task '{task.name}': leave the task out."
            )
        if len(learnt) == 1:
            decision: Decision = Linear(np.zeros((1, 0)), np.zeros(1))
        else:
            decision = self._decide(known, task, parameters, seed)
        languages, allowed = np.array([], dtype=np.str_), np.ones((0, len(learnt)), dtype=bool)
        # A mask by language would give the language task its answer.
        if self.mask and task.name != "language":
            languages = np.unique(known.language[known.language != ""])
            allowed = np.array(
                [np.isin(learnt, target[known.language == language]) for language in languages], dtype=bool
            ).reshape(len(languages), len(learnt))
        return TaskModel(task, learnt, decision, languages, allowed)

    def load(self, folder: Path) -> BaselineModel:
        """Read what `BaselineModel.save` wrote.

        Raises:
            DataError: The file is missing or damaged, or this baseline keeps no weights.
        """
        if not self.keeps_weights:
            raise DataError(
                f"'{self.name}' keeps its predictions only: train another model to predict with it."
            )
        return read(folder)


def _join(first: Dataset, second: Dataset) -> Dataset:
    def both(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(first, name), getattr(second, name)])

    return replace(
        first,
        utterances=both("utterances"),
        features=both("features"),
        language=both("language"),
        corpus=both("corpus"),
        speaker=both("speaker"),
        targets={name: np.concatenate([first.targets[name], second.targets[name]]) for name in first.targets},
    )


class Majority(Baseline):
    """Always the most frequent class of the training part; its probabilities are the class frequencies."""

    name = "majority"
    multitask = True  # a model per task: the chance level and the plain opponent of the language head
    summary = "always the most frequent class: what a score must beat"

    def _decide(self, train: Dataset, task: Task, parameters: dict[str, Any], seed: int) -> Decision:
        counts = np.unique(train.targets[task.name], return_counts=True)[1]
        return Linear(np.zeros((len(counts), 0)), np.log(counts / counts.sum()))


class LogisticRegression(Baseline):
    """Multinomial logistic regression with an L2 penalty and balanced classes.

    Args:
        C: Inverse strength of the penalty.
        mask: See `Baseline`.
    """

    name = "logistic-regression"
    summary = "multinomial logistic regression, balanced classes"

    def __init__(self, *, C: float = 1e-3, mask: bool = True) -> None:
        super().__init__(mask=mask)
        self.C = C

    def _decide(self, train: Dataset, task: Task, parameters: dict[str, Any], seed: int) -> Decision:
        from sklearn.linear_model import LogisticRegression as Machine

        machine = Machine(C=self.C, class_weight="balanced", max_iter=200, tol=1e-3)
        machine.fit(train.features, train.targets[task.name])
        weights, intercept = machine.coef_.astype(np.float64), machine.intercept_.astype(np.float64)
        if len(weights) == 1:
            # Of two classes scikit-learn keeps the second only; its log-odds against a zero.
            weights, intercept = np.vstack([0 * weights, weights]), np.append(0.0, intercept)
        return Linear(weights, intercept)


class LinearSVM(Baseline):
    """Linear support vector machine, one against one, balanced classes.

    Args:
        C: Penalty of the margin; 1e-3 suits z-normalised sets of some thousand features.
        mask: See `Baseline`.
    """

    name = "linear-svm"
    multitask = True  # a model per task: the chance level and the plain opponent of the language head
    summary = "linear support vector machine, balanced classes"

    def __init__(self, *, C: float = 1e-3, mask: bool = True) -> None:
        super().__init__(mask=mask)
        self.C = C

    def _decide(self, train: Dataset, task: Task, parameters: dict[str, Any], seed: int) -> Decision:
        vectors, dual, intercept = _fit_svc(train, task, C=self.C, kernel="linear")
        return LinearPairs(dual.T @ vectors.astype(np.float64), intercept)


class RbfSVM(Baseline):
    """Support vector machine with a Gaussian kernel, one against one, balanced classes.

    The kernel width is 1 / (D var(X)), scikit-learn's ``scale``.

    Args:
        C: Penalty of the margin; None chooses it from `GRID` by the UAR on the validation speakers (mean over
            corpora) and then fits on all training speakers. Without validation speakers it is 1.
        mask: See `Baseline`.
    """

    name = "rbf-svm"
    summary = "support vector machine with a Gaussian kernel, balanced classes; C by validation speakers"

    GRID: ClassVar[tuple[float, ...]] = (0.3, 1.0, 3.0, 10.0)

    def __init__(self, *, C: float | None = None, mask: bool = True) -> None:
        super().__init__(mask=mask)
        self.C = C

    @property
    def uses_validation(self) -> bool:
        """Only where C is to be chosen."""
        return self.C is None

    def _choose(self, train: Dataset, validation: Dataset, task: Task, seed: int) -> dict[str, Any]:
        if self.C is not None:
            return {}
        scores = []
        for C in self.GRID:
            model = self._train(train, task, {"C": C}, seed)
            scores.append(_mean_uar(model.probabilities(validation).argmax(axis=1), validation, task))
        return {"C": self.GRID[int(np.argmax(scores))]}

    def _decide(self, train: Dataset, task: Task, parameters: dict[str, Any], seed: int) -> Decision:
        C = parameters.get("C", 1.0 if self.C is None else self.C)
        variance = float(train.features.var(dtype=np.float64))
        gamma = 1.0 / (train.features.shape[1] * variance) if variance else 1.0
        vectors, dual, intercept = _fit_svc(train, task, C=C, kernel="rbf", gamma=gamma)
        return RbfPairs(vectors, dual, intercept, gamma)


def _mean_uar(predicted: NDArray[np.int64], data: Dataset, task: Task) -> float:
    corpora, group = np.unique(data.corpus, return_inverse=True)
    shape = len(corpora), len(task.classes)
    return float(uar(count(data.targets[task.name], predicted, group, shape)).mean())


def _fit_svc(
    train: Dataset, task: Task, **parameters: Any
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Return support vectors (M, D), dual coefficients (M, P), intercepts (P,), one against one."""
    from sklearn.svm import SVC

    machine = SVC(class_weight="balanced", cache_size=500, **parameters)
    machine.fit(train.features, train.targets[task.name])
    dual, intercept = pairwise_dual(machine.dual_coef_, machine.n_support_), machine.intercept_
    if len(machine.n_support_) == 2:
        # scikit-learn turns the sign round where there are two classes.
        dual, intercept = -dual, -intercept
    return machine.support_vectors_.astype(np.float32), dual, np.asarray(intercept, dtype=np.float64)


@dataclass(frozen=True)
class _Trees:
    """The trees of scikit-learn, which have no form as arrays here."""

    kind: ClassVar[str] = ""
    machine: Any
    columns: NDArray[np.int64]

    def scores(self, features: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        probabilities = self.machine.predict_proba(features[:, self.columns])
        return np.asarray(np.log(np.maximum(probabilities, 1e-12)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {}


class GradientBoosting(Baseline):
    """Histogram gradient boosting on the features with the largest F statistic of the training part.

    It keeps no weights: its trees cannot be saved without pickle, and only its predictions are kept.

    Args:
        iterations: Boosting rounds; each grows one tree per class. There is no early stopping.
        learning_rate: Shrinkage of each tree.
        leaves: Leaves of each tree.
        features: Number of features that the trees may use, chosen on the training part (analysis of
            variance); the time is proportional to it.
        mask: See `Baseline`.
    """

    name = "gradient-boosting"
    summary = "histogram gradient boosting, balanced classes; keeps predictions only"
    keeps_weights = False

    def __init__(
        self,
        *,
        iterations: int = 50,
        learning_rate: float = 0.15,
        leaves: int = 8,
        features: int = 300,
        mask: bool = True,
    ) -> None:
        super().__init__(mask=mask)
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.features = features

    def _decide(self, train: Dataset, task: Task, parameters: dict[str, Any], seed: int) -> Decision:
        from sklearn.ensemble import HistGradientBoostingClassifier

        target = train.targets[task.name]
        columns = _most_different(train.features, target, self.features)
        machine = HistGradientBoostingClassifier(
            max_iter=self.iterations,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves,
            max_bins=63,
            l2_regularization=1.0,
            class_weight="balanced",
            early_stopping=False,
            random_state=seed,
        )
        machine.fit(train.features[:, columns], target)
        return _Trees(machine, columns)


def _most_different(
    features: NDArray[np.float32], target: NDArray[np.int64], number: int
) -> NDArray[np.int64]:
    """Return the columns whose class means differ most, by the F statistic, sorted."""
    values = features.astype(np.float64)
    mean = values.mean(axis=0)
    between = np.zeros(values.shape[1])
    for code in np.unique(target):
        rows = values[target == code]
        between += len(rows) * (rows.mean(axis=0) - mean) ** 2
    within = ((values - mean) ** 2).sum(axis=0) - between
    ratio = np.where(between > 0, between / np.maximum(within, 1e-12), 0.0)
    return np.sort(np.argsort(-ratio, kind="stable")[:number])
