"""Uncertainty weighting, dynamic weight average and PCGrad against their closed forms."""

import numpy as np
import pytest
import tensorflow as tf


class Linear:
    """Losses that are linear in shared and own variables: gradients are what one writes down."""

    def __init__(self, *shared_gradients):
        self.shared = tf.Variable(tf.zeros(len(shared_gradients[0])))
        self.own = [tf.Variable(1.0) for _ in shared_gradients]
        self.step = None
        self.slopes = [tf.constant(slope, tf.float32) for slope in shared_gradients]

    def gradients(self, balancer):
        self.step = self.step or self.compiled(balancer)
        return [gradient.numpy() for gradient in self.step()]

    def compiled(self, balancer):
        @tf.function
        def step():
            with tf.GradientTape(persistent=True) as tape:
                losses = [
                    1.0 + tf.reduce_sum(slope * self.shared) + 5.0 * own
                    for slope, own in zip(self.slopes, self.own, strict=True)
                ]
            return balancer.gradients(tape, losses, [self.shared], [self.shared, *self.own])

        return step


def test_uncertainty_settles_where_the_paper_says(problem, build):
    # d/ds (exp(-s) L + s / 2) = 0 at exp(-s) = 1 / (2 L), for losses that stand still.
    two = problem(scales=(1.0, 2.0))
    balancer = build("uncertainty", learning_rate=0.05)

    for _ in range(1000):
        two.gradients(balancer)
    expected = [1 / (2 * float(loss)) for loss in two.tape()[1]]
    np.testing.assert_allclose(balancer.weights, expected, rtol=0.02)


def test_uncertainty_takes_its_first_step_down_the_gradient(problem, build):
    two = problem(scales=(1.0, 10.0))
    balancer = build("uncertainty", learning_rate=0.01)
    losses = np.array([float(loss) for loss in two.tape()[1]])
    two.gradients(balancer)
    np.testing.assert_allclose(balancer.log_variances, 0.01 * np.sign(losses - 0.5), rtol=1e-4)
    np.testing.assert_allclose(balancer.weights, np.exp(-balancer.log_variances.numpy()), rtol=1e-6)


def test_dwa_weights_are_those_of_the_paper(build):
    balancer = build("dwa", temperature=2.0)
    balancer.end_epoch([2.0, 3.0])
    np.testing.assert_array_equal(balancer.weights, [1.0, 1.0])
    balancer.end_epoch([1.0, 2.7])
    powers = np.exp(np.array([0.5, 0.9]) / 2)
    np.testing.assert_allclose(balancer.weights, 2 * powers / powers.sum(), rtol=1e-6)
    balancer.end_epoch([1.0, 2.7])
    np.testing.assert_allclose(balancer.weights, [1.0, 1.0], rtol=1e-6)


def test_dwa_skips_an_epoch_without_labels(build):
    balancer = build("dwa")
    balancer.end_epoch([2.0, 3.0])
    balancer.end_epoch([1.0, float("nan")])
    assert float(balancer.state()["rate_language"]) == 1.0
    balancer.end_epoch([1.0, 1.5])
    assert float(balancer.state()["rate_language"]) == pytest.approx(0.5)


def test_pcgrad_of_two_conflicting_tasks_in_closed_form(build):
    one, other = np.array([1.0, 0.0]), np.array([-1.0, 1.0])
    balancer = build("pcgrad")
    found = Linear(one, other).gradients(balancer)
    # g1 - (g1.g2 / |g2|^2) g2 = (.5, .5); g2 - (g1.g2 / |g1|^2) g1 = (0, 1)
    np.testing.assert_allclose(found[0], [0.5, 1.5], rtol=1e-6)
    assert found[1:] == [5.0, 5.0]
    state = {key: float(value) for key, value in balancer.state().items()}
    assert state == pytest.approx({"norm_emotion": 1.0, "norm_language": np.sqrt(2), "conflicts": 1.0})


def test_pcgrad_leaves_agreeing_tasks_alone(build):
    balancer = build("pcgrad", 3)
    found = Linear([1.0, 0.0], [1.0, 1.0], [0.5, 2.0]).gradients(balancer)
    np.testing.assert_allclose(found[0], [2.5, 3.0], rtol=1e-6)
    assert float(balancer.state()["conflicts"]) == 0.0


def test_pcgrad_of_three_tasks_is_one_of_the_orders_of_the_paper(build):
    rows = [np.array([1.0, 0.2, 0.0]), np.array([-1.0, 0.5, 0.3]), np.array([-0.4, -1.0, 0.8])]

    def project(task, order):
        own = rows[task].copy()
        for other in order:
            own -= min(own @ rows[other], 0.0) / (rows[other] @ rows[other]) * rows[other]
        return own

    possible = [
        project(0, first) + project(1, second) + project(2, third)
        for first in ((1, 2), (2, 1))
        for second in ((0, 2), (2, 0))
        for third in ((0, 1), (1, 0))
    ]
    balancer = build("pcgrad", 3)
    quadratic = Linear(*rows)
    hits = set()
    for _ in range(12):
        found = quadratic.gradients(balancer)[0]
        distances = [np.abs(found - one).max() for one in possible]
        assert min(distances) < 1e-6
        hits.add(int(np.argmin(distances)))
    assert len(hits) > 1  # the order changes from step to step


def test_pcgrad_does_not_conflict_over_variables_of_one_task(build):
    # Own variables carry far larger gradients than the shared ones; they must not enter the projection.
    found = Linear([1.0, 0.0], [0.0, 1.0]).gradients(build("pcgrad"))
    np.testing.assert_array_equal(found[0], [1.0, 1.0])
    assert found[1:] == [5.0, 5.0]
