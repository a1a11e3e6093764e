"""A Keras LSTM that runs the whole sequence in one CPU kernel.

`keras.layers.LSTM` steps through time in a `tf.while_loop`: several small operations per step, which for 1582
steps (one per acoustic feature) cost more than the arithmetic. TensorFlow has one CPU kernel for the whole
loop, `BlockLSTMV2`, and one for its gradient. Weights, equations and results are those of
`keras.layers.LSTM`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

_OPTIONS = (
    "name",
    "trainable",
    "dtype",
    "units",
    "return_sequences",
    "kernel_initializer",
    "recurrent_initializer",
    "bias_initializer",
    "unit_forget_bias",
    "kernel_regularizer",
    "recurrent_regularizer",
    "bias_regularizer",
)
"""The options of `keras.layers.LSTM` that the fused kernel can honour."""


@keras.saving.register_keras_serializable(package="msfl")
class FusedLSTM(keras.layers.LSTM):  # type: ignore[misc]
    """Long short-term memory (Hochreiter & Schmidhuber 1997), the loop over time in one kernel.

    On a CPU it runs on `tf.raw_ops.BlockLSTMV2`, on a GPU it is `keras.layers.LSTM` (cuDNN). `get_weights`
    and `set_weights` exchange with `keras.layers.LSTM`: kernel (I, 4U), recurrent kernel (U, 4U), bias (4U),
    gates in the order input, forget, cell, output; tanh and sigmoid; zero initial state. The fused kernel is
    float32; layers of another dtype run as `keras.layers.LSTM`. There are no masks: all sequences are of one
    length.

    Args:
        units: Number U of memory cells.
        return_sequences: Whether to return the output of every step or of the last one.
        time_major: Whether inputs and outputs are (T, B, .) instead of (B, T, .); saves transpositions on a
            CPU.
        **options: Of `keras.layers.LSTM`: initializers, regularizers, `unit_forget_bias`, `name`,
            `trainable`, `dtype`.

    Call arguments:
        sequences: Shape (B, T, I), or (T, B, I) with `time_major`.

    Returns:
        Shape (B, T, U), or (B, U) without `return_sequences`; with `time_major` (T, B, U) or (B, U).

    Raises:
        ValueError: For an option that the fused kernel does not have, a mask, or an initial state.

    Example:
        >>> FusedLSTM(64)(keras.ops.zeros((2, 5, 16))).shape
        TensorShape([2, 5, 64])
    """

    def __init__(
        self, units: int, *, return_sequences: bool = True, time_major: bool = False, **options: Any
    ) -> None:
        unknown = sorted(set(options) - set(_OPTIONS))
        if unknown:
            raise ValueError(
                f"FusedLSTM does not have {', '.join(unknown)}; use keras.layers.LSTM where you need that."
            )
        super().__init__(units, return_sequences=return_sequences, **options)
        self.time_major = time_major

    def call(
        self, sequences: tf.Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> tf.Tensor:
        """Run the layer over whole sequences; see the class for shapes."""
        if mask is not None or initial_state is not None:
            raise ValueError(
                "FusedLSTM takes sequences of one length and a zero initial state; "
                "use keras.layers.LSTM for a mask or a state."
            )
        if _fusable(self.compute_dtype):
            return self._fused(sequences)
        outputs = super().call(_swap(sequences) if self.time_major else sequences, training=training)
        return _swap(outputs) if self.time_major and self.return_sequences else outputs

    def _fused(self, sequences: tf.Tensor) -> tf.Tensor:
        steps = tf.convert_to_tensor(sequences if self.time_major else _swap(sequences))
        outputs = block_lstm(steps, *(tf.convert_to_tensor(weight) for weight in self._parameters()))
        if not self.return_sequences:
            return outputs[-1]
        return outputs if self.time_major else _swap(outputs)

    def _parameters(self) -> tuple[Any, Any, Any]:
        return self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias

    def compute_output_shape(
        self, sequences_shape: tuple[int | None, ...], **_: Any
    ) -> tuple[int | None, ...]:
        """Return the shape of the output for a shape of the input."""
        batch, steps = sequences_shape[:2]
        if self.time_major:
            batch, steps = steps, batch
        if not self.return_sequences:
            return (batch, self.units)
        return (steps, batch, self.units) if self.time_major else (batch, steps, self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        return {name: config[name] for name in _OPTIONS if name in config} | {"time_major": self.time_major}


def block_lstm(
    steps: tf.Tensor, kernel: tf.Tensor, recurrent_kernel: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    """Run an LSTM over a sequence with zero initial state, in one kernel (CPU only).

    Args:
        steps: Inputs, float32, shape (T, B, I).
        kernel: Shape (I, 4U), gates in the order input, forget, cell, output.
        recurrent_kernel: Shape (U, 4U).
        bias: Shape (4U,).

    Returns:
        The output of every step, shape (T, B, U).
    """
    return _block_lstm(steps, tf.concat([kernel, recurrent_kernel], axis=0), bias)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _block_lstm(
    steps: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]]:
    """`BlockLSTMV2` with its own gradient kernel; `weights` is (I + U, 4U).

    TensorFlow registers the gradient of the first version, whose gates stand in another order, for the second
    version as well (`rnn_grad.py`, at least up to 2.21): the registered gradient is wrong.
    """
    units = bias.shape[0] // 4
    state = tf.zeros((tf.shape(steps)[1], units), steps.dtype)
    peephole = tf.zeros((units,), steps.dtype)  # the kernel asks for it, and does not use it
    inputs = {
        "seq_len_max": tf.shape(steps, out_type=tf.int64)[0],
        "x": steps,
        "cs_prev": state,
        "h_prev": state,
        "w": weights,
        "wci": peephole,
        "wcf": peephole,
        "wco": peephole,
        "b": bias,
        "use_peephole": False,
    }
    result = tf.raw_ops.BlockLSTMV2(**inputs, cell_clip=0)

    def gradient(h_grad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        outputs = result._asdict()
        grads = tf.raw_ops.BlockLSTMGradV2(**inputs, **outputs, cs_grad=tf.zeros_like(h_grad), h_grad=h_grad)
        return grads.x_grad, grads.w_grad, grads.b_grad

    return result.h, gradient


def _fusable(dtype: str) -> bool:
    """Whether the block kernel is right here: single precision, and no cuDNN to be had."""
    return dtype == "float32" and not tf.config.list_logical_devices("GPU")


def _swap(sequences: tf.Tensor) -> tf.Tensor:
    """Exchange batch and time."""
    return tf.transpose(sequences, (1, 0, 2))
