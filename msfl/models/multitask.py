"""What all multitask networks of other papers share: from a network to a system behind the contract.

A system derives from `MultitaskSystem`, says what its paper is, what it reads and which auxiliary tasks it learns, and
builds an ordinary Keras model in `build`. Training, batches, masks, balancing, prediction and files are here.

The network's inputs are named by kind (`msfl.sequences.kinds`), ``features`` (B, D) or a kind (B, T, F) with its
lengths ``<kind>_frames`` (B, 1). Its outputs are the logits of every task, (B, K) by name, and where it has them
`EMBEDDING` (B, E) and `TIME_ATTENTION` + task (B, T').
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.balancing import make_balancer
from msfl.models.contract import MISSING, Dataset, Prediction
from msfl.models.saved_network import read_network, write_network
from msfl.models.stream import Stream
from msfl.sequences.kinds import FEATURES, sequence_kind
from msfl.tasks import COLUMNS, Task
from msfl.training import Beside, Schedule, fit_network, mean_probabilities, predict_logits

SHARED = "shared"
"""Name of the last layer that all tasks share: its kernel is the W of GradNorm."""
EMBEDDING = "embedding"
"""Output that holds the shared representation."""
TIME_ATTENTION = "time_attention_"
"""Start of the outputs that hold a task's weights over time."""


@dataclass(frozen=True)
class NetworkPlan:
    """What a network is built for.

    Attributes:
        tasks: The tasks, main task first.
        widths: Input -> number of features D, or of values F per frame.
        seed: Seed of all initial values and of dropout.
    """

    tasks: tuple[Task, ...]
    widths: Mapping[str, int]
    seed: int


class MultitaskSystem:
    """A multitask network as a system, see `msfl.models.contract.System`.

    Args:
        tasks: Auxiliary tasks, beside the main task of the experiment; none makes the single-task twin. A task that
            has fewer than two classes in the training part is left out.
        epochs, batch_size, min_steps, learning_rate, weight_decay, clip_norm, class_weights: See `Schedule`.
        early_stopping: Patience in epochs; zero trains all epochs on all training speakers.
        balancing: Name of a loss balancer, or a table with its name and parameters.
        longest: Seconds; of a longer recording its middle is read, in training and in prediction. Without effect on
            systems that read utterance-level features only.
        options: What the system itself takes, for `build` and all else that it does of its own.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    summary: ClassVar[str]
    multitask: ClassVar[bool] = True
    inputs: ClassVar[tuple[str, ...]] = (FEATURES,)

    def __init__(
        self,
        *,
        tasks: Sequence[str],
        epochs: int,
        batch_size: int,
        learning_rate: float,
        min_steps: int = 0,
        weight_decay: float = 0.0,
        clip_norm: float = 2.0,
        class_weights: bool = True,
        early_stopping: int = 0,
        balancing: str | Mapping[str, Any] = "fixed",
        longest: float = 10.0,
        **options: Any,
    ) -> None:
        for task in tasks:
            if task not in COLUMNS:
                raise ValueError(f"tasks names '{task}'; there are {', '.join(COLUMNS)}")
        if longest < 1:
            raise ValueError(f"longest is {longest}; it is a number of seconds, 1 or more")
        self.tasks = tuple(tasks)
        self.schedule = Schedule(
            epochs=epochs,
            batch_size=batch_size,
            min_steps=min_steps,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
            class_weights=class_weights,
            patience=early_stopping,
        )
        self.balancing = balancing
        self.longest = float(longest)
        self.options = options

    @property
    def uses_validation(self) -> bool:
        """Whether training speakers have to be held out."""
        return bool(self.schedule.patience)

    def build(self, plan: NetworkPlan) -> keras.Model:
        """Build the network; see the module for the names of its inputs and outputs."""
        raise NotImplementedError

    def beside(self, network: keras.Model, plan: NetworkPlan, train: Dataset) -> Beside | None:
        """Return what is learnt beside the tasks, from labelled and unlabelled utterances; nothing for most systems."""
        return None

    def notes(self, network: keras.Model, train: Dataset, history: pd.DataFrame) -> tuple[str, ...]:
        """Return what is to be said about the training of `beside`."""
        return ()

    def fit(
        self, train: Dataset, validation: Dataset | None, *, seed: int, checkpoint: Path | None = None
    ) -> TrainedNetwork:
        """Train; see `msfl.models.contract.System.fit`."""
        keras.backend.clear_session()  # layer names, and with them the saved file, do not depend on what ran before
        network = self.build(self.plan(train, seed))
        beside = self.beside(network, self.plan(train, seed), train)
        held_out = None if validation is None else (self.in_memory(validation), validation)
        history = fit_network(
            network,
            self.in_memory(train),
            train,
            schedule=self.schedule,
            balancer=self.balancer(),
            shared=[network.get_layer(SHARED).kernel],
            validation=held_out,
            seed=seed,
            checkpoint=checkpoint,
            stream=self.stream(train),
            validation_stream=None if validation is None else self.stream(validation),
            beside=beside,
        )
        notes = () if beside is None else self.notes(network, train, history)
        return TrainedNetwork(
            network,
            train.tasks,
            self.inputs,
            self.longest,
            train.feature_names,
            history,
            notes,
            classes_by_language(train),
        )

    def load(self, folder: Path) -> TrainedNetwork:
        """Read a trained network; see `msfl.models.contract.System.load`."""
        return TrainedNetwork.load(folder)

    def plan(self, train: Dataset, seed: int) -> NetworkPlan:
        """Return what the network is built for."""
        widths = {
            kind: train.features.shape[1] if kind == FEATURES else sequence_kind(kind).width
            for kind in self.inputs
        }
        return NetworkPlan(train.tasks, widths, seed % (2**31 - 1000))

    def balancer(self) -> Any:
        """Return a new loss balancer."""
        own = {"name": self.balancing} if isinstance(self.balancing, str) else dict(self.balancing)
        return make_balancer(**own)

    def in_memory(self, data: Dataset) -> dict[str, NDArray[np.float32]]:
        """Return the inputs that are no sequences."""
        return in_memory(data, self.inputs)

    def stream(self, data: Dataset) -> Stream | None:
        """Return the inputs that are sequences, if the system reads any."""
        return stream(data, self.inputs, self.longest)


@dataclass
class TrainedNetwork:
    """A trained multitask network with what it needs to predict.

    Attributes:
        network: The Keras model.
        tasks: The tasks of its outputs, main task first.
        inputs: What it reads.
        longest: Seconds; of a longer recording its middle is read.
        feature_names: Names of the D features of the run.
        history: One row per epoch, see `msfl.training.fit_network`.
        notes: Sentences that stand beside its results; not saved with it, but in the record of its job.
        available: Language -> classes of the main task that it has in training.
    """

    network: keras.Model
    tasks: tuple[Task, ...]
    inputs: tuple[str, ...]
    longest: float
    feature_names: tuple[str, ...]
    history: pd.DataFrame
    notes: tuple[str, ...] = ()
    available: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def predict(self, data: Dataset) -> Prediction:
        """Predict every task, with the shared representation and the attention over time where there are any."""
        outputs = predict_logits(
            self.network,
            in_memory(data, self.inputs),
            batch_size=64,
            stream=stream(data, self.inputs, self.longest),
        )
        weights = {
            key.removeprefix(TIME_ATTENTION): [_trimmed(row) for row in value]
            for key, value in outputs.items()
            if key.startswith(TIME_ATTENTION)
        }
        probabilities = {task.name: mean_probabilities(outputs[task.name]) for task in self.tasks}
        return Prediction(
            self.of_language(probabilities, data),
            embedding=outputs.get(EMBEDDING),
            time_attention=weights,
            step_seconds=self._step_seconds(data, weights),
        )

    def of_language(
        self, probabilities: dict[str, NDArray[np.float32]], data: Dataset
    ) -> dict[str, NDArray[np.float32]]:
        """Leave the main task the classes that an utterance's language has in training, as MSFL and the baselines do.

        Nothing is left out where the language is not given, or was not heard in training.
        """
        main = self.tasks[0]
        allowed = np.ones((len(data), len(main.classes)), dtype=bool)
        for language, classes in self.available.items():
            allowed[data.language == language] = np.isin(main.classes, classes)
        kept = np.where(allowed, probabilities[main.name], 0.0) + 1e-12 * allowed
        return {**probabilities, main.name: (kept / kept.sum(axis=1, keepdims=True)).astype(np.float32)}

    def _step_seconds(self, data: Dataset, weights: Mapping[str, Sequence[NDArray[np.float32]]]) -> float:
        """Return how much of the recording a time step stands for, as the longest recording tells best."""
        if not weights:
            return 0.0
        kind = next(kind for kind in self.inputs if kind != FEATURES)
        lengths = data.sequences[kind].lengths(self.longest) / sequence_kind(kind).rate
        steps = np.array([len(row) for row in next(iter(weights.values()))])
        longest = int(lengths.argmax())
        return float(lengths[longest] / steps[longest])

    def save(self, folder: Path) -> None:
        """Write ``model.keras``, ``model.json`` and ``history.parquet`` into a folder."""
        facts = {
            "inputs": list(self.inputs),
            "longest": self.longest,
            "feature_names": list(self.feature_names),
            "available": {language: list(classes) for language, classes in self.available.items()},
        }
        write_network(folder, self.network, self.tasks, self.history, facts)

    @classmethod
    def load(cls, folder: Path) -> TrainedNetwork:
        """Read what `save` wrote, in Keras' safe mode.

        Raises:
            DataError: A file is missing or damaged; the sentence names the folder.
        """
        import msfl.models.adversarial
        import msfl.models.lstm
        import msfl.models.sequence_layers
        import msfl.models.wave_layers  # noqa: F401  (registers the layers)

        network, tasks, history, (found, available) = read_network(
            folder,
            lambda facts: (
                (tuple(facts["inputs"]), float(facts["longest"]), tuple(facts["feature_names"])),
                {language: tuple(classes) for language, classes in facts["available"].items()},
            ),
        )
        return cls(network, tasks, *found, history, available=available)


def given(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a constructor was given, from its `locals()`: before it has variables of its own."""
    return {key: value for key, value in arguments.items() if key not in ("self", "__class__")}


def classes_by_language(train: Dataset) -> dict[str, tuple[str, ...]]:
    """Return language -> classes of the main task that it has in training; languages without labels are left out."""
    main, codes = train.tasks[0], train.targets[train.tasks[0].name]
    found = {
        str(language): np.unique(codes[(train.language == language) & (codes != MISSING)])
        for language in np.unique(train.language)
        if language
    }
    return {
        language: tuple(main.classes[code] for code in present)
        for language, present in found.items()
        if len(present)
    }


def in_memory(data: Dataset, inputs: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Return the inputs of a network that are no sequences."""
    return {FEATURES: np.asarray(data.features, dtype=np.float32)} if FEATURES in inputs else {}


def stream(data: Dataset, inputs: Sequence[str], longest: float) -> Stream | None:
    """Return the inputs of a network that are sequences, if it reads any."""
    kinds = [kind for kind in inputs if kind != FEATURES]
    return Stream({kind: data.sequences[kind] for kind in kinds}, longest) if kinds else None


def _trimmed(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut off the padding, whose weights are exactly zero."""
    used = np.flatnonzero(weights)
    return weights[: used[-1] + 1] if len(used) else weights[:1]
