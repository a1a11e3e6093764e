"""PCGrad: conflicting gradients are projected off one another (Yu et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import tensorflow as tf


class PCGrad:
    """Sums the gradients of the tasks, each without its component against any other.

    Where g_i . g_j < 0, g_i loses its projection on g_j, for the other tasks j in random order. This concerns
    the variables that at least two tasks reach, taken as one long vector; a variable of one task gets its own
    gradient. Costs one backward pass per task.

    Args:
        seed: Of the order of the projections, which matters from three tasks on.
    """

    name: ClassVar[str] = "pcgrad"
    paper: ClassVar[str] = "Yu et al.: Gradient surgery for multi-task learning, NeurIPS 2020"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def build(self, tasks: Sequence[str], class_counts: Sequence[int]) -> None:
        """Create the counter of steps and what goes into the history."""
        self.tasks = tuple(tasks)
        self.steps = tf.Variable(0, False, name="steps")
        self.norms = tf.Variable(tf.zeros(len(self.tasks)), False, name="norms")
        self.conflicts = tf.Variable(0.0, False, name="conflicts")

    def gradients(
        self,
        tape: tf.GradientTape,
        losses: Sequence[tf.Tensor],
        shared: Sequence[tf.Variable],
        variables: Sequence[tf.Variable],
        penalty: tf.Tensor | None = None,
    ) -> list[tf.Tensor | None]:
        """Return the sum of the projected gradients; the gradients tell which variables are shared."""
        by_task = [tape.gradient(loss, list(variables)) for loss in losses]
        reached = [sum(gradient is not None for gradient in column) for column in zip(*by_task, strict=True)]
        common = [index for index, count in enumerate(reached) if count > 1]
        result = [_sum(column) for column in zip(*by_task, strict=True)]
        own = [None] * len(result) if penalty is None else tape.gradient(penalty, list(variables))
        if common:
            flat = tf.stack(
                [_flatten([row[index] for index in common], variables, common) for row in by_task]
            )
            parts = tf.split(self._project(flat), [variables[index].shape.num_elements() for index in common])
            for index, part in zip(common, parts, strict=True):
                result[index] = tf.reshape(part, variables[index].shape)
        return [_sum(pair) for pair in zip(result, own, strict=True)]

    def _project(self, gradients: tf.Tensor) -> tf.Tensor:
        """Project the rows of (n, P) off one another and return their sum, shape (P,)."""
        count = len(self.tasks)
        products = tf.matmul(gradients, gradients, transpose_b=True)
        squares = tf.linalg.diag_part(products)
        self.norms.assign(tf.sqrt(squares))
        self.conflicts.assign(tf.reduce_sum(tf.cast(products < 0, tf.float32)) / 2)
        total = tf.zeros_like(gradients[0])
        for task in range(count):
            own = gradients[task]
            # A seed per step and task: the same training gives the same order.
            seed = tf.stack([self.seed * count + task, self.steps])
            order = tf.random.experimental.stateless_shuffle(tf.range(count), seed)
            for position in range(count):
                other = order[position]
                against = tf.minimum(tf.tensordot(own, gradients[other], 1), 0.0)
                against = tf.where(other == task, 0.0, against)
                own -= tf.math.divide_no_nan(against, squares[other]) * gradients[other]
            total += own
        self.steps.assign_add(1)
        return total

    def state(self) -> dict[str, tf.Tensor]:
        """Return ``norm_<task>`` over the shared variables, and ``conflicts``, the conflicting pairs."""
        norms = {f"norm_{task}": self.norms[index] for index, task in enumerate(self.tasks)}
        return norms | {"conflicts": self.conflicts.value()}

    def end_epoch(self, mean_losses: Sequence[float]) -> None:
        """Do nothing; see `Balancer.end_epoch`."""

    @property
    def variables(self) -> list[tf.Variable]:
        """Counter of steps, norms and conflicts."""
        return [self.steps, self.norms, self.conflicts]


def _sum(gradients: Sequence[tf.Tensor | None]) -> tf.Tensor | None:
    """Sum of the gradients of one variable over the tasks that reach it; None where none does."""
    known = [gradient for gradient in gradients if gradient is not None]
    return tf.add_n([tf.convert_to_tensor(gradient) for gradient in known]) if known else None


def _flatten(
    gradients: Sequence[tf.Tensor | None], variables: Sequence[tf.Variable], indices: Sequence[int]
) -> tf.Tensor:
    """One long vector; zeros for a variable that this task does not reach."""
    pieces = [
        tf.zeros(variables[index].shape) if gradient is None else tf.convert_to_tensor(gradient)
        for gradient, index in zip(gradients, indices, strict=True)
    ]
    return tf.concat([tf.reshape(piece, [-1]) for piece in pieces], axis=0)
