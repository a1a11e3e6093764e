"""What the balancers that weight the losses have in common: the gradient of sum_i w_i L_i."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


class Weighted:
    """Minimises sum_i w_i L_i with constant weights, one until someone changes them.

    Attributes:
        tasks: Names of the n tasks, main task first.
        weights: The weights w, shape (n,).
    """

    def build(self, tasks: Sequence[str], class_counts: Sequence[int]) -> None:
        """Create the weights; see `Balancer.build`."""
        self.tasks = tuple(tasks)
        self.weights = self._variable(1.0, "weights")

    def gradients(
        self,
        tape: tf.GradientTape,
        losses: Sequence[tf.Tensor],
        shared: Sequence[tf.Variable],
        variables: Sequence[tf.Variable],
        penalty: tf.Tensor | None = None,
    ) -> list[tf.Tensor | None]:
        """Return the gradient of the weighted sum, in one backward pass; see `Balancer.gradients`."""
        # The weights enter as the gradient of the sum with respect to each loss: they are constants, whatever
        # the tape records, and the sum need not be recorded.
        parts, factors = list(losses), tf.unstack(self.weights)
        if penalty is not None:  # in the same pass: a second one would go through the whole LSTM again
            parts, factors = [*parts, penalty], [*factors, tf.ones_like(penalty)]
        gradients: list[tf.Tensor | None] = tape.gradient(parts, list(variables), output_gradients=factors)
        return gradients

    def state(self) -> dict[str, tf.Tensor]:
        """Return ``weight_<task>``."""
        return self._per_task("weight", self.weights)

    def end_epoch(self, mean_losses: Sequence[float]) -> None:
        """Do nothing; see `Balancer.end_epoch`."""

    @property
    def variables(self) -> list[tf.Variable]:
        """The weights."""
        return [self.weights]

    def _variable(self, value: float | Sequence[float], name: str) -> tf.Variable:
        """A variable of shape (n,) that no optimiser of the network trains."""
        return tf.Variable(tf.broadcast_to(tf.cast(value, tf.float32), [len(self.tasks)]), False, name=name)

    def _per_task(self, key: str, values: tf.Tensor) -> dict[str, tf.Tensor]:
        return {f"{key}_{task}": values[index] for index, task in enumerate(self.tasks)}
