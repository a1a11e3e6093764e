"""Attention-augmented end-to-end multitask learning (Zhang, Wu & Schuller, ICASSP 2019): from the raw wave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras

from msfl.models.lstm import FusedLSTM
from msfl.models.multitask import EMBEDDING, SHARED, TIME_ATTENTION, MultitaskSystem, NetworkPlan, given
from msfl.models.sequence_layers import AttentionPooling, FrameMask, sequence_input, task_heads
from msfl.models.wave_layers import LogMagnitude, PadToMultiple, SharedLSTM, mel_filters

_KIND = "wave"
_FILTER, _HOP = 160, 40
"""Samples: filters of 10 ms every 2.5 ms."""
_FILTERS = "filters"
_KERNEL = 4
"""Steps of 10 ms: 40 ms, the frame of the public implementation."""
_POOLS = (4, 4)
STEP = _HOP * _POOLS[0] * _POOLS[1]
"""Samples per time step: 40 ms."""


class AttentionE2E(MultitaskSystem):
    """Convolutions over the raw wave, two recurrent layers that all tasks share, and an attention layer PER TASK.

    The paper gives the raw wave as input, the attention layer per task on top of the shared layers, and the tasks
    arousal, valence and dominance in three levels each (low up to 2, high from 4 on a scale of 1 to 5). From its
    public implementation are two convolutions of 40 channels with pooling, two recurrent layers, the attention
    alpha = softmax_t(h_t . w) without tanh, and the frame of 40 ms. Task weights and optimiser are not known.

    Our choices:

    - Emotion is the main task wherever the experiment says so, as in all systems here; ``training.tasks = ["arousal"]``
      leaves it out. A task without labels in the training part, such as dominance in most corpora, is left out.
      Levels come from ratings where there are any, and are mapped from the class where there are none
      (`msfl.corpora.labels`).
    - The public implementation runs its convolutions over frames of 640 samples every 160: every sample four times.
      Here the wave is convolved once: filters of 10 ms every 2.5 ms, which begin as band-passes on the mel scale and
      are learnt from there (as in SincNet, Ravanelli & Bengio 2018, and LEAF, Zeghidour et al. 2021), the logarithm
      of their mean magnitude every 10 ms, then the second convolution, max-pooled to a time step every 40 ms.
      Both are normalised; GELU takes the place of ReLU. Filters that begin at random fitted less in as many epochs
      (`docs/model-log.md`).
    - LSTM in place of GRU, 64 units in place of 128: TensorFlow has a CPU kernel for the whole loop of an LSTM
      (`msfl.models.lstm`), a GRU steps through a while loop. Both layers, there and back, cost 3.4 CPU seconds for
      9,000 s of speech in steps of 20 ms, GRU layers 7.7. They read from the beginning, and padding at the end cannot
      reach earlier steps.
    - A whole recording is read, up to `longest` seconds, in place of pieces of 5 s.

    Args:
        tasks: Auxiliary tasks; none makes the single-task twin.
        channels: Channels of both convolutions.
        units: Units of each recurrent layer.
        dropout: On what a task attended to; a third of it on whole channels before the recurrent layers.
        epochs, batch_size, min_steps, learning_rate, weight_decay, class_weights, early_stopping, balancing, longest:
            See `MultitaskSystem`.
    """

    name: ClassVar[str] = "attention-e2e"
    paper: ClassVar[str] = (
        "Z. Zhang, B. Wu, B. Schuller: Attention-augmented end-to-end multi-task learning for emotion prediction from "
        "speech, ICASSP, 6705-6709, 2019"
    )
    summary: ClassVar[str] = (
        "Raw wave, convolutions and LSTM; emotion and dimensions attend to time each by itself"
    )
    inputs: ClassVar[tuple[str, ...]] = (_KIND,)

    def __init__(
        self,
        *,
        tasks: Sequence[str] = ("arousal", "valence", "dominance"),
        channels: int = 40,
        units: int = 64,
        dropout: float = 0.5,
        epochs: int = 15,
        batch_size: int = 16,
        min_steps: int = 0,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-2,
        class_weights: bool = True,
        early_stopping: int = 0,
        balancing: str | Mapping[str, Any] = "fixed",
        longest: float = 10.0,
    ) -> None:
        super().__init__(**given(locals()))

    def build(self, plan: NetworkPlan) -> keras.Model:
        """See `MultitaskSystem.build`."""
        wave, frames = sequence_input(plan, _KIND)
        states = self._recurrent(plan, self._front_end(plan, wave, frames))
        pooled, outputs = {}, {}
        for place, task in enumerate(plan.tasks):
            pooled[task.name], outputs[TIME_ATTENTION + task.name] = AttentionPooling(
                STEP, seed=plan.seed + 50 + place, name=f"attention_{task.name}"
            )(states, frames)
        mean = (
            keras.layers.Average()(list(pooled.values())) if len(pooled) > 1 else pooled[plan.tasks[0].name]
        )
        outputs[EMBEDDING] = keras.layers.Identity(name=EMBEDDING)(mean)
        kept = {
            name: keras.layers.Dropout(self.options["dropout"], seed=plan.seed + 60 + place)(values)
            for place, (name, values) in enumerate(pooled.items())
        }
        outputs |= task_heads(plan, lambda task: kept[task.name])
        network = keras.Model([wave, frames], outputs, name="attention_e2e")
        network.get_layer(_FILTERS).kernel.assign(mel_filters(_FILTER, self.options["channels"]))
        return network

    def _front_end(self, plan: NetworkPlan, wave: Any, frames: Any) -> Any:
        """Return what the convolutions make of the wave: (B, T', channels), a time step per `STEP` samples."""
        channels = self.options["channels"]
        hidden = PadToMultiple(STEP, name="whole_steps")(wave)
        hidden = keras.layers.Conv1D(
            channels, _FILTER, strides=_HOP, padding="same", use_bias=False, name=_FILTERS
        )(hidden)
        hidden = FrameMask(_HOP, name="mask_filters")(hidden, frames)
        hidden = LogMagnitude(_POOLS[0], name="magnitudes")(hidden)
        hidden = keras.layers.LayerNormalization(name="normalisation_1")(hidden)
        hidden = FrameMask(_HOP * _POOLS[0], name="mask_magnitudes")(hidden, frames)
        hidden = keras.layers.Conv1D(
            channels,
            _KERNEL,
            padding="same",
            kernel_initializer=keras.initializers.HeUniform(plan.seed + 1),
            name="convolution",
        )(hidden)
        # Pooled before the activation, which then costs a quarter.
        hidden = FrameMask(_HOP * _POOLS[0], name="mask_convolution")(hidden, frames)
        hidden = keras.layers.MaxPooling1D(_POOLS[1], name="pooling")(hidden)
        hidden = keras.layers.LayerNormalization(name="normalisation_2")(hidden)
        return keras.layers.Activation("gelu", name="activation")(hidden)

    def _recurrent(self, plan: NetworkPlan, steps: Any) -> Any:
        """Return the states of the recurrent layers that all tasks share, (B, T', units)."""
        hidden = keras.layers.SpatialDropout1D(
            self.options["dropout"] / 3, seed=plan.seed + 10, name="dropout_channels"
        )(steps)
        for place, (kind, name) in enumerate(((FusedLSTM, "recurrent"), (SharedLSTM, SHARED))):
            hidden = kind(
                self.options["units"],
                kernel_initializer=keras.initializers.GlorotUniform(plan.seed + 11 + 2 * place),
                recurrent_initializer=keras.initializers.Orthogonal(seed=plan.seed + 12 + 2 * place),
                name=name,
            )(hidden)
        return hidden
