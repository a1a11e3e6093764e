"""Layers over padded sequences, whose results do not depend on the padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from msfl.models.multitask import EMBEDDING, SHARED, NetworkPlan
from msfl.models.stream import FRAMES
from msfl.tasks import Task

_FAR = -1e9


def sequence_input(plan: NetworkPlan, kind: str) -> tuple[Any, Any]:
    """Return the inputs of a kind of sequence: frames (B, T, F) and their lengths (B, 1)."""
    return keras.Input((None, plan.widths[kind]), name=kind), keras.Input((1,), name=kind + FRAMES)


def same_grid(kernel: int, name: str | None = None) -> keras.layers.Layer:
    """Return the zeros around (B, T, F, C) that a strided convolution without padding of its own needs.

    Keras' ``padding="same"`` lays the grid by the length of the batch, so that an utterance would be seen otherwise
    beside a longer one. Here step t always looks at frames t * stride - (kernel - 1) // 2 and those that follow; there
    are ceil(T / stride) steps, as for "same".
    """
    sides = ((kernel - 1) // 2, kernel // 2)
    return keras.layers.ZeroPadding2D((sides, sides), name=name)


def task_heads(plan: NetworkPlan, shared: Callable[[Task], Any]) -> dict[str, Any]:
    """Return the logits of every task, a linear layer each.

    Args:
        plan: The tasks.
        shared: Task -> what its head sees, (B, E); the same for all tasks where they share everything below.
    """
    return {
        task.name: keras.layers.Dense(
            len(task.classes),
            kernel_initializer=keras.initializers.GlorotUniform(plan.seed + 900 + place),
            name=f"{task.name}_head",
        )(shared(task))
        for place, task in enumerate(plan.tasks)
    }


def shared_layer(plan: NetworkPlan, size: int, dropout: float, pooled: Any) -> tuple[Any, Any]:
    """Return the shared representation (B, E) of something pooled (B, H), and the same with dropout, for the heads.

    What is pooled is normalised first: maxima and deviations of another size would leave the layer dead.
    """
    normal = keras.layers.LayerNormalization(name="normalisation_shared")(pooled)
    shared = keras.layers.Dense(
        size, "gelu", kernel_initializer=keras.initializers.HeUniform(plan.seed + 800), name=SHARED
    )(normal)
    return (
        keras.layers.Identity(name=EMBEDDING)(shared),
        keras.layers.Dropout(dropout, seed=plan.seed + 801, name="dropout")(shared),
    )


@keras.saving.register_keras_serializable(package="msfl")
class FrameMask(keras.layers.Layer):  # type: ignore[misc]
    """Set what lies behind the end of each sequence to zero.

    Args:
        stride: Frames of the input per time step of what is masked.

    Call arguments:
        values: Shape (B, T', ...).
        frames: Lengths in frames of the input, (B, 1).
    """

    def __init__(self, stride: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.stride = stride

    def call(self, values: Any, frames: Any) -> Any:
        """See the class."""
        mask = frame_mask(values, frames, self.stride)
        return values * ops.reshape(mask, (*ops.shape(mask), *[1] * (len(values.shape) - 2)))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "stride": self.stride}

    def compute_output_shape(self, values_shape: Any, frames_shape: Any) -> Any:
        """Return the shape of `values`."""
        return values_shape


@keras.saving.register_keras_serializable(package="msfl")
class AttentionPooling(keras.layers.Layer):  # type: ignore[misc]
    """Weighted mean over time, the weights learnt: alpha = softmax_t(h_t . w), output sum_t alpha_t h_t.

    The form of Zhang, Wu & Schuller (ICASSP 2019) in its public implementation: no tanh, no bias. Padding gets the
    weight zero.

    Args:
        stride: Frames of the input per time step.
        seed: Seed of w.

    Call arguments:
        values: h, shape (B, T', H).
        frames: Lengths in frames of the input, (B, 1).

    Returns:
        The pooled values (B, H), and the weights (B, T').
    """

    def __init__(self, stride: int = 1, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.stride = stride
        self.seed = seed

    def build(self, values_shape: Any, frames_shape: Any) -> None:
        """Make w, shape (H, 1)."""
        self.kernel = self.add_weight(
            shape=(values_shape[-1], 1),
            initializer=keras.initializers.GlorotUniform(self.seed),
            name="kernel",
        )

    def call(self, values: Any, frames: Any) -> tuple[Any, Any]:
        """See the class."""
        mask = frame_mask(values, frames, self.stride)
        scores = ops.squeeze(ops.matmul(values, self.kernel), -1)
        weights = ops.softmax(ops.where(mask > 0, scores, _FAR), axis=1) * mask
        return ops.sum(values * weights[:, :, None], axis=1), weights

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "stride": self.stride, "seed": self.seed}

    def compute_output_shape(self, values_shape: Any, frames_shape: Any) -> Any:
        """Return the shapes of both outputs."""
        return (values_shape[0], values_shape[2]), tuple(values_shape[:2])


@keras.saving.register_keras_serializable(package="msfl")
class StatisticsPooling(keras.layers.Layer):  # type: ignore[misc]
    """Mean, standard deviation and maximum over time, (B, T', H) -> (B, 3H), padding left out.

    Args:
        stride: Frames of the input per time step.
    """

    def __init__(self, stride: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.stride = stride

    def call(self, values: Any, frames: Any) -> Any:
        """See the class; `frames` are the lengths in frames of the input, (B, 1)."""
        mask = frame_mask(values, frames, self.stride)[:, :, None]
        count = ops.maximum(ops.sum(mask, axis=1), 1.0)
        mean = ops.sum(values * mask, axis=1) / count
        variance = ops.sum(ops.square(values - mean[:, None]) * mask, axis=1) / count
        highest = ops.max(ops.where(mask > 0, values, _FAR), axis=1)
        return ops.concatenate([mean, ops.sqrt(variance + 1e-6), highest], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "stride": self.stride}

    def compute_output_shape(self, values_shape: Any, frames_shape: Any) -> Any:
        """Return (B, 3H)."""
        return values_shape[0], 3 * values_shape[2]


def frame_mask(values: Any, frames: Any, stride: int) -> Any:
    """Return 1 for each time step of (B, T', ...) that a sequence reaches, else 0: shape (B, T')."""
    steps = ops.ceil(ops.cast(frames, "float32") / stride)
    places = ops.arange(ops.shape(values)[1], dtype="float32")
    return ops.cast(places[None, :] < steps, "float32")
