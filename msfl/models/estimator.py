"""Shared feature learning as a scikit-learn estimator: one table of features, one table of task labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import balanced_accuracy_score
from sklearn.utils.validation import check_array, check_is_fitted

from msfl.models.contract import MISSING, Dataset, Prediction
from msfl.tasks import Task

if TYPE_CHECKING:
    from msfl.models.msfl import TrainedMSFL


class MSFLClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Multitask-based shared feature learning for `sklearn`'s pipelines, clones and searches.

    Standardise the features first, for instance with `sklearn.preprocessing.StandardScaler` in a pipeline; use
    grouped splits (`GroupKFold` over speakers) when you search or cross-validate.

    Args:
        units, step, members, size, gain, language_penalty, state_penalty, by_language, order, dropout,
            feature_dropout, language_dropout, epochs, min_steps, batch_size, learning_rate, weight_decay,
            label_smoothing, class_weights, balancing, variant: See `msfl.models.msfl.MSFL`.
        random_state: Seed of everything random in `fit`.

    Attributes:
        classes_: Classes of the main task.
        tasks_: All tasks with their classes, main task first.
        n_features_in_: Number D of features.
        feature_names_in_: Their names, if `X` was a DataFrame.
        system_: The trained network with its history.

    Example:
        >>> labels = pd.DataFrame({"emotion": ["anger", "neutral"] * 20, "language": ["de"] * 20 + ["it"] * 20})
        >>> features = np.random.default_rng(0).normal(size=(40, 10))
        >>> MSFLClassifier(epochs=1).fit(features, labels).predict(features).shape
        (40,)
    """

    def __init__(
        self,
        *,
        variant: Literal["msfl", "paper"] = "msfl",
        units: int = 8,
        step: int = 8,
        members: int = 12,
        size: int = 32,
        gain: float = 50.0,
        language_penalty: float = 1e-4,
        state_penalty: float = 1.0,
        by_language: bool = True,
        order: int = 0,
        dropout: float = 0.3,
        feature_dropout: float = 0.0,
        language_dropout: float = 0.0,
        epochs: int = 30,
        min_steps: int = 0,
        batch_size: int = 64,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.0,
        label_smoothing: float = 0.0,
        class_weights: bool = True,
        balancing: str | Mapping[str, Any] = "gradnorm",
        random_state: int = 0,
    ) -> None:
        self.variant = variant
        self.units = units
        self.step = step
        self.members = members
        self.size = size
        self.gain = gain
        self.language_penalty = language_penalty
        self.state_penalty = state_penalty
        self.by_language = by_language
        self.order = order
        self.dropout = dropout
        self.feature_dropout = feature_dropout
        self.language_dropout = language_dropout
        self.epochs = epochs
        self.min_steps = min_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.class_weights = class_weights
        self.balancing = balancing
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | pd.DataFrame) -> MSFLClassifier:
        """Train on features and labels.

        Args:
            X: Features, shape (n, D); no missing values.
            y: Labels of the main task, shape (n,), or a DataFrame with one column per task, main task first.
                A missing label (None, NaN, NA) masks the item in that task. A column ``language`` is also used
                to tell the model which language an utterance is in.

        Raises:
            ValueError: Features and labels do not fit, or the main task has fewer than two classes.
        """
        from msfl.models.msfl import MSFL

        names = getattr(X, "columns", None)
        features = check_array(X, dtype=np.float32)
        labels = (
            y.reset_index(drop=True)
            if isinstance(y, pd.DataFrame)
            else pd.DataFrame({"label": np.asarray(y)})
        )
        if len(labels) != len(features):
            raise ValueError(f"X has {len(features)} rows and y has {len(labels)}; give one label per row.")
        self.n_features_in_ = features.shape[1]
        if names is not None:
            self.feature_names_in_ = np.asarray(names, dtype=object)
        self.tasks_ = tuple(_task(labels[name]) for name in labels.columns)
        if len(self.tasks_[0].classes) < 2:
            raise ValueError(
                f"The main task '{self.tasks_[0].name}' has fewer than two classes; there is nothing to learn."
            )
        # An auxiliary task with one class (the language of a monolingual table) teaches nothing.
        self.tasks_ = tuple(task for task in self.tasks_ if len(task.classes) >= 2)
        self._labels = {task.name: _by_text(labels[task.name]) for task in self.tasks_}
        self.classes_ = np.array([self._labels[self.tasks_[0].name][text] for text in self.tasks_[0].classes])
        settings = {key: value for key, value in self.get_params().items() if key != "random_state"}
        data = self._dataset(features, labels)
        self.system_: TrainedMSFL = MSFL(**settings).fit(data, None, seed=self.random_state)
        return self

    def predict_proba(
        self, X: ArrayLike, language: ArrayLike | None = None, task: str | None = None
    ) -> NDArray[np.float32]:
        """Return class probabilities.

        Args:
            X: Features, shape (n, D).
            language: Language of each utterance where it is known, shape (n,).
            task: Name of the task, by default the main one.

        Returns:
            Shape (n, K), columns in the order of the task's classes.
        """
        return self._predict(X, language).probabilities[task or self.tasks_[0].name]

    def predict(
        self, X: ArrayLike, language: ArrayLike | None = None, task: str | None = None
    ) -> NDArray[Any]:
        """Return the likeliest class of each utterance, shape (n,); see `predict_proba`."""
        best = self.predict_proba(X, language, task).argmax(axis=1)
        name = task or self.tasks_[0].name
        classes = next(found.classes for found in self.tasks_ if found.name == name)
        values: NDArray[Any] = np.array([self._labels[name][text] for text in classes])
        found: NDArray[Any] = values[best]
        return found

    def attention(self, X: ArrayLike, language: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return the weight of each feature for each utterance, shape (n, D); rows sum to one."""
        found = self._predict(X, language).attention
        assert found is not None  # both variants have one
        return found

    def score(
        self, X: ArrayLike, y: ArrayLike | pd.DataFrame, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the UAR (unweighted average recall) of the main task.

        Args:
            X: Features, shape (n, D).
            y: As in `fit`; with a column ``language``, the languages are told to the model.
            sample_weight: Weight of each utterance, shape (n,).
        """
        labels = y if isinstance(y, pd.DataFrame) else pd.DataFrame({"label": np.asarray(y)})
        truth = labels.iloc[:, 0].to_numpy()
        language = labels["language"].to_numpy() if "language" in labels else None
        known = ~pd.isna(truth)
        weights = None if sample_weight is None else np.asarray(sample_weight)[known]
        predicted = self.predict(X, language)
        return float(balanced_accuracy_score(truth[known], predicted[known], sample_weight=weights))

    def _predict(self, X: ArrayLike, language: ArrayLike | None) -> Prediction:
        check_is_fitted(self)
        features = check_array(X, dtype=np.float32)
        if features.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {features.shape[1]} features; the model was trained on {self.n_features_in_}."
            )
        labels = pd.DataFrame(index=range(len(features)))
        if language is not None:
            labels["language"] = np.asarray(language)
        return self.system_.predict(self._dataset(features, labels))

    def _dataset(self, features: NDArray[np.float32], labels: pd.DataFrame) -> Dataset:
        count = len(features)
        language = _text(labels["language"]) if "language" in labels else np.full(count, "")
        names = getattr(self, "feature_names_in_", [f"x{column}" for column in range(features.shape[1])])
        targets = {
            task.name: _codes(labels[task.name], task)
            if task.name in labels
            else np.full(count, MISSING, dtype=np.int64)
            for task in self.tasks_
        }
        return Dataset(
            utterances=np.arange(count).astype(np.str_),
            features=features,
            feature_names=tuple(str(name) for name in names),
            tasks=self.tasks_,
            targets=targets,
            language=language.astype(np.str_),
            corpus=np.full(count, ""),
            speaker=np.full(count, ""),
        )


def _task(labels: pd.Series) -> Task:
    return Task(str(labels.name), tuple(sorted(_by_text(labels))))


def _by_text(labels: pd.Series) -> dict[str, Any]:
    """Class names as text -> the values that the user wrote (numbers stay numbers)."""
    return {str(value): value for value in labels.dropna().unique()}


def _text(labels: pd.Series) -> NDArray[np.str_]:
    return np.array(["" if pd.isna(value) else str(value) for value in labels], dtype=np.str_)


def _codes(labels: pd.Series, task: Task) -> NDArray[np.int64]:
    known = {name: code for code, name in enumerate(task.classes)}
    return np.array([known.get(text, MISSING) for text in _text(labels)], dtype=np.int64)
