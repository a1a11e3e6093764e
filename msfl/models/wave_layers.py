"""Layers between a raw wave and recurrent layers, whose results do not depend on the padding."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from msfl.models.lstm import FusedLSTM


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
class SharedLSTM(FusedLSTM):
    """A `FusedLSTM` that can be the last layer that all tasks share: `kernel` is its input kernel, shape (I, 4U)."""

    @property
    def kernel(self) -> Any:
        """The weights on which GradNorm holds the tasks' gradients against each other."""
        return self.cell.kernel
