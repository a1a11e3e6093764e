"""Weights from the uncertainty of each task, learnt with the network (Kendall, Gal & Cipolla 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import tensorflow as tf

from msfl.balancing.adam import Adam
from msfl.balancing.weighted import Weighted
from msfl.errors import UsageError


class Uncertainty(Weighted):
    """Minimises sum_i exp(-s_i) L_i + s_i / 2 with s_i = log sigma_i^2, the form for classification.

    The weight of a task is exp(-s_i); for a constant loss it settles at 1 / (2 L_i). The log-variances s
    start at 0 and have an optimiser of their own.

    Args:
        learning_rate: Of the log-variances.
    """

    name: ClassVar[str] = "uncertainty"
    paper: ClassVar[str] = (
        "Kendall, Gal & Cipolla: Multi-task learning using uncertainty to weigh losses, CVPR 2018"
    )

    def __init__(self, learning_rate: float = 0.025) -> None:
        if not learning_rate > 0:
            raise UsageError(
                f"The learning_rate of the loss balancer 'uncertainty' is {learning_rate}; "
                "use a number above zero."
            )
        self.learning_rate = learning_rate

    def build(self, tasks: Sequence[str], class_counts: Sequence[int]) -> None:
        """Create the log-variances."""
        super().build(tasks, class_counts)
        self.log_variances = self._variable(0.0, "log_variances")
        self.optimizer = Adam(self.log_variances, self.learning_rate)

    def gradients(
        self,
        tape: tf.GradientTape,
        losses: Sequence[tf.Tensor],
        shared: Sequence[tf.Variable],
        variables: Sequence[tf.Variable],
        penalty: tf.Tensor | None = None,
    ) -> list[tf.Tensor | None]:
        """Return the gradient of the weighted sum, then take a step of the log-variances."""
        gradients = super().gradients(tape, losses, shared, variables, penalty)
        values = tf.stack(list(losses))
        present = tf.math.is_finite(values) & (values > 0)
        self.optimizer.apply(0.5 - self.weights * values, present)
        self.weights.assign(tf.exp(-self.log_variances))
        return gradients

    @property
    def variables(self) -> list[tf.Variable]:
        """Weights, log-variances and the state of their optimiser."""
        return [self.weights, self.log_variances, *self.optimizer.variables]
