"""Aggregated-corpora multitask learning, the frame-level form: a network over frames, statistics, a machine on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from msfl.models.aggregated_mtl import PAPER, TASKS
from msfl.models.contract import MISSING, Dataset, Prediction
from msfl.models.extreme_learning import ExtremeLearningMachine, fit_extreme_learning
from msfl.models.lstm import FusedLSTM
from msfl.models.multitask import (
    EMBEDDING,
    SHARED,
    MultitaskSystem,
    NetworkPlan,
    TrainedNetwork,
    given,
    stream,
)
from msfl.models.sequence_layers import frame_mask, sequence_input
from msfl.training import mean_probabilities, predict_logits

_KIND = "egemaps-lld"
_MACHINE = "extreme_learning.npz"
STATISTICS = "statistics_"
"""Start of the outputs that hold the statistics of a task's posteriors over the frames."""
THRESHOLD = 0.3
"""A frame counts as one of a class from this posterior on, as in the toolkit."""
_FAR = -1e9


class AggregatedFrames(MultitaskSystem):
    """An LSTM over low-level descriptors that labels every frame, and an extreme learning machine over its posteriors.

    Every frame is trained with the labels of its utterance. The posteriors of all tasks are then summarised over the
    utterance, for every class by maximum, minimum, mean and share of frames above 0.3, and an extreme learning machine
    of 50 hidden units gives the utterance's emotion. So it stands in the first author's later toolkit, as do the LSTM
    (of 256 units there), L2 0.01 and Adam; the paper's own layers are not public. Ours are: the descriptors (25
    of eGeMAPS), `stack` frames joined into one step, a smaller LSTM, since these take a quarter and a tenth of the
    time, the dense layer behind it, its dropout, the batches and the learning rate (at the toolkit's 1e-3 the emotion
    is not learnt beside the other tasks: docs/model-log.md), the number of epochs, and how the machine is fitted and
    made to give probabilities (`fit_extreme_learning`). The machine is fitted on the utterances that the network was
    trained on, whose posteriors are better than those of unseen ones.

    The other tasks' probabilities are the mean posteriors over the frames.

    Args:
        tasks: Auxiliary tasks; none makes the single-task twin.
        stack: Frames of 10 ms that make up one step.
        units: Memory cells of the LSTM.
        size: Length of the shared representation.
        penalty: Of L2, on the kernel of the shared layer.
        dropout: On the shared representation.
        machine_units: Hidden units of the extreme learning machine.
        ridge: Its penalty.
        epochs, batch_size, min_steps, learning_rate, weight_decay, class_weights, early_stopping, balancing, longest:
            See `MultitaskSystem`.
    """

    name: ClassVar[str] = "aggregated-mtl-frames"
    paper: ClassVar[str] = PAPER
    summary: ClassVar[str] = (
        "LSTM over frames with emotion, gender and naturalness heads; extreme learning machine"
    )
    inputs: ClassVar[tuple[str, ...]] = (_KIND,)

    def __init__(
        self,
        *,
        tasks: Sequence[str] = TASKS,
        stack: int = 4,
        units: int = 64,
        size: int = 64,
        penalty: float = 0.01,
        dropout: float = 0.3,
        machine_units: int = 50,
        ridge: float = 1.0,
        epochs: int = 20,
        batch_size: int = 16,
        min_steps: int = 0,
        learning_rate: float = 4e-3,
        weight_decay: float = 0.0,
        class_weights: bool = True,
        early_stopping: int = 0,
        balancing: str | Mapping[str, Any] = "fixed",
        longest: float = 10.0,
    ) -> None:
        if stack < 1:
            raise ValueError(f"stack is {stack}; it is a number of frames, 1 or more")
        if machine_units < 1 or not ridge > 0:
            raise ValueError(f"machine_units is {machine_units} and ridge {ridge}; both must be above 0")
        super().__init__(**given(locals()))

    def build(self, plan: NetworkPlan) -> keras.Model:
        """See `MultitaskSystem.build`; beside the tasks there are `STATISTICS` + task, (B, 4K)."""
        options = self.options
        descriptors, frames = sequence_input(plan, _KIND)
        steps = StackedFrames(options["stack"], name="stack")(descriptors)
        states = FusedLSTM(
            options["units"],
            kernel_initializer=keras.initializers.GlorotUniform(plan.seed + 1),
            recurrent_initializer=keras.initializers.Orthogonal(seed=plan.seed + 2),
            name="lstm",
        )(steps)
        shared = keras.layers.Dense(
            options["size"],
            "gelu",
            kernel_initializer=keras.initializers.HeUniform(plan.seed + 800),
            kernel_regularizer=keras.regularizers.L2(options["penalty"]),
            name=SHARED,
        )(states)
        dropped = keras.layers.Dropout(options["dropout"], seed=plan.seed + 801, name="dropout")(shared)
        outputs = {EMBEDDING: MeanOverFrames(options["stack"], name=EMBEDDING)(shared, frames)}
        for place, task in enumerate(plan.tasks):
            logits = keras.layers.Dense(
                len(task.classes),
                kernel_initializer=keras.initializers.GlorotUniform(plan.seed + 900 + place),
                name=f"{task.name}_head",
            )(dropped)
            outputs[task.name] = FrameLogits(options["stack"], name=f"{task.name}_frames")(logits, frames)
            outputs[STATISTICS + task.name] = PosteriorStatistics(
                options["stack"], name=STATISTICS + task.name
            )(logits, frames)
        return keras.Model([descriptors, frames], outputs, name="aggregated_frames")

    def fit(
        self, train: Dataset, validation: Dataset | None, *, seed: int, checkpoint: Path | None = None
    ) -> TrainedFrames:
        """Train the network, then fit the machine; see `msfl.models.contract.System.fit`."""
        trained = super().fit(train, validation, seed=seed, checkpoint=checkpoint)
        known = train.subset(train.targets[train.tasks[0].name] != MISSING)
        outputs = predict_logits(trained.network, {}, batch_size=64, stream=self.stream(known))
        machine = fit_extreme_learning(
            statistics_of(outputs, [task.name for task in train.tasks]),
            known.targets[known.tasks[0].name],
            len(known.tasks[0].classes),
            units=self.options["machine_units"],
            ridge=self.options["ridge"],
            balanced=self.schedule.class_weights,
            seed=seed,
        )
        return TrainedFrames.of(trained, machine)

    def load(self, folder: Path) -> TrainedFrames:
        """Read a trained system; see `msfl.models.contract.System.load`."""
        return TrainedFrames.load(folder)


@dataclass
class TrainedFrames(TrainedNetwork):
    """A trained frame-level network with the machine on top of it; the rest as `TrainedNetwork`.

    Attributes:
        machine: Statistics of the posteriors -> emotion.
    """

    machine: ExtremeLearningMachine = field(kw_only=True)

    def predict(self, data: Dataset) -> Prediction:
        """Predict the main task by the machine, the others by their mean posteriors."""
        names = [task.name for task in self.tasks]
        outputs = predict_logits(
            self.network, {}, batch_size=64, stream=stream(data, self.inputs, self.longest)
        )
        probabilities = {name: mean_probabilities(outputs[name]) for name in names}
        probabilities[names[0]] = self.machine.probabilities(statistics_of(outputs, names))
        return Prediction(self.of_language(probabilities, data), embedding=outputs[EMBEDDING])

    def save(self, folder: Path) -> None:
        """Write the files of `TrainedNetwork.save`, and ``extreme_learning.npz``."""
        super().save(folder)
        self.machine.save(folder / _MACHINE)

    @classmethod
    def load(cls, folder: Path) -> TrainedFrames:
        """Read what `save` wrote.

        Raises:
            DataError: A file is missing or damaged; the sentence names it.
        """
        return cls.of(TrainedNetwork.load(folder), ExtremeLearningMachine.load(folder / _MACHINE))

    @classmethod
    def of(cls, trained: TrainedNetwork, machine: ExtremeLearningMachine) -> TrainedFrames:
        """Return a trained network with a machine on top of it."""
        return cls(**{one.name: getattr(trained, one.name) for one in fields(trained)}, machine=machine)


def statistics_of(outputs: Mapping[str, NDArray[Any]], tasks: Sequence[str]) -> NDArray[np.float32]:
    """Return the statistics of all tasks' posteriors side by side, shape (n, sum of 4K)."""
    return np.concatenate([outputs[STATISTICS + task] for task in tasks], axis=1)


class _OfFrames(keras.layers.Layer):  # type: ignore[misc]
    """A layer over values (B, T', .) and the lengths of their utterances in frames of the input, (B, 1).

    Args:
        stride: Frames of the input per step.
    """

    def __init__(self, stride: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.stride = stride

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "stride": self.stride}


@keras.saving.register_keras_serializable(package="msfl")
class StackedFrames(keras.layers.Layer):  # type: ignore[misc]
    """Joins each `stack` successive frames into one step: (B, T, F) -> (B, ceil(T / stack), stack F).

    Args:
        stack: Frames per step; behind the last there are zeros.
    """

    def __init__(self, stack: int, **options: Any) -> None:
        super().__init__(**options)
        self.stack = stack

    def call(self, frames: Any) -> Any:
        """See the class."""
        missing = -ops.shape(frames)[1] % self.stack
        padded = ops.pad(frames, [[0, 0], [0, missing], [0, 0]])
        return ops.reshape(padded, (ops.shape(frames)[0], -1, self.stack * frames.shape[2]))

    def compute_output_shape(self, shape: Any) -> Any:
        """See the class."""
        steps = None if shape[1] is None else -(-shape[1] // self.stack)
        return shape[0], steps, self.stack * shape[2]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "stack": self.stack}


@keras.saving.register_keras_serializable(package="msfl")
class FrameLogits(_OfFrames):
    """Logits of the steps (B, T', K) as `msfl.training` takes them.

    In training each step is a member, (T', B, K), so that the loss is the mean over the steps. Padding has no part in
    it: shorter utterances of a batch are stretched to the longest, some of their steps counting twice. Otherwise the
    logarithm of the mean posterior over the utterance, (B, K).
    """

    def call(self, logits: Any, frames: Any, training: bool = False) -> Any:
        """See the class."""
        if not training:
            mask = frame_mask(logits, frames, self.stride)[:, :, None]
            mean = ops.sum(ops.softmax(logits) * mask, axis=1) / ops.sum(mask, axis=1)
            return ops.log(ops.maximum(mean, 1e-9))
        count = ops.ceil(ops.cast(frames, "float32") / self.stride)
        steps = ops.shape(logits)[1]
        places = ops.arange(steps, dtype="float32")[None, :] * count / ops.cast(steps, "float32")
        stretched = ops.take_along_axis(logits, ops.cast(ops.floor(places), "int32")[:, :, None], axis=1)
        return ops.transpose(stretched, (1, 0, 2))

    def compute_output_shape(self, logits_shape: Any, frames_shape: Any) -> Any:
        """Return (B, K), as it is outside of training."""
        return logits_shape[0], logits_shape[2]


@keras.saving.register_keras_serializable(package="msfl")
class PosteriorStatistics(_OfFrames):
    """Maximum, minimum, mean and share above 0.3 of the posteriors over the utterance, (B, T', K) -> (B, 4K)."""

    def call(self, logits: Any, frames: Any) -> Any:
        """See the class."""
        posteriors = ops.softmax(logits)
        mask = frame_mask(logits, frames, self.stride)[:, :, None]
        count = ops.sum(mask, axis=1)
        return ops.concatenate(
            [
                ops.max(ops.where(mask > 0, posteriors, _FAR), axis=1),
                ops.min(ops.where(mask > 0, posteriors, -_FAR), axis=1),
                ops.sum(posteriors * mask, axis=1) / count,
                ops.sum(ops.cast(posteriors > THRESHOLD, mask.dtype) * mask, axis=1) / count,
            ],
            axis=-1,
        )

    def compute_output_shape(self, logits_shape: Any, frames_shape: Any) -> Any:
        """Return (B, 4K)."""
        return logits_shape[0], 4 * logits_shape[2]


@keras.saving.register_keras_serializable(package="msfl")
class MeanOverFrames(_OfFrames):
    """Mean over the utterance, (B, T', H) -> (B, H)."""

    def call(self, values: Any, frames: Any) -> Any:
        """See the class."""
        mask = frame_mask(values, frames, self.stride)[:, :, None]
        return ops.sum(values * mask, axis=1) / ops.sum(mask, axis=1)

    def compute_output_shape(self, values_shape: Any, frames_shape: Any) -> Any:
        """Return (B, H)."""
        return values_shape[0], values_shape[2]
