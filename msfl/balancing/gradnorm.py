"""GradNorm: weights that hold the gradient norms of the tasks together (Chen et al. 2018), in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import tensorflow as tf

from msfl.balancing.adam import Adam
from msfl.balancing.fixed import check_tasks
from msfl.balancing.weighted import Weighted
from msfl.errors import UsageError


class GradNorm(Weighted):
    """Minimises sum_i w_i L_i; the weights minimise sum_i |G_i - target_i| on their side.

    With W the last shared layer and g_i = ||grad_W L_i||: G_i = w_i g_i; target_i = mean(G) p_i r_i^alpha, a
    constant; r_i = (L_i / L_i(0)) / mean_j (L_j / L_j(0)), the inverse training rate: above one for a task
    that learns slowly. Since G_i is linear in w_i, the gradient of the balancing loss is
    sign(G_i - target_i) g_i, and no second-order gradient is needed. After each step the weights are
    renormalised to sum up to the number of tasks.

    Args:
        alpha: Strength of the restoring force towards a common training rate; zero equalises the norms alone.
        learning_rate: Of the weights (Adam).
        floor: Smallest weight. Without one, an easy task drives its loss, its rate and its weight to zero.
        smoothing: Decay of the running mean of the losses that r is computed from; zero takes each batch's
            own.
        initial: L_i(0): ``"log"``, the log of the number of classes, or ``"first"``, the first loss.
        priority: p_i by task name, one where none is given: how large a task's gradient shall be beside the
            others'. Scaled so that its mean is one.
    """

    name: ClassVar[str] = "gradnorm"
    paper: ClassVar[str] = (
        "Chen, Badrinarayanan, Lee & Rabinovich: GradNorm: gradient normalization for adaptive loss "
        "balancing in deep multitask networks, ICML 2018"
    )

    def __init__(
        self,
        alpha: float = 0.12,
        learning_rate: float = 0.025,
        floor: float = 0.1,
        smoothing: float = 0.9,
        initial: Literal["log", "first"] = "log",
        priority: Mapping[str, float] | None = None,
    ) -> None:
        for parameter, value, valid, rule in (
            ("alpha", alpha, 0 <= alpha < math.inf, "zero or more"),
            ("learning_rate", learning_rate, 0 < learning_rate < math.inf, "a number above zero"),
            ("floor", floor, 0 <= floor < 1, "zero or more, and less than one"),
            ("smoothing", smoothing, 0 <= smoothing < 1, "zero or more, and less than one"),
            ("initial", initial, initial in ("log", "first"), "'log' or 'first'"),
        ):
            if not valid:
                raise UsageError(f"The {parameter} of the loss balancer 'gradnorm' is {value}; use {rule}.")
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.floor = floor
        self.smoothing = smoothing
        self.initial = initial
        self.priority = check_tasks("priorities of the loss balancer 'gradnorm'", priority or {})

    def build(self, tasks: Sequence[str], class_counts: Sequence[int]) -> None:
        """Create weights, running losses, and what goes into the history."""
        super().build(tasks, class_counts)
        start = [math.log(count) for count in class_counts] if self.initial == "log" else 0.0
        self.initial_losses = self._variable(start, "initial_losses")  # zero: not known yet
        self.running_losses = self._variable(0.0, "running_losses")
        self.seen = self._variable(0.0, "seen")
        self.rates = self._variable(1.0, "rates")
        self.norms = self._variable(0.0, "norms")
        self.optimizer = Adam(self.weights, self.learning_rate)

    def gradients(
        self,
        tape: tf.GradientTape,
        losses: Sequence[tf.Tensor],
        shared: Sequence[tf.Variable],
        variables: Sequence[tf.Variable],
        penalty: tf.Tensor | None = None,
    ) -> list[tf.Tensor | None]:
        """Return the gradient of the weighted sum, then take a step of the weights."""
        gradients = super().gradients(tape, losses, shared, variables, penalty)
        if len(self.tasks) > 1:
            norms = [
                tf.linalg.global_norm(
                    tape.gradient(loss, list(shared), unconnected_gradients=tf.UnconnectedGradients.ZERO)
                )
                for loss in losses
            ]
            self._step(tf.stack(list(losses)), tf.stack(norms))
        return gradients

    def weight_gradient(self, norms: tf.Tensor, rates: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """Gradient of the balancing loss with respect to the weights.

        Args:
            norms: g_i, the norm of each unweighted gradient, shape (n,).
            rates: r_i, shape (n,).
            present: Boolean, shape (n,): tasks that the balancing loss runs over; the others get zero.
        """
        weighted = self.weights * norms
        priority = tf.constant([self.priority.get(task, 1.0) for task in self.tasks])
        priority = priority / mean(priority, present)
        target = mean(weighted, present) * priority * rates**self.alpha
        return tf.where(present, tf.sign(weighted - target) * norms, 0.0)

    def _step(self, losses: tf.Tensor, norms: tf.Tensor) -> None:
        present = tf.math.is_finite(losses) & tf.math.is_finite(norms) & (losses > 0) & (norms > 0)
        rates = self._rates(losses, present)
        self.rates.assign(tf.where(present, rates, self.rates))
        self.norms.assign(tf.where(present, self.weights * norms, 0.0))
        # A task alone is at its target by definition; momentum must not move it either.
        several = tf.reduce_sum(tf.cast(present, tf.float32)) > 1
        self.optimizer.apply(self.weight_gradient(norms, rates, present), present & several)
        # The part above the floor is scaled, so that the sum is n and the floor still holds afterwards.
        above = tf.nn.relu(self.weights - self.floor) + 1e-12
        total = len(self.tasks) * (1.0 - self.floor)
        self.weights.assign(self.floor + total * above / tf.reduce_sum(above))

    def _rates(self, losses: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """Update the running losses and return r, shape (n,)."""
        unknown = present & (self.initial_losses <= 0)
        self.initial_losses.assign(tf.where(unknown, losses, self.initial_losses))
        running = self.smoothing * self.running_losses + (1 - self.smoothing) * losses
        self.running_losses.assign(tf.where(present, running, self.running_losses))
        self.seen.assign_add(tf.cast(present, tf.float32))
        # Divided by the total weight of the losses so far, as a running mean that starts at zero needs it.
        smooth = self.running_losses / (1 - self.smoothing ** tf.maximum(self.seen, 1.0))
        relative = tf.math.divide_no_nan(smooth, self.initial_losses)
        return tf.math.divide_no_nan(relative, mean(relative, present))

    def state(self) -> dict[str, tf.Tensor]:
        """Return ``weight_<task>``, ``rate_<task>`` (r_i) and ``norm_<task>`` (G_i before the step)."""
        return super().state() | self._per_task("rate", self.rates) | self._per_task("norm", self.norms)

    @property
    def variables(self) -> list[tf.Variable]:
        """Weights, losses, rates, norms and the state of the optimiser."""
        own = [self.weights, self.initial_losses, self.running_losses, self.seen, self.rates, self.norms]
        return own + self.optimizer.variables


def mean(values: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Mean over the tasks that are present; zero where none is."""
    return tf.math.divide_no_nan(
        tf.reduce_sum(tf.where(present, values, 0.0)), tf.reduce_sum(tf.cast(present, tf.float32))
    )
