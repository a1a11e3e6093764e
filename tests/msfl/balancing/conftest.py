import numpy as np
import pytest
import tensorflow as tf


class Problem:
    """A two-layer network with a shared layer W and one head per task; squared errors of different scale."""

    def __init__(self, scales=(1.0, 10.0), seed=0):
        random = np.random.default_rng(seed)
        self.first = tf.Variable(random.normal(size=(4, 5)).astype("float32"))
        self.shared = tf.Variable(random.normal(size=(5, 3)).astype("float32"))
        self.heads = [tf.Variable(random.normal(size=(3, 1)).astype("float32")) for _ in scales]
        self.x = random.normal(size=(8, 4)).astype("float32")
        self.y = [scale * random.normal(size=(8, 1)).astype("float32") for scale in scales]
        self.scales = scales
        self.compiled = {}

    @property
    def variables(self):
        return [self.first, self.shared, *self.heads]

    def losses(self, present=None):
        """One loss per task; zero, and without a gradient, for a task that is not `present`."""
        hidden = tf.tanh(self.x @ self.first) @ self.shared
        losses = [
            tf.reduce_mean((scale * (hidden @ head) - y) ** 2)
            for head, y, scale in zip(self.heads, self.y, self.scales, strict=True)
        ]
        return [loss * float(use) for loss, use in zip(losses, present or [True] * len(losses), strict=True)]

    def tape(self, present=None):
        with tf.GradientTape(persistent=True) as tape:
            losses = self.losses(present)
        return tape, losses

    def gradients(self, balancer, present=None):
        """One call of the balancer, as a training does it: compiled once, then called again and again."""
        key = balancer, tuple(present or ())
        if key not in self.compiled:

            @tf.function
            def step():
                tape, losses = self.tape(present)
                return balancer.gradients(tape, losses, [self.shared], self.variables)

            self.compiled[key] = step
        return self.compiled[key]()

    def gradients_of(self, weights):
        """The gradient of the weighted sum, by a plain tape."""
        with tf.GradientTape() as tape:
            total = tf.add_n([weight * loss for weight, loss in zip(weights, self.losses(), strict=True)])
        return tape.gradient(total, self.variables)


@pytest.fixture
def problem():
    return Problem


TASKS = ("emotion", "language", "gender")


@pytest.fixture
def build():
    """Make a balancer of the registry for the first n tasks."""
    from msfl.balancing import make_balancer

    def make(name, count=2, **parameters):
        balancer = make_balancer(name, **parameters)
        balancer.build(TASKS[:count], [4, 3, 2][:count])
        return balancer

    return make
