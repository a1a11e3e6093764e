"""Multitask-based shared feature learning (Ma & Wang 2022) as a system: emotion and language from one network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.balancing import make_balancer
from msfl.models.contract import Dataset, Prediction
from msfl.models.multitask import given
from msfl.models.network import ATTENTION, SHARED, Plan, msfl_network, paper_network
from msfl.models.saved_network import read_network, write_network
from msfl.tasks import Task
from msfl.training import Schedule, fit_network, mean_probabilities, predict_logits

_PAPER = "Ma & Wang: Multitask-based shared feature learning, Applied Sciences 12(24), 12805, 2022"


class MSFL:
    """LSTM over the features, one attention weight per feature, a shared representation, one head per task.

    Two variants behind one switch: ``msfl`` is what learns best and still has its importance in the attention
    (`msfl.models.network.msfl_network`); ``paper`` is the literal reading of the paper. Every default that the
    paper does not give was chosen on inner folds; `docs/model-log.md` tells how, and what that can prove.

    Args:
        variant: ``msfl`` or ``paper``.
        units: LSTM units; with ``msfl``, zero leaves the LSTM out.
        step: Length of an LSTM step (``msfl``).
        members: Members that share the LSTM and are averaged (``msfl``).
        size: Length of the shared representation.
        gain: How fast attention can leave the uniform start (``msfl``).
        language_penalty: L2 penalty on what sets the languages apart (``msfl``).
        state_penalty: Penalty on the LSTM's part in attention (``msfl``).
        by_language: Whether attention and emotion head may differ by language (``msfl``).
        order: In which order the LSTM reads the features (``msfl``): 0 for the order of the table, else the seed of
            a permutation. Everything else, all other random numbers too, stays the same.
        dropout: On the shared representation.
        feature_dropout: Share of the features dropped in training (``msfl``).
        language_dropout: Share of the utterances whose language is hidden in training, so that the model
            also learns to do without.
        epochs, min_steps, batch_size, learning_rate, weight_decay, clip_norm, label_smoothing,
            class_weights: See `Schedule`.
        early_stopping: Patience in epochs; zero trains all epochs on all training speakers.
        balancing: Name of a loss balancer, or a table with its name and parameters.
    """

    name: ClassVar[str] = "msfl"
    paper: ClassVar[str] = _PAPER
    summary: ClassVar[str] = "LSTM over features, feature attention, emotion and language heads, GradNorm"
    multitask: ClassVar[bool] = True

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
        clip_norm: float = 2.0,
        label_smoothing: float = 0.0,
        class_weights: bool = True,
        early_stopping: int = 0,
        balancing: str | Mapping[str, Any] = "gradnorm",
    ) -> None:
        self.parameters = given(locals())
        if variant not in ("msfl", "paper"):
            raise ValueError(f"variant is '{variant}'; it is 'msfl' or 'paper'")
        for key, value in (("units", units), ("step", step), ("members", members), ("size", size)):
            smallest = int(key != "units" or variant == "paper")
            if value < smallest:
                raise ValueError(f"{key} is {value}; at least {smallest} is needed")
        for key, share in (
            ("dropout", dropout),
            ("feature_dropout", feature_dropout),
            ("language_dropout", language_dropout),
            ("label_smoothing", label_smoothing),
        ):
            if not 0 <= share < 1:
                raise ValueError(f"{key} is {share}; it is a share from 0 to below 1")

    @property
    def uses_validation(self) -> bool:
        """Whether training speakers have to be held out."""
        return bool(self.parameters["early_stopping"])

    def fit(
        self, train: Dataset, validation: Dataset | None, *, seed: int, checkpoint: Path | None = None
    ) -> TrainedMSFL:
        """Train; see `msfl.models.contract.System.fit`."""
        keras.backend.clear_session()  # layer names, and with them the saved file, do not depend on what ran before
        tasks = train.tasks if self.multitask else train.tasks[:1]
        train = train.with_tasks(tuple(task.name for task in tasks))
        languages = tuple(sorted(set(train.language.tolist()) - {""}))
        network = self._network(train, languages, seed % (2**31 - 100))
        balancing = self.parameters["balancing"]
        options = {"name": balancing} if isinstance(balancing, str) else dict(balancing)
        held_out = None
        if validation is not None:
            held_out = (
                _inputs(validation, languages),
                validation.with_tasks(tuple(task.name for task in tasks)),
            )
        history = fit_network(
            network,
            _inputs(train, languages),
            train,
            schedule=self._schedule(),
            balancer=make_balancer(**options),
            shared=[network.get_layer(SHARED).kernel],
            validation=held_out,
            seed=seed,
            checkpoint=checkpoint,
        )
        return TrainedMSFL(network, tasks, languages, train.feature_names, history)

    def load(self, folder: Path) -> TrainedMSFL:
        """Read a trained network; see `msfl.models.contract.System.load`."""
        return TrainedMSFL.load(folder)

    def _schedule(self) -> Schedule:
        names = (
            "epochs",
            "min_steps",
            "batch_size",
            "learning_rate",
            "weight_decay",
            "clip_norm",
            "label_smoothing",
            "class_weights",
        )
        return Schedule(
            **{name: self.parameters[name] for name in names}, patience=self.parameters["early_stopping"]
        )

    def _network(self, train: Dataset, languages: tuple[str, ...], seed: int) -> keras.Model:
        main = train.tasks[0]
        available = [
            [
                int(np.any((train.language == language) & (train.targets[main.name] == code)))
                for code in range(len(main.classes))
            ]
            for language in languages
        ]
        plan = Plan(train.features.shape[1], train.tasks, languages, available, seed)
        if self.parameters["variant"] == "paper":
            names: tuple[str, ...] = ("units", "size", "dropout")
            return paper_network(plan, **{name: self.parameters[name] for name in names})
        names = (
            "units",
            "step",
            "members",
            "size",
            "gain",
            "language_penalty",
            "state_penalty",
            "by_language",
            "order",
            "dropout",
            "feature_dropout",
            "language_dropout",
        )
        return msfl_network(plan, **{name: self.parameters[name] for name in names})


class MSFLPaper(MSFL):
    """The literal reading of the paper, with sizes of our choice."""

    name: ClassVar[str] = "msfl-paper"
    summary: ClassVar[str] = "the paper's literal form: one scalar per LSTM step, attention over the states"

    def __init__(
        self,
        *,
        units: int = 64,
        size: int = 64,
        dropout: float = 0.3,
        epochs: int = 30,
        min_steps: int = 0,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        clip_norm: float = 1.0,
        label_smoothing: float = 0.0,
        class_weights: bool = True,
        early_stopping: int = 0,
        balancing: str | Mapping[str, Any] = "gradnorm",
    ) -> None:
        super().__init__(variant="paper", **given(locals()))


class MSFLSingleTask(MSFL):
    """The same network for the main task alone: what the second task is compared with."""

    name: ClassVar[str] = "msfl-single-task"
    summary: ClassVar[str] = "the same network, main task only: what multitask learning is compared with"
    multitask: ClassVar[bool] = False


@dataclass
class TrainedMSFL:
    """A trained network with what it needs to predict.

    Attributes:
        network: The Keras model.
        tasks: The tasks of its outputs, main task first.
        languages: The L languages that it knows, in the order of its input ``language``.
        feature_names: Names of its D features.
        history: One row per epoch, see `msfl.training.fit_network`.
    """

    network: keras.Model
    tasks: tuple[Task, ...]
    languages: tuple[str, ...]
    feature_names: tuple[str, ...]
    history: pd.DataFrame

    def predict(self, data: Dataset) -> Prediction:
        """Predict every task, with the attention of the main task.

        The language of an utterance is used where `data` gives one that the model knows. Where it is not given
        (an empty string), the prediction is the mean over the known languages, weighted by what the language head
        says; a language that the model was not trained on is served by what the languages share.
        """
        inputs = dict(_inputs(data, self.languages))
        outputs = predict_logits(self.network, inputs)
        found = {task.name: mean_probabilities(outputs[task.name]) for task in self.tasks}
        attention = outputs[ATTENTION]
        rows = np.flatnonzero(data.language == "")
        if len(rows) and "language" in found:
            known = next(task for task in self.tasks if task.name == "language").classes
            weights = found["language"][rows][:, [known.index(tag) for tag in self.languages]]
            main = self.tasks[0].name
            found[main][rows], attention[rows] = 0.0, 0.0
            for column, weight in enumerate(weights.T[:, :, None]):
                hot = np.tile(np.eye(len(self.languages), dtype=np.float32)[column], (len(rows), 1))
                told = predict_logits(self.network, {"features": inputs["features"][rows], "language": hot})
                found[main][rows] += weight * mean_probabilities(told[main])
                attention[rows] += weight * told[ATTENTION]
        return Prediction(found, attention)

    def save(self, folder: Path) -> None:
        """Write ``model.keras``, ``model.json`` and ``history.parquet`` into a folder."""
        facts = {"languages": list(self.languages), "feature_names": list(self.feature_names)}
        write_network(folder, self.network, self.tasks, self.history, facts)

    @classmethod
    def load(cls, folder: Path) -> TrainedMSFL:
        """Read what `save` wrote, in Keras' safe mode.

        Raises:
            DataError: A file is missing or damaged; the sentence names the folder.
        """
        import msfl.models.attention
        import msfl.models.lstm  # noqa: F401  (registers the layers)

        network, tasks, history, (languages, feature_names) = read_network(
            folder, lambda facts: (tuple(facts["languages"]), tuple(facts["feature_names"]))
        )
        return cls(network, tasks, languages, feature_names, history)


def _inputs(data: Dataset, languages: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    """Features, and the language one-hot; zeros where it is not given or not known."""
    hot = np.zeros((len(data), max(1, len(languages))), dtype=np.float32)
    for column, tag in enumerate(languages):
        hot[data.language == tag, column] = 1.0
    return {"features": np.asarray(data.features, dtype=np.float32), "language": hot}
