"""The unsupervised half of an adversarial autoencoder (Makhzani et al. 2015), trained beside a network's tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from msfl.models.multitask import EMBEDDING
from msfl.sequences.kinds import FEATURES

_WATCHED = 5
"""Epochs at the end of a training in which a collapse shows: what passes within fewer is none."""
_CERTAIN = 0.99
"""Accuracy from which a discriminator has won."""
_CHANCE = 0.05
"""How far from one half an accuracy may be to be chance."""
_STILL = 1e-5
"""Norm of the discriminator's gradient below which it learns nothing."""
_NARROW = 0.05
"""Spread of a code, in standard deviations of the prior, below which it ignores its input."""
_NOTHING = 1.0
"""Reconstruction error, in variances of the features, from which a decoder knows no more than their mean."""


@keras.saving.register_keras_serializable(package="msfl")
class Gate(keras.layers.Layer):  # type: ignore[misc]
    """The identity, through which gradients pass only while `open` is one."""

    def build(self, shape: Any) -> None:
        """Make the gate, open."""
        self.open = self.add_weight(shape=(), initializer="ones", trainable=False, name="open")

    def call(self, values: Any) -> Any:
        """See the class."""
        return self.open * values + (1 - self.open) * keras.ops.stop_gradient(values)


class AdversarialPart:
    """Decoder and discriminator, see `msfl.training.Beside`.

    The autoencoder minimises the squared error of the reconstruction, mean over features; the discriminator tells
    codes from samples of the prior, a standard Gaussian; the encoder is trained to be mistaken for the prior, by
    the loss that does not saturate, -log D(code) (Goodfellow et al. 2014). What keeps the discriminator from being
    certain, so that the encoder has a slope to follow, is the penalty gamma / 2 E[|dD / dx|^2] on its gradient at
    samples and codes (R1 and R2 of Mescheder, Geiger & Nowozin, ICML 2018).

    Args:
        decoder: Code (B, E) -> features (B, D).
        discriminator: Code (B, E) -> logit of being a sample of the prior, (B, 1).
        reconstruction: Weight of the reconstruction error beside the losses of the tasks.
        adversarial: Weight of the encoder's part of the game.
        gradient_penalty: gamma; zero leaves it out.
        learning_rate: Of the discriminator (Adam, with the first decay .5 of Radford et al. 2016).
        seed: Seed of the samples.
        gate: What keeps the tasks from shaping the code, opened after a number of steps.
        alone: That number.
    """

    def __init__(
        self,
        decoder: keras.Model,
        discriminator: keras.Model,
        *,
        reconstruction: float,
        adversarial: float,
        gradient_penalty: float,
        learning_rate: float,
        seed: int,
        gate: Gate | None = None,
        alone: int = 0,
    ) -> None:
        self.decoder = decoder
        self.discriminator = discriminator
        self.reconstruction = reconstruction
        self.adversarial = adversarial
        self.gradient_penalty = gradient_penalty
        self.seed = seed
        self.gate = gate
        self.alone = alone
        self.drawn = tf.Variable(0, trainable=False, dtype=tf.int32, name="drawn")
        self.optimizer = keras.optimizers.Adam(learning_rate, beta_1=0.5)
        self.optimizer.build(discriminator.trainable_variables)
        self.trainable: list[Any] = list(decoder.trainable_variables)
        self.variables: list[Any] = [
            *decoder.variables,
            *discriminator.variables,
            *self.optimizer.variables,
            self.drawn,
        ]

    def loss(self, batch: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return what encoder and decoder minimise beside the tasks, and its two parts."""
        code = outputs[EMBEDDING]
        error = tf.reduce_mean(tf.square(self.decoder(code, training=True) - batch[FEATURES]))
        fooled = tf.reduce_mean(tf.nn.softplus(-self.discriminator(code, training=True)))
        total = self.reconstruction * error + self.adversarial * fooled
        return total, {"reconstruction": error, "generator": fooled}

    def step(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Train the discriminator on these codes and as many samples of the prior."""
        code = tf.stop_gradient(outputs[EMBEDDING])
        # Counted rather than drawn from a global generator: a training that goes on draws what it would have drawn.
        prior = tf.random.stateless_normal(tf.shape(code), seed=tf.stack([self.seed, self.drawn]))
        self.drawn.assign_add(1)
        if self.gate is not None:
            self.gate.open.assign(tf.cast(self.drawn >= self.alone, tf.float32))
        variables = self.discriminator.trainable_variables
        both = tf.concat([prior, code], 0)
        with tf.GradientTape() as tape:
            with tf.GradientTape() as at_both:
                at_both.watch(both)
                logits = self.discriminator(both, training=True)
            slopes = at_both.gradient(logits, both)
            penalty = tf.reduce_mean(tf.reduce_sum(tf.square(slopes), axis=1)) / 2
            true, false = tf.split(logits, 2)
            loss = (tf.reduce_mean(tf.nn.softplus(-true)) + tf.reduce_mean(tf.nn.softplus(false))) / 2
            total = loss + self.gradient_penalty * penalty
        gradients = tape.gradient(total, [variable.value for variable in variables])
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        right = tf.concat([true > 0, false < 0], 0)
        return {
            "discriminator": loss,
            "discriminator_accuracy": tf.reduce_mean(tf.cast(right, tf.float32)),
            "discriminator_gradient": tf.linalg.global_norm(gradients),
        }


def collapses(
    history: pd.DataFrame, code: NDArray[np.float32], features: NDArray[np.float32]
) -> tuple[str, ...]:
    """Return what went wrong in the unsupervised half, a sentence each; nothing where all is well.

    Args:
        history: One row per epoch, with what `AdversarialPart` reports.
        code: Codes of the training utterances, shape (n, E).
        features: Their features, shape (n, D).
    """
    late = history.tail(_WATCHED)
    accuracy = late["discriminator_accuracy"]
    found = []
    if len(late) == _WATCHED and (accuracy >= _CERTAIN).all():
        found.append(
            f"The discriminator collapsed: it told codes from the prior with an accuracy of {accuracy.mean():.3f} "
            "to the end, so that the codes never came near the prior. Raise adversarial or gradient_penalty."
        )
    still = late["discriminator_gradient"] < _STILL
    if len(late) == _WATCHED and ((accuracy - 0.5).abs() <= _CHANCE).all() and still.all():
        found.append(
            "The discriminator collapsed: it guesses, and its gradient is zero, so that it teaches the encoder "
            "nothing. Take another discriminator_rate."
        )
    spread = float(np.mean(code.std(axis=0)))
    if spread < _NARROW:
        found.append(
            f"The code collapsed: it hardly depends on the input (its spread is {spread:.3f}, that of the prior is "
            "1). Raise reconstruction, or lower adversarial."
        )
    error = float(history["reconstruction"].iloc[-1])
    variance = float(np.mean(features.var(axis=0)))
    if error >= _NOTHING * variance:
        found.append(
            f"The decoder does no better than the mean of the features (error {error:.3f}, variance "
            f"{variance:.3f}): the code tells nothing about the input. Raise reconstruction, or train longer."
        )
    return tuple(found)
