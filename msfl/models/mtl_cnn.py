"""MTL-CNN (N. K. Kim et al., APSIPA 2017): one convolutional network for emotion, arousal, valence and gender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras

from msfl.models.multitask import EMBEDDING, MultitaskSystem, NetworkPlan, given
from msfl.models.sequence_layers import (
    FrameMask,
    StatisticsPooling,
    same_grid,
    sequence_input,
    shared_layer,
    task_heads,
)

_KIND = "log-mel"
_MOMENTUM = 0.95
"""Of the running moments: some 1,500 steps in all are too few for Keras' 0.99. Training sees the little padding within
a batch in them, prediction does not."""


class MTLCNN(MultitaskSystem):
    """A 2-D CNN over the log-mel spectrogram, shared by emotion (main), arousal level, valence level and gender.

    The paper gives the tasks, and a relative gain of 3.64 % in F1 on EMO-DB over the same network trained on emotion
    alone. Input, layers, pooling, task weights and optimiser are our choice: its text is not public. Where a corpus has
    no ratings, arousal and valence levels are mapped from the class (`msfl.corpora.labels`).

    Args:
        tasks: Auxiliary tasks; none makes the single-task twin.
        channels: Channels of each block: convolution, batch normalisation, ReLU. The convolution's stride shortens time
            and frequency, a quarter of the cost of pooling.
        kernels: Side of each block's square kernel.
        strides: Stride of each block, in time and in frequency.
        size: Length of the shared representation.
        channel_dropout: Share of each block's channels that is left out, whole, in every step of training. Without it
            the network learns some 2,000 utterances by heart (docs/model-log.md).
        dropout: On the shared representation.
        epochs, batch_size, min_steps, learning_rate, weight_decay, class_weights, early_stopping, balancing, longest:
            See `MultitaskSystem`.
    """

    name: ClassVar[str] = "mtl-cnn"
    paper: ClassVar[str] = (
        "N. K. Kim et al.: Speech emotion recognition based on multi-task learning using a convolutional neural "
        "network, APSIPA ASC, 704-707, 2017"
    )
    summary: ClassVar[str] = "CNN over log-mel spectrograms; emotion, arousal, valence and gender heads"
    inputs: ClassVar[tuple[str, ...]] = (_KIND,)

    def __init__(
        self,
        *,
        tasks: Sequence[str] = ("arousal", "valence", "gender"),
        channels: Sequence[int] = (32, 64, 96),
        kernels: Sequence[int] = (5, 3, 3),
        strides: Sequence[int] = (4, 2, 2),
        size: int = 64,
        channel_dropout: float = 0.1,
        dropout: float = 0.3,
        epochs: int = 30,
        batch_size: int = 32,
        min_steps: int = 0,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        class_weights: bool = True,
        early_stopping: int = 0,
        balancing: str | Mapping[str, Any] = "fixed",
        longest: float = 10.0,
    ) -> None:
        if not 0 <= channel_dropout < 1:
            raise ValueError(f"channel_dropout is {channel_dropout}; it is a share from 0 to below 1")
        if not len(channels) == len(kernels) == len(strides) > 0:
            raise ValueError("channels, kernels and strides need one number per block each")
        super().__init__(
            **given(locals())
            | {"channels": tuple(channels), "kernels": tuple(kernels), "strides": tuple(strides)}
        )

    def build(self, plan: NetworkPlan) -> keras.Model:
        """See `MultitaskSystem.build`."""
        spectrogram, frames = sequence_input(plan, _KIND)
        hidden = keras.layers.Reshape((-1, plan.widths[_KIND], 1))(spectrogram)
        reach = 1
        blocks = zip(self.options["channels"], self.options["kernels"], self.options["strides"], strict=True)
        for place, (channels, kernel, stride) in enumerate(blocks, start=1):
            reach *= stride
            hidden = keras.layers.Conv2D(
                channels,
                kernel,
                strides=stride,
                use_bias=False,
                kernel_initializer=keras.initializers.HeUniform(plan.seed + place),
                name=f"convolution_{place}",
            )(same_grid(kernel, f"padding_{place}")(hidden))
            hidden = keras.layers.BatchNormalization(momentum=_MOMENTUM, name=f"normalisation_{place}")(
                hidden
            )
            hidden = FrameMask(reach, name=f"mask_{place}")(keras.layers.ReLU()(hidden), frames)
            hidden = keras.layers.SpatialDropout2D(
                self.options["channel_dropout"], seed=plan.seed + 100 + place, name=f"dropout_{place}"
            )(hidden)
        bands = hidden.shape[2] * hidden.shape[3]
        pooled = StatisticsPooling(reach, name="pooling")(keras.layers.Reshape((-1, bands))(hidden), frames)
        embedding, shared = shared_layer(plan, self.options["size"], self.options["dropout"], pooled)
        outputs = {**task_heads(plan, lambda _: shared), EMBEDDING: embedding}
        return keras.Model([spectrogram, frames], outputs, name="mtl_cnn")
