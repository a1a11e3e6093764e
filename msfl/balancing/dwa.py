"""Dynamic weight average: weights from how fast each loss fell over the last two epochs (Liu et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import tensorflow as tf

from msfl.balancing.weighted import Weighted
from msfl.errors import UsageError


class DynamicWeightAverage(Weighted):
    """Minimises sum_i w_i L_i, w = n softmax(rate / temperature), rate_i = L_i(t - 1) / L_i(t - 2).

    L_i(t) is the mean loss of epoch t. The rates of the first two epochs are one.

    Args:
        temperature: The larger, the more equal the weights.
    """

    name: ClassVar[str] = "dwa"
    paper: ClassVar[str] = "Liu, Johns & Davison: End-to-end multi-task learning with attention, CVPR 2019"

    def __init__(self, temperature: float = 2.0) -> None:
        if not temperature > 0:
            raise UsageError(
                f"The temperature of the loss balancer 'dwa' is {temperature}; use a number above zero."
            )
        self.temperature = temperature

    def build(self, tasks: Sequence[str], class_counts: Sequence[int]) -> None:
        """Create weights, rates and the losses of the last epoch."""
        super().build(tasks, class_counts)
        self.rates = self._variable(1.0, "rates")
        self.last_losses = self._variable(0.0, "last_losses")

    def end_epoch(self, mean_losses: Sequence[float]) -> None:
        """Set the weights of the next epoch; a task without labels keeps its rate."""
        now, last, rates = np.asarray(mean_losses, np.float32), self.last_losses.numpy(), self.rates.numpy()
        seen = np.isfinite(now) & (now > 0)
        both = seen & (last > 0)
        rates[both] = now[both] / last[both]
        self.rates.assign(rates)
        self.last_losses.assign(np.where(seen, now, last))
        self.weights.assign(len(self.tasks) * tf.nn.softmax(self.rates / self.temperature))

    def state(self) -> dict[str, tf.Tensor]:
        """Return ``weight_<task>`` and ``rate_<task>``."""
        return super().state() | self._per_task("rate", self.rates)

    @property
    def variables(self) -> list[tf.Variable]:
        """Weights, rates and the losses of the last epoch."""
        return [self.weights, self.rates, self.last_losses]
