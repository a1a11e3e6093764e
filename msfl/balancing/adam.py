"""Adam for the few numbers that a balancer learns itself."""

from __future__ import annotations

import tensorflow as tf


class Adam:
    """Adam (Kingma & Ba 2015) on one vector, leaving out the entries that have no gradient now.

    A task without labels in a batch must not be moved by its old momentum, which the optimisers of Keras
    would do.

    Args:
        variable: The vector to train, shape (n,).
        learning_rate: Step size.
    """

    def __init__(self, variable: tf.Variable, learning_rate: float) -> None:
        self.variable = variable
        self.learning_rate = learning_rate
        self.steps, self.mean, self.square = (
            tf.Variable(tf.zeros_like(variable), False, name=name) for name in ("steps", "mean", "square")
        )

    def apply(self, gradient: tf.Tensor, present: tf.Tensor) -> None:
        """Take one step.

        Args:
            gradient: Shape (n,).
            present: Boolean, shape (n,): which entries of the gradient count.
        """
        first, second, epsilon = 0.9, 0.999, 1e-8
        gradient = tf.where(present, gradient, 0.0)  # an entry that does not count may be NaN
        steps = self.steps + tf.cast(present, tf.float32)
        mean = tf.where(present, first * self.mean + (1 - first) * gradient, self.mean)
        square = tf.where(present, second * self.square + (1 - second) * gradient**2, self.square)
        counted = tf.maximum(steps, 1.0)
        step = mean / (1 - first**counted) / (tf.sqrt(square / (1 - second**counted)) + epsilon)
        self.variable.assign_sub(tf.where(present, self.learning_rate * step, 0.0))
        self.steps.assign(steps)
        self.mean.assign(mean)
        self.square.assign(square)

    @property
    def variables(self) -> list[tf.Variable]:
        """State for a checkpoint, without the trained vector itself."""
        return [self.steps, self.mean, self.square]
