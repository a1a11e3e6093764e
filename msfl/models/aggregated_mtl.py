"""Aggregated-corpora multitask learning (J. Kim et al., INTERSPEECH 2017), the direct utterance-level form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras

from msfl.models.multitask import EMBEDDING, MultitaskSystem, NetworkPlan, given
from msfl.models.sequence_layers import shared_layer, task_heads
from msfl.sequences.kinds import FEATURES

PAPER = (
    "J. Kim, G. Englebienne, K. P. Truong, V. Evers: Towards speech emotion recognition 'in the wild' using aggregated "
    "corpora and deep multi-task learning, INTERSPEECH, 1113-1117, 2017"
)
TASKS = ("gender", "naturalness")
"""The paper's auxiliary tasks. A corpus of one kind only has no naturalness to learn: the task is then left out."""


class AggregatedMTL(MultitaskSystem):
    """A dense network over utterance-level features, shared by emotion (main), gender and naturalness.

    The paper gives the tasks, and the claim that both help more than either alone. Its inputs and layer sizes are not
    public; from the first author's later toolkit come three layers of 128 units, Adam, L2 0.01, equal task weights and
    a class-weighted loss. Ours are the features (those of the experiment), gelu in place of a unit that can die, the
    normalisation before the last layer, the dropout, the learning rate and the size of the batches (1e-3 and 128 in the
    toolkit, which were worse on inner folds: docs/model-log.md), the number of epochs (all of them, where the toolkit
    stops early on held-out speakers; `early_stopping` does so, too), the weights of the classes (inverse to their
    frequency in each language, where the toolkit has 1 - p), and naturalness as the corpora state it (acted, elicited,
    spontaneous, synthetic), where the toolkit has acted or not. The L2 penalty is on the kernels of the layers before
    the last, whose normalisation undoes it in part.

    Where one corpus alone is spontaneous, as in the corpora at hand, naturalness is that corpus against all others.

    Args:
        tasks: Auxiliary tasks; none makes the single-task twin.
        units: Size of each layer; the last is the shared representation.
        depth: Number of layers.
        penalty: Of L2.
        dropout: Behind each layer.
        input_dropout: On the features.
        epochs, batch_size, min_steps, learning_rate, weight_decay, class_weights, early_stopping, balancing:
            See `MultitaskSystem`.
    """

    name: ClassVar[str] = "aggregated-mtl"
    paper: ClassVar[str] = PAPER
    summary: ClassVar[str] = (
        "dense network over utterance-level features; emotion, gender and naturalness heads"
    )
    inputs: ClassVar[tuple[str, ...]] = (FEATURES,)

    def __init__(
        self,
        *,
        tasks: Sequence[str] = TASKS,
        units: int = 128,
        depth: int = 3,
        penalty: float = 0.01,
        dropout: float = 0.2,
        input_dropout: float = 0.3,
        epochs: int = 30,
        batch_size: int = 64,
        min_steps: int = 0,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.0,
        class_weights: bool = True,
        early_stopping: int = 0,
        balancing: str | Mapping[str, Any] = "fixed",
    ) -> None:
        if depth < 1:
            raise ValueError(f"depth is {depth}; it is a number of layers, 1 or more")
        super().__init__(**given(locals()))

    def build(self, plan: NetworkPlan) -> keras.Model:
        """See `MultitaskSystem.build`."""
        options = self.options
        features = keras.Input((plan.widths[FEATURES],), name=FEATURES)
        hidden = keras.layers.Dropout(
            options["input_dropout"], seed=plan.seed + 100, name="dropout_features"
        )(features)
        for place in range(1, options["depth"]):
            hidden = keras.layers.Dense(
                options["units"],
                "gelu",
                kernel_initializer=keras.initializers.HeUniform(plan.seed + place),
                kernel_regularizer=keras.regularizers.L2(options["penalty"]),
                name=f"layer_{place}",
            )(hidden)
            hidden = keras.layers.Dropout(
                options["dropout"], seed=plan.seed + 100 + place, name=f"dropout_{place}"
            )(hidden)
        embedding, shared = shared_layer(plan, options["units"], options["dropout"], hidden)
        outputs = {**task_heads(plan, lambda _: shared), EMBEDDING: embedding}
        return keras.Model([features], outputs, name="aggregated_mtl")
