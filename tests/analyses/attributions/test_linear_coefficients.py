"""The coefficients of linear models: they sum to the margin that decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyses.attributions.linear import LinearCoefficients
from msfl.errors import DataError
from msfl.models.baselines import LinearSVM, LogisticRegression, RbfSVM
from msfl.models.contract import Dataset
from msfl.tasks import Task


def three_classes(tools: Any, count: int, seed: int) -> Dataset:
    """Three emotions that two features tell apart; Italian has only two of them."""
    data = tools.make_data(count, seed=seed)
    rng = np.random.default_rng(seed + 100)
    target = rng.integers(0, 3, count)
    target[(data.language == "it") & (target == 1)] = 0
    data.features[:, 0] += 2 * target
    data.features[:, 4] -= 3 * (target == 2)
    task = Task("emotion", ("anger", "joy", "neutral"))
    return Dataset(**{**vars(data), "tasks": (task,), "targets": {"emotion": target.astype(np.int64)}})


@pytest.mark.parametrize("system", [LinearSVM(C=0.1), LogisticRegression(C=1.0)])
def test_values_sum_to_the_margin(tools: Any, system: Any) -> None:
    train, test = three_classes(tools, 120, 1), three_classes(tools, 20, 2)
    model = system.fit(train, None, seed=0)
    found = LinearCoefficients(classes="all").explain(tools.make_subject(model, train, test), seed=0)
    assert np.abs(found.completeness_error).max() < 1e-4
    reached = (found.base_values + found.values.sum(1)).reshape(20, 3)
    german = test.language == "de"
    predicted = model.predict(test).probabilities["emotion"].argmax(1)
    # The class with the largest mean margin wins nearly always: it is beaten in votes only where they are close.
    assert np.mean(reached[german].argmax(1) == predicted[german]) >= 0.9
    # Of two possible classes the sign of the margin decides.
    assert ((reached[~german, 0] > 0) == (predicted[~german] == 0)).all()
    np.testing.assert_allclose(reached[~german, 0], -reached[~german, 2], atol=1e-4)


def test_a_joint_shift_of_all_scores_is_no_attribution(tools: Any) -> None:
    """Two-class logistic regression keeps one class at zero: both classes must still get opposite values."""
    train, test = tools.make_data(60, seed=1), tools.make_data(5, seed=2)
    train.features[:, 0] += 2 * train.targets["emotion"]
    model = LogisticRegression(C=1.0).fit(train, None, seed=0)
    found = LinearCoefficients(classes="all").explain(tools.make_subject(model, train, test), seed=0)
    np.testing.assert_allclose(found.values[::2], -found.values[1::2], atol=1e-6)
    weights = model.tasks[0].decision.weights
    expected = (weights[1] - weights[0]) * (test.features - train.features.mean(0))
    np.testing.assert_allclose(found.values[1::2], expected, atol=1e-5)


def test_a_model_that_is_not_linear(tools: Any) -> None:
    train = tools.make_data(30, seed=1)
    model = RbfSVM(C=1.0).fit(train, None, seed=0)
    with pytest.raises(DataError, match="no linear model"):
        LinearCoefficients().explain(tools.make_subject(model, train, train), seed=0)
