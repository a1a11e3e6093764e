"""Layers between a raw wave and recurrent layers, whose results do not depend on the padding."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from msfl.audio import SAMPLING_RATE
from msfl.models.lstm import FusedLSTM

_FLOOR = 1e-2
"""Added to magnitudes of a wave of deviation one before the logarithm: about -40 dB."""
_LOWEST, _HIGHEST = 60.0, 7600.0
"""Hertz: centres of the first and the last band-pass filter."""


@keras.saving.register_keras_serializable(package="msfl")
class PadToMultiple(keras.layers.Layer):  # type: ignore[misc]
    """Pad sequences with zeros at their end, (B, T, F) -> (B, T', F), T' the next multiple of a number of frames.

    Strides and pools then begin at the same frames whatever the padding of a batch, and the end of the longest
    sequence is heard as that of any other.

    Args:
        multiple: The number of frames.
    """

    def __init__(self, multiple: int, **options: Any) -> None:
        super().__init__(**options)
        self.multiple = multiple

    def call(self, values: Any) -> Any:
        """See the class."""
        missing = -ops.shape(values)[1] % self.multiple
        return ops.pad(values, [[0, 0], [0, missing], [0, 0]])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "multiple": self.multiple}

    def compute_output_shape(self, values_shape: Any) -> Any:
        """Return (B, T', F); T' is not known before the call."""
        return values_shape[0], None, values_shape[2]


@keras.saving.register_keras_serializable(package="msfl")
class LogMagnitude(keras.layers.Layer):  # type: ignore[misc]
    """Mean magnitude of filtered waves over some steps, as a logarithm: (B, T, F) -> (B, T / steps, F).

    Args:
        steps: Steps that are averaged; T is a multiple of it.
    """

    def __init__(self, steps: int, **options: Any) -> None:
        super().__init__(**options)
        self.steps = steps

    def call(self, values: Any) -> Any:
        """See the class."""
        pooled = ops.average_pool(ops.abs(values), self.steps, strides=self.steps, padding="valid")
        return ops.log(pooled + _FLOOR)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "steps": self.steps}


def mel_filters(samples: int, channels: int) -> NDArray[np.float32]:
    """Return band-pass filters on the mel scale, from which the filters of a wave are learnt.

    Windowed cosines, every other one a sine, each of norm one.

    Args:
        samples: Length of a filter.
        channels: Number of filters.

    Returns:
        Shape (samples, 1, channels).
    """
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (_LOWEST, _HIGHEST))
    centres = 700 * (10 ** (np.linspace(low, high, channels) / 2595) - 1)
    time = (np.arange(samples) - (samples - 1) / 2) / SAMPLING_RATE
    phases = np.where(np.arange(channels) % 2, np.pi / 2, 0.0)
    waves = np.cos(2 * np.pi * centres * time[:, None] + phases) * np.hanning(samples + 2)[1:-1, None]
    return np.asarray(waves / np.linalg.norm(waves, axis=0), dtype=np.float32)[:, None, :]


@keras.saving.register_keras_serializable(package="msfl")
class SharedLSTM(FusedLSTM):
    """A `FusedLSTM` that can be the last layer that all tasks share: `kernel` is its input kernel, shape (I, 4U)."""

    @property
    def kernel(self) -> Any:
        """The weights on which GradNorm holds the tasks' gradients against each other."""
        return self.cell.kernel
