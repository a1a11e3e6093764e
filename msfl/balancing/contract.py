"""The contract of a loss balancer: the losses of several tasks come in, one gradient goes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import tensorflow as tf


class Balancer(Protocol):
    """Balances n tasks. Constructed as `Class(**parameters)`, then built once for the tasks of one training.

    The order of the tasks is fixed by `build`, the main task first. Regularisation is no task: its gradient is
    added as it is, whatever the balance of the tasks.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    """Citation, or "baseline"."""

    def build(self, tasks: Sequence[str], class_counts: Sequence[int]) -> None:
        """Create the variables of this balancer.

        Args:
            tasks: Names of the n tasks, main task first.
            class_counts: Number of classes of each task.
        """
        ...

    def gradients(
        self,
        tape: tf.GradientTape,
        losses: Sequence[tf.Tensor],
        shared: Sequence[tf.Variable],
        variables: Sequence[tf.Variable],
        penalty: tf.Tensor | None = None,
    ) -> list[tf.Tensor | None]:
        """Return the gradient to apply to each of `variables`, and update the balancer's own variables.

        May be called after the tape has stopped recording: nothing that a balancer computes needs to be
        recorded.

        Args:
            tape: A persistent tape that has recorded the losses. Called inside a `tf.function`, where the
                parts of a backward pass that nobody asks for are never run.
            losses: One scalar per task. A task without a label in this batch has loss zero and gradient zero;
                its weight is left alone.
            shared: Variables of the last layer that all tasks share.
            variables: Every trainable variable of the network.
            penalty: Sum of the network's own penalties, or None; recorded by the same tape.
        """
        ...

    def state(self) -> dict[str, tf.Tensor]:
        """Return scalars for the history, the same keys at every step: ``weight_<task>`` and the like."""
        ...

    def end_epoch(self, mean_losses: Sequence[float]) -> None:
        """Take note of the mean loss of each task over an epoch; NaN or zero for a task without labels."""
        ...

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that a checkpoint has to keep."""
        ...
