import numpy as np
import pytest
import tensorflow as tf


def nested_tapes(problem, weights, alpha, initial):
    """The gradient of the balancing loss by its definition: a gradient of gradient norms."""
    weights = [tf.Variable(weight) for weight in weights]
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape(persistent=True) as inner:
            losses = problem.losses()
            weighted = [weight * loss for weight, loss in zip(weights, losses, strict=True)]
        norms = tf.stack([tf.norm(inner.gradient(loss, problem.shared)) for loss in weighted])
        relative = tf.stack(losses) / initial
        rates = relative / tf.reduce_mean(relative)
        target = tf.stop_gradient(tf.reduce_mean(norms) * rates**alpha)
        balancing = tf.reduce_sum(tf.abs(norms - target))
    return np.array(outer.gradient(balancing, weights)), rates


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("alpha", [0.0, 0.12, 1.5])
def test_closed_form_equals_nested_tapes(seed, alpha, problem, build):
    random = np.random.default_rng(seed)
    three = problem(scales=(1.0, 0.3, 2.0), seed=seed)
    balancer = build("gradnorm", 3, alpha=alpha)
    weights = random.dirichlet([2, 2, 2]) * 3
    balancer.weights.assign(weights.astype("float32"))
    expected, rates = nested_tapes(three, weights.astype("float32"), alpha, np.log([4.0, 3.0, 2.0]))
    tape, losses = three.tape()
    norms = tf.stack([tf.norm(tape.gradient(loss, three.shared)) for loss in losses])
    found = balancer.weight_gradient(norms, rates, tf.constant([True] * 3))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert np.abs(expected).min() > 0


def test_rates_and_norms_of_the_history_are_those_of_the_paper(problem, build):
    two = problem()
    balancer = build("gradnorm", smoothing=0.0)
    tape, losses = two.tape()
    norms = [float(tf.norm(tape.gradient(loss, two.shared))) for loss in losses]
    relative = np.array([float(loss) for loss in losses]) / np.log([4.0, 3.0])
    two.gradients(balancer)
    state = {key: float(value) for key, value in balancer.state().items()}
    assert [state["norm_emotion"], state["norm_language"]] == pytest.approx(norms, rel=1e-5)
    assert [state["rate_emotion"], state["rate_language"]] == pytest.approx(
        relative / relative.mean(), rel=1e-5
    )


def test_weights_equalise_the_norms_of_two_tasks_of_different_scale(problem, build):
    # The network stands still: G_1 = G_2 and w_1 + w_2 = 2 have one solution, w_i = 2 g_j / (g_1 + g_2).
    two = problem(scales=(1.0, 2.0))
    balancer = build("gradnorm", alpha=0.0, floor=0.0)
    tape, losses = two.tape()
    one, other = (float(tf.norm(tape.gradient(loss, two.shared))) for loss in losses)
    assert max(one / other, other / one) > 2

    for _ in range(300):
        two.gradients(balancer)
    expected = [2 * other / (one + other), 2 * one / (one + other)]
    np.testing.assert_allclose(balancer.weights, expected, atol=0.05)


def test_norms_stay_equal_while_the_network_learns(problem, build):
    two = problem(scales=(1.0, 10.0))
    balancer = build("gradnorm", alpha=0.0, floor=0.001)

    ratios = []
    for _ in range(400):
        for variable, gradient in zip(two.variables, two.gradients(balancer), strict=True):
            variable.assign_sub(1e-4 * gradient)
        state = balancer.state()
        ratios.append(float(state["norm_language"] / state["norm_emotion"]))
    assert ratios[0] > 10
    assert np.median(ratios[-100:]) == pytest.approx(1.0, abs=0.3)


def test_a_slow_task_gains_weight(problem, build):
    # Equal norms, and the second task has come down less: its weight has to rise.
    balancer = build("gradnorm", alpha=1.5)
    gradient = balancer.weight_gradient(
        tf.constant([1.0, 1.0]), tf.constant([0.5, 1.5]), tf.constant([True, True])
    )
    assert gradient[0] > 0 > gradient[1]


def test_priority_sets_the_ratio_of_the_norms(problem, build):
    balancer = build("gradnorm", alpha=0.0, priority={"emotion": 3.0})
    both = tf.constant([True, True])
    balancer.weights.assign([1.4, 0.6])
    assert balancer.weight_gradient(tf.ones(2), tf.ones(2), both)[0] < 0
    balancer.weights.assign([1.6, 0.4])
    assert balancer.weight_gradient(tf.ones(2), tf.ones(2), both)[0] > 0


@pytest.mark.parametrize("floor", [0.0, 0.1, 0.5, 0.99])
def test_weights_sum_to_the_number_of_tasks_and_keep_the_floor(floor, problem, build):
    three = problem(scales=(0.01, 1.0, 30.0))
    balancer = build("gradnorm", 3, floor=floor, learning_rate=0.5)

    lowest = 3.0
    for _ in range(50):
        three.gradients(balancer)
        assert float(tf.reduce_sum(balancer.weights)) == pytest.approx(3.0, abs=1e-5)
        lowest = min(lowest, float(tf.reduce_min(balancer.weights)))
        assert lowest >= floor - 1e-6
    assert lowest == pytest.approx(floor, abs=0.01)  # the floor has been reached at all


def test_balancing_does_not_leak_into_the_network(problem, build):
    # The gradient applied is that of the weighted sum with the weights before the step, and nothing else.
    two = problem()
    balancer = build("gradnorm")
    for _ in range(4):
        weights = balancer.weights.numpy()
        for found, expected in zip(two.gradients(balancer), two.gradients_of(weights), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        assert not np.allclose(weights, balancer.weights)


def test_the_first_loss_can_be_the_reference_and_is_kept(problem, build):
    two = problem()
    balancer = build("gradnorm", initial="first", smoothing=0.0)
    first = [float(loss) for loss in two.tape()[1]]
    two.gradients(balancer)
    assert [float(balancer.state()[f"rate_{task}"]) for task in ("emotion", "language")] == pytest.approx(
        [1, 1]
    )
    two.shared.assign(two.shared * 0.5)
    two.gradients(balancer)
    np.testing.assert_allclose(balancer.initial_losses, first, rtol=1e-5)


def test_running_losses_are_not_biased_to_zero(problem, build):
    two = problem()
    balancer = build("gradnorm", smoothing=0.9, initial="first")
    for _ in range(3):
        two.gradients(balancer)
        assert float(balancer.state()["rate_emotion"]) == pytest.approx(1.0, rel=1e-4)
