"""What holds for every balancer of the registry."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from msfl.balancing import BALANCERS, make_balancer
from msfl.errors import UsageError

WEIGHTED = [name for name in BALANCERS if name != "pcgrad"]


def numbers(gradients):
    return [np.asarray(gradient) for gradient in gradients]


@pytest.mark.parametrize("name", BALANCERS)
def test_one_task_gets_its_plain_gradient(name, problem, build):
    one = problem(scales=(1.0,))
    balancer = build(name, 1)
    for _ in range(3):
        expected = one.gradients_of([float(balancer.state().get("weight_emotion", 1.0))])
        for found, other in zip(one.gradients(balancer), expected, strict=True):
            np.testing.assert_allclose(found, other, rtol=1e-5, atol=1e-6)
    if name != "uncertainty":  # the weight of a single task is its precision there
        np.testing.assert_allclose(expected[0], one.gradients_of([1.0])[0])


@pytest.mark.parametrize("name", BALANCERS)
def test_a_penalty_adds_its_own_gradient_whatever_the_balance(name, problem, build):
    found = {}
    for factor in (0.0, 3.0):
        two, balancer = problem(), build(name)
        with tf.GradientTape(persistent=True) as tape:
            losses = two.losses()
            penalty = factor * tf.reduce_sum(two.first**2)
        found[factor] = balancer.gradients(tape, losses, [two.shared], two.variables, penalty)
    np.testing.assert_allclose(found[3.0][0], found[0.0][0] + 6 * two.first, rtol=1e-4, atol=1e-4)
    for with_penalty, without in zip(found[3.0][1:], found[0.0][1:], strict=True):
        np.testing.assert_allclose(with_penalty, without, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", WEIGHTED)
def test_gradient_is_that_of_the_weighted_sum(name, problem, build):
    two = problem()
    balancer = build(name)
    balancer.weights.assign([0.3, 1.7])
    for found, expected in zip(two.gradients(balancer), two.gradients_of([0.3, 1.7]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", BALANCERS)
@pytest.mark.parametrize("present", [[True, False, True], [False, False, False]])
def test_tasks_without_labels_leave_no_trace(name, present, problem, build):
    three = problem(scales=(1.0, 2.0, 3.0))
    balancer = build(name, 3)
    if name == "gradnorm":
        balancer = build(name, 3, initial="first")
    for _ in range(3):
        gradients = numbers(three.gradients(balancer, present))
    balancer.end_epoch([1.0 if use else float("nan") for use in present])
    balancer.end_epoch([0.5 if use else 0.0 for use in present])
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert all(np.isfinite(variable.numpy()).all() for variable in balancer.variables)
    for head, use in zip(gradients[2:], present, strict=True):
        assert use == bool(np.abs(head).max() > 0)
    assert np.isfinite(numbers(three.gradients(balancer))[0]).all()


@pytest.mark.parametrize("name", ["gradnorm", "uncertainty"])
def test_momentum_does_not_move_a_task_without_labels(name, problem, build):
    two = problem()
    balancer = build(name)
    two.gradients(balancer)
    before = balancer.weights.numpy()
    assert before[1] != 1.0
    two.gradients(balancer, [True, False])
    assert balancer.weights.numpy()[1] == pytest.approx(before[1], abs=1e-6)


@pytest.mark.parametrize("name", BALANCERS)
def test_infinite_losses_do_not_spoil_the_weights(name, problem, build):
    broken = problem()
    balancer = build(name)
    broken.y[0][0] = np.nan
    broken.gradients(balancer)
    assert all(np.isfinite(float(value)) for key, value in balancer.state().items() if "weight" in key)


@pytest.mark.parametrize("name", BALANCERS)
def test_the_same_training_gives_the_same_numbers(name, problem, build):
    def train():
        three = problem(scales=(1.0, 2.0, 3.0))
        balancer = build(name, 3)
        for _ in range(5):
            gradients = three.gradients(balancer)
            for variable, gradient in zip(three.variables, gradients, strict=True):
                variable.assign_sub(0.01 * gradient)
        state = [float(value) for value in balancer.state().values()]
        return np.concatenate([variable.numpy().ravel() for variable in three.variables]), state

    (one, one_state), (other, other_state) = train(), train()
    np.testing.assert_array_equal(one, other)
    assert one_state == other_state


@pytest.mark.parametrize("name", BALANCERS)
def test_variables_are_all_that_a_checkpoint_needs(name, problem, build):
    three = problem(scales=(1.0, 2.0, 3.0))
    balancer = build(name, 3)
    for losses in ([3.0, 2.0, 1.0], [2.0, 1.9, 0.5]):
        three.gradients(balancer)
        balancer.end_epoch(losses)
    copy = build(name, 3)
    for variable, value in zip(
        copy.variables, [variable.numpy() for variable in balancer.variables], strict=True
    ):
        variable.assign(value)
    for one, other in zip(three.gradients(copy), three.gradients(balancer), strict=True):
        np.testing.assert_array_equal(one, other)
    for one in (copy, balancer):
        one.end_epoch([1.0, 1.0, 0.1])
    assert copy.state().keys() == balancer.state().keys()
    for key, value in copy.state().items():
        assert float(value) == float(balancer.state()[key])


@pytest.mark.parametrize("name", BALANCERS)
def test_nothing_of_a_balancer_is_trained_with_the_network(name, build):
    assert not any(variable.trainable for variable in build(name).variables)
    assert make_balancer(name).name == name


def test_fixed_weights_are_those_given(problem, build):
    two = problem()
    balancer = build("fixed", weights={"language": 0.1, "valence": 5.0})
    assert [float(value) for value in balancer.state().values()] == pytest.approx([1.0, 0.1])
    for found, expected in zip(two.gradients(balancer), two.gradients_of([1.0, 0.1]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("gradnrom", {}, "no loss balancer 'gradnrom'.*Did you mean 'gradnorm'"),
        ("gradnorm", {"aplha": 1}, "no parameter 'aplha'.*Did you mean 'alpha'"),
        ("gradnorm", {"floor": 1.0}, "floor .* is 1.0; use zero or more, and less than one"),
        ("gradnorm", {"initial": "mean"}, "initial .* use 'log' or 'first'"),
        ("gradnorm", {"priority": {"emotoin": 2}}, "unknown task 'emotoin'. Did you mean 'emotion'"),
        ("fixed", {"weights": {"language": -1}}, "give -1 to 'language'"),
        ("uncertainty", {"learning_rate": 0}, "use a number above zero"),
        ("dwa", {"temperature": 0}, "use a number above zero"),
    ],
)
def test_mistakes_are_one_sentence(name, parameters, sentence):
    with pytest.raises(UsageError, match=sentence):
        make_balancer(name, **parameters)


def test_the_registry_does_not_import_tensorflow():
    code = "import sys, msfl.balancing; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
