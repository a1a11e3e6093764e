"""The extreme learning machine against its closed form, and its files."""

from __future__ import annotations

import numpy as np
import pytest

from msfl.errors import DataError
from msfl.models.extreme_learning import ExtremeLearningMachine, fit_extreme_learning


def problem(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = np.sort(rng.integers(0, 3, count))
    inputs = rng.normal(size=(count, 5)) + 1.5 * np.eye(5)[codes]
    inputs[:, 4] = 7.0  # constant, as the least posterior of a class can be
    return inputs, codes


def hidden_layer(machine: ExtremeLearningMachine, inputs: np.ndarray) -> np.ndarray:
    standardised = (inputs - machine.centre) / machine.spread
    return np.c_[1 / (1 + np.exp(-(standardised @ machine.kernel + machine.bias))), np.ones(len(inputs))]


@pytest.mark.parametrize("balanced", [False, True])
def test_output_layer_is_the_weighted_ridge_solution(balanced: bool) -> None:
    """The same as least squares with weighted rows, and further rows that pull the weights to zero."""
    inputs, codes = problem()
    machine = fit_extreme_learning(inputs, codes, 3, units=8, ridge=0.3, balanced=balanced, seed=4)
    hidden = hidden_layer(machine, inputs)
    targets = np.where(codes[:, None] == np.arange(3), 1.0, -1.0)
    root = np.sqrt(len(codes) / (3 * np.bincount(codes)[codes]) if balanced else np.ones(len(codes)))
    rows = np.r_[root[:, None] * hidden, np.sqrt(0.3) * np.eye(9)]
    expected, *_ = np.linalg.lstsq(rows, np.r_[root[:, None] * targets, np.zeros((9, 3))], rcond=None)
    np.testing.assert_allclose(machine.output, expected, atol=1e-8)
    np.testing.assert_allclose(machine.outputs(inputs), hidden @ expected, atol=1e-8)


def test_scale_is_that_of_utterances_left_out() -> None:
    """Refitted without each utterance in turn, the same hidden layer has the likelihood that the scale maximises."""
    inputs, codes = problem(40)
    machine = fit_extreme_learning(inputs, codes, 3, units=8, ridge=0.3, balanced=False, seed=4)
    hidden = hidden_layer(machine, inputs)
    targets = np.where(codes[:, None] == np.arange(3), 1.0, -1.0)
    left_out = np.empty_like(targets)
    for row in range(len(codes)):
        rest = np.arange(len(codes)) != row
        gram = hidden[rest].T @ hidden[rest] + 0.3 * np.eye(9)
        left_out[row] = hidden[row] @ np.linalg.solve(gram, hidden[rest].T @ targets[rest])

    def likelihood(scale: float) -> float:
        outputs = scale * left_out
        return float((outputs[np.arange(40), codes] - np.log(np.exp(outputs).sum(1))).sum())

    scale = float(machine.scale)
    assert likelihood(scale) >= max(likelihood(scale * 1.1), likelihood(scale / 1.1))


def test_probabilities_sum_to_one_and_keep_the_order_of_the_outputs() -> None:
    inputs, codes = problem()
    machine = fit_extreme_learning(inputs, codes, 3, seed=0)
    probabilities = machine.probabilities(inputs)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
    np.testing.assert_array_equal(probabilities.argmax(1), machine.outputs(inputs).argmax(1))
    assert (probabilities.argmax(1) == codes).mean() > 0.7


def test_labels_that_mean_nothing_give_probabilities_near_chance() -> None:
    rng = np.random.default_rng(1)
    machine = fit_extreme_learning(rng.normal(size=(200, 6)), rng.integers(0, 2, 200), 2, seed=0)
    unseen = machine.probabilities(rng.normal(size=(200, 6)))
    assert np.abs(unseen - 0.5).mean() < 0.1


def test_a_class_without_training_utterances_is_not_predicted() -> None:
    inputs, codes = problem()
    machine = fit_extreme_learning(inputs, codes, 4, seed=0)
    assert machine.probabilities(inputs)[:, 3].max() < machine.probabilities(inputs).max()
    assert not (machine.probabilities(inputs).argmax(1) == 3).any()


def test_round_trip_and_damage(tmp_path) -> None:
    inputs, codes = problem()
    machine = fit_extreme_learning(inputs, codes, 3, seed=0)
    machine.save(tmp_path / "m.npz")
    again = ExtremeLearningMachine.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(again.probabilities(inputs), machine.probabilities(inputs))
    (tmp_path / "m.npz").write_bytes((tmp_path / "m.npz").read_bytes()[:300])
    with pytest.raises(DataError, match=r"m\.npz"):
        ExtremeLearningMachine.load(tmp_path / "m.npz")


@pytest.mark.parametrize("wrong", [{"units": 0}, {"ridge": 0.0}, {"ridge": float("nan")}])
def test_impossible_sizes_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="above 0"):
        fit_extreme_learning(*problem(), 3, seed=0, **wrong)
