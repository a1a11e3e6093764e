"""Semi-supervised adversarial autoencoder (Latif et al., TAFFC 2022): a code for labelled and unlabelled utterances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import pandas as pd

from msfl.errors import DataError
from msfl.models.adversarial import AdversarialPart, Gate, collapses
from msfl.models.contract import MISSING, Dataset
from msfl.models.multitask import EMBEDDING, SHARED, MultitaskSystem, NetworkPlan, TrainedNetwork, given
from msfl.sequences.kinds import FEATURES
from msfl.training import predict_logits

WEIGHTS: Mapping[str, Any] = {"name": "fixed", "weights": {"gender": 0.3, "speaker": 0.1}}
"""Speakers have labels everywhere and many classes: in full weight they take the code for themselves."""


class SemiSupervisedAAE(MultitaskSystem):
    """An adversarial autoencoder over utterance-level features, with supervised heads on its code.

    The encoder's code serves three ends at once: a decoder reconstructs the features from it, a discriminator keeps
    its distribution at a prior, and linear heads read the tasks off it. Utterances without an emotion label train
    everything but the emotion head: reconstruction, prior, gender, speaker, and dimensions that are rated.

    The paper gives the parts (reconstruction, a discriminator that matches the code to a prior, heads for emotion as
    class and as dimensions, gender and speaker on the code, items without emotion label in all other parts). Layers,
    size of the code, the standard Gaussian as prior, loss weights, optimisers and input are our choice, and so are the
    levels of arousal and valence as the dimensional form of emotion: levels that are mapped from a class say nothing
    that the class does not, and are hidden with it (`msfl.labelled`).

    Speakers of the test part are unknown to the speaker head: it is there for the code, and has no score.

    Args:
        tasks: Auxiliary tasks; none makes the single-task form, which reads emotion only off the code.
        code: Length of the code.
        hidden: Width of the hidden layer of encoder and decoder.
        noise: Share of the features that the encoder does not see, drawn anew in every step.
        dropout: On the code, for the heads.
        reconstruction: Weight of the reconstruction error.
        adversarial: Weight of the encoder's loss against the discriminator.
        discriminator_rate: Learning rate of the discriminator.
        gradient_penalty: Weight of the penalty on the discriminator's gradient, see `AdversarialPart`; without it the
            discriminator wins on real speech.
        pretraining: Share of the training, its beginning, in which heads read the code and do not shape it. Otherwise
            the encoder learns a few labels by heart before its code says anything about the utterances.
        supervised: Leaves out reconstruction, prior, and all utterances without a label of the main task: the
            supervised twin, the same encoder and heads.
        epochs, batch_size, min_steps, learning_rate, weight_decay, class_weights, early_stopping, balancing:
            See `MultitaskSystem`. Balanced are the tasks only; by default with fixed weights.
    """

    name: ClassVar[str] = "semi-supervised-aae"
    paper: ClassVar[str] = (
        "S. Latif et al.: Multi-task semi-supervised adversarial autoencoding for speech emotion recognition, IEEE "
        "Transactions on Affective Computing 13(2), 992-1004, 2022"
    )
    summary: ClassVar[str] = (
        "adversarial autoencoder; emotion, arousal, valence, gender and speaker heads on its code; learns from "
        "unlabelled utterances, too"
    )
    inputs: ClassVar[tuple[str, ...]] = (FEATURES,)

    def __init__(
        self,
        *,
        tasks: Sequence[str] = ("arousal", "valence", "gender", "speaker"),
        code: int = 64,
        hidden: int = 256,
        noise: float = 0.2,
        dropout: float = 0.2,
        reconstruction: float = 1.0,
        adversarial: float = 1.0,
        discriminator_rate: float = 5e-4,
        gradient_penalty: float = 1.0,
        pretraining: float = 0.3,
        supervised: bool = False,
        epochs: int = 30,
        batch_size: int = 64,
        min_steps: int = 600,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        class_weights: bool = True,
        early_stopping: int = 0,
        balancing: str | Mapping[str, Any] = WEIGHTS,
    ) -> None:
        own = given(locals())
        for key, value in (("noise", noise), ("dropout", dropout), ("pretraining", pretraining)):
            if not 0 <= value < 1:
                raise ValueError(f"{key} is {value}; it is a share from 0 to below 1")
        for key in ("reconstruction", "adversarial", "gradient_penalty"):
            if own[key] < 0:
                raise ValueError(f"{key} is {own[key]}; it is a weight from 0 upwards")
        for key, value in (("code", code), ("hidden", hidden)):
            if value < 1:
                raise ValueError(f"{key} is {value}; it is a size from 1 upwards")
        super().__init__(**own)

    def fit(
        self, train: Dataset, validation: Dataset | None, *, seed: int, checkpoint: Path | None = None
    ) -> TrainedNetwork:
        """Train; see `msfl.models.contract.System.fit`.

        Raises:
            DataError: No training utterance has a label of the main task.
        """
        main = train.tasks[0].name
        labelled = train.targets[main] != MISSING
        if not labelled.any():
            raise DataError(
                f"No training utterance has a label of the task '{main}': label some, or leave this data out."
            )
        part = train.subset(labelled) if self.options["supervised"] else train
        return super().fit(part, validation, seed=seed, checkpoint=checkpoint)

    def build(self, plan: NetworkPlan) -> keras.Model:
        """Encoder and heads; see `MultitaskSystem.build`."""
        width, options = plan.widths[FEATURES], self.options
        features = keras.Input((width,), name=FEATURES)
        seen = keras.layers.Dropout(options["noise"], seed=plan.seed + 1, name="noise")(features)
        hidden = _hidden(options["hidden"], plan.seed + 2, "encoder")(seen)
        hidden = keras.layers.LayerNormalization(name="normalisation")(hidden)
        code = keras.layers.Dense(
            options["code"],
            kernel_initializer=keras.initializers.GlorotUniform(plan.seed + 3),
            name=SHARED,
        )(hidden)
        kept = keras.layers.Dropout(options["dropout"], seed=plan.seed + 4, name="dropout")(
            Gate(name=_GATE)(code)
        )
        # From zero: a few labels have no time to turn heads that begin in a wrong direction.
        heads = {
            task.name: keras.layers.Dense(
                len(task.classes), kernel_initializer="zeros", name=f"{task.name}_head"
            )(kept)
            for task in plan.tasks
        }
        outputs = {
            **heads,
            EMBEDDING: keras.layers.Identity(name=EMBEDDING)(code),
        }
        return keras.Model({FEATURES: features}, outputs, name="encoder_and_heads")

    def beside(self, network: keras.Model, plan: NetworkPlan, train: Dataset) -> AdversarialPart | None:
        """Decoder and discriminator; see `MultitaskSystem.beside`."""
        options = self.options
        if options["supervised"]:
            return None
        alone = round(options["pretraining"] * self.schedule.steps(len(train)))
        gate = network.get_layer(_GATE)
        gate.open.assign(float(not alone))
        decoder = keras.Sequential(
            [
                keras.Input((options["code"],)),
                _hidden(options["hidden"], plan.seed + 5, "decoder"),
                keras.layers.Dense(
                    plan.widths[FEATURES],
                    kernel_initializer=keras.initializers.GlorotUniform(plan.seed + 6),
                ),
            ]
        )
        discriminator = keras.Sequential(
            [
                keras.Input((options["code"],)),
                _hidden(_DISCRIMINATOR, plan.seed + 7, "discriminator_1"),
                _hidden(_DISCRIMINATOR, plan.seed + 8, "discriminator_2"),
                keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(plan.seed + 9)),
            ]
        )
        return AdversarialPart(
            decoder,
            discriminator,
            reconstruction=options["reconstruction"],
            adversarial=options["adversarial"],
            gradient_penalty=options["gradient_penalty"],
            learning_rate=options["discriminator_rate"],
            seed=plan.seed,
            gate=gate,
            alone=alone,
        )

    def notes(self, network: keras.Model, train: Dataset, history: pd.DataFrame) -> tuple[str, ...]:
        """Say what collapsed; see `MultitaskSystem.notes`."""
        code = np.asarray(predict_logits(network, self.in_memory(train))[EMBEDDING])
        return collapses(history, code, train.features)


_GATE = "gate"
_DISCRIMINATOR = 64
"""Width of the two hidden layers of the discriminator."""


def _hidden(width: int, seed: int, name: str) -> keras.layers.Dense:
    return keras.layers.Dense(width, "gelu", kernel_initializer=keras.initializers.HeUniform(seed), name=name)
