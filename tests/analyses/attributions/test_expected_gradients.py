"""Expected gradients against closed forms, against shap, and their own standard errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from analyses.attributions.contract import Attribution
from analyses.attributions.expected_gradients import Estimate, ExpectedGradients
from analyses.attributions.gradient_rounds import GradientRounds
from msfl.errors import DataError, UsageError
from msfl.models.contract import Dataset
from msfl.models.msfl import MSFL, TrainedMSFL
from msfl.tasks import Task

D = 6


def sampled(
    function: Callable[[Any], Any], background: np.ndarray, data: Dataset, *, seed: int = 0, **options: Any
) -> list[Estimate]:
    """Explain one output of a function of the features alone."""
    explainer = ExpectedGradients(**{"samples": 8, "background": 64, **options})
    rounds = GradientRounds(
        lambda x, _: {"emotion": function(x)[:, None]}, ["emotion"], background, 1, explainer.samples
    )
    language = np.zeros((len(data), 1), dtype=np.float32)
    there, base = (function(tf.constant(values)).numpy() for values in (data.features, background))
    exact = list((there - base.mean())[:, None].astype(np.float64))
    return explainer.estimate(rounds, [((0, 0),)] * len(data), exact, data, language, seed)


def test_a_linear_function_is_exact_after_the_fewest_rounds(tools: Any) -> None:
    weights = np.array([2.0, -1.0, 0.0, 0.5, 0.0, 3.0], dtype=np.float32)
    background, data = tools.make_data(30, seed=1).features, tools.make_data(4)
    for row, one in enumerate(sampled(lambda x: tf.linalg.matvec(x, weights), background, data)):
        expected = weights * (data.features[row] - background.mean(0))
        np.testing.assert_allclose(one.values()[0], expected, atol=1e-5)
        assert one.rounds == 6
        assert one.errors().max() < 1e-6


def test_an_interaction_is_shared_in_halves_and_a_dummy_gets_nothing(tools: Any) -> None:
    """Aumann-Shapley of x0 x1 against the baseline zero: x0 x1 / 2 each."""
    background, data = np.zeros((16, D), dtype=np.float32), tools.make_data(3)
    for row, one in enumerate(sampled(lambda x: x[:, 0] * x[:, 1], background, data)):
        half = data.features[row, 0] * data.features[row, 1] / 2
        np.testing.assert_allclose(one.values()[0, :2], [half, half], rtol=0.1, atol=1e-3)
        assert np.all(one.values()[0, 2:] == 0)


def test_standard_errors_tell_the_true_error(tools: Any) -> None:
    """Over many draws the errors are as large as claimed: neither hidden nor exaggerated; the mean is unbiased.

    The truth: for f = x0 x1 and a point between x' and x, phi_0 = E[(x0 - x'0)(x'1 + (x1 - x'1) / 2)].
    """
    background, data = tools.make_data(20, seed=1).features, tools.make_data(1)
    many = data.subset(np.zeros(300, dtype=np.int64))
    many = Dataset(**{**vars(many), "utterances": np.array([f"u{row}" for row in range(300)])})
    found = sampled(lambda x: x[:, 0] * x[:, 1], background, many, tolerance=1e-9, least=12, most=12)
    x, other = data.features[0].astype(float), background.astype(float)
    truth = np.mean((x[0] - other[:, 0]) * (other[:, 1] + x[1]) / 2)
    values = np.array([one.values()[0, 0] for one in found])
    claimed = np.sqrt(np.mean([one.errors()[0, 0] ** 2 for one in found]))
    assert values.std() == pytest.approx(claimed, rel=0.2)
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(len(values)))


def test_more_rounds_until_the_error_is_small_enough(tools: Any) -> None:
    background, data = tools.make_data(40, seed=1).features, tools.make_data(5)
    loose, strict = (
        sampled(lambda x: tf.sin(3 * x[:, 0] * x[:, 1]), background, data, tolerance=tolerance, most=200)
        for tolerance in (0.5, 0.1)
    )
    assert sum(one.rounds for one in strict) > sum(one.rounds for one in loose)
    for one in strict:
        assert one.rounds == 200 or np.linalg.norm(one.errors()) <= 0.1 * max(
            np.linalg.norm(one.values()), 1e-3
        )


TASKS = (Task("emotion", ("anger", "joy", "neutral")), Task("language", ("de", "it")))


def with_tasks(data: Dataset, tasks: Sequence[Task]) -> Dataset:
    targets = {
        "emotion": 2 * np.random.default_rng(0).integers(0, 2, 100)[: len(data)],
        "language": (data.language == "it").astype(np.int64),
    }
    return Dataset(**{**vars(data), "tasks": tuple(tasks), "targets": targets})


@pytest.fixture(scope="module")
def trained(tools: Any) -> TrainedMSFL:
    """A tiny network of two tasks with random weights, far enough from linear."""
    train = with_tasks(tools.make_data(48, seed=1), TASKS)
    system = MSFL(members=2, units=3, step=2, size=5, gain=5.0, epochs=1).fit(train, None, seed=0)
    rng = np.random.default_rng(0)
    for weight in system.network.trainable_variables:
        weight.assign(weight + rng.normal(0, 0.4, size=weight.shape))
    return system


def explained(tools: Any, trained: TrainedMSFL, seed: int = 0, rows: int = 6, **options: Any) -> Attribution:
    train, test = (with_tasks(tools.make_data(n, seed=s), trained.tasks) for n, s in ((48, 1), (rows, 2)))
    subject = tools.make_subject(trained, train, test, model="msfl")
    return ExpectedGradients(**{"background": 48, **options}).explain(subject, seed=seed)


def test_all_classes_of_all_tasks_sum_to_nothing_and_to_their_probability(
    tools: Any, trained: TrainedMSFL
) -> None:
    found = explained(tools, trained, classes="all", tolerance=0.02, most=200, samples=16)
    assert len(found) == 6 * 5
    assert np.abs(found.completeness_error).max() < 0.02
    emotion = found.values[(found.keys["task"] == "emotion").to_numpy()].reshape(6, 3, D)
    np.testing.assert_allclose(emotion.sum(axis=1), 0, atol=1e-5)  # probabilities of all classes sum to one
    languages = found.values[(found.keys["task"] == "language").to_numpy()].reshape(6, 2, D)
    np.testing.assert_allclose(languages[:, 0], -languages[:, 1], atol=1e-5)
    assert (found.standard_error > 0).any()


def test_true_and_predicted_class_by_default_each_once(tools: Any, trained: TrainedMSFL) -> None:
    found = explained(tools, trained)
    keys = found.keys
    assert not keys.duplicated(["utterance", "task", "class"]).any()
    test = with_tasks(tools.make_data(6, seed=2), trained.tasks)
    prediction = trained.predict(test).probabilities
    for task in trained.tasks:
        for row, utterance in enumerate(test.utterances):
            mine = keys[(keys["utterance"] == utterance) & (keys["task"] == task.name)]["class"]
            codes = {int(test.targets[task.name][row]), int(prediction[task.name][row].argmax())}
            assert set(mine) == {task.classes[code] for code in codes}


def test_draws_of_an_utterance_do_not_depend_on_what_else_is_explained(tools, trained: TrainedMSFL) -> None:
    few, many = (explained(tools, trained, rows=rows, classes="all") for rows in (2, 6))
    merged = many.keys.reset_index().merge(few.keys, on=["utterance", "task", "class"])
    assert len(merged) == len(few)
    np.testing.assert_allclose(many.values[merged["index"]], few.values, atol=1e-6)


def test_equal_to_shap_within_the_sampling_error(tools: Any, trained: TrainedMSFL) -> None:
    """`shap.GradientExplainer` on the same network, background and language."""
    import shap

    train, test = (with_tasks(tools.make_data(n, seed=s), trained.tasks) for n, s in ((48, 1), (4, 2)))
    test = test.subset(test.language == "de")
    inputs = keras.Input((D,), name="features")
    told = keras.ops.zeros_like(inputs[:, :2]) + keras.ops.convert_to_tensor([[1.0, 0.0]])
    logits = trained.network({"features": inputs, "language": told})["emotion"]
    mean = keras.ops.mean(keras.ops.softmax(logits), axis=0)
    single = keras.Model(inputs, keras.layers.Identity()(mean))  # shap takes the output of the last layer
    draws = 3000
    theirs, variances = shap.GradientExplainer(single, train.features, batch_size=draws).shap_values(
        test.features, nsamples=draws, rseed=1, return_variances=True
    )
    theirs = np.asarray(theirs).reshape(len(test), D, 3)
    # shap divides the variance by sqrt(n), and so returns neither a variance nor an error of the mean
    their_errors = np.sqrt(np.asarray(variances).reshape(3, len(test), D).transpose(1, 2, 0) / np.sqrt(draws))
    subject = tools.make_subject(trained, train, test, model="msfl")
    found = ExpectedGradients(
        tasks=["emotion"], classes="all", background=48, samples=24, tolerance=0.01, most=100
    ).explain(subject, seed=3)
    ours = found.values.reshape(len(test), 3, D).transpose(0, 2, 1)
    assert found.standard_errors is not None
    errors = found.standard_errors.reshape(len(test), 3, D).transpose(0, 2, 1)
    deviation = (ours - theirs) / np.sqrt(errors**2 + their_errors**2 + 1e-12)
    possible = np.abs(theirs) > 1e-6
    assert np.abs(deviation[possible]).max() < 4.5
    assert np.sqrt(np.mean(deviation[possible] ** 2)) < 1.5
    assert np.sqrt(np.mean(errors**2)) < np.sqrt(np.mean(their_errors**2))


def test_a_network_without_language_or_members(tools: Any, trained: TrainedMSFL) -> None:
    """An ordinary Keras model with the input ``features`` and one output of logits."""
    inputs = keras.Input((D,), name="features")
    logits = keras.layers.Dense(2, name="head")(keras.layers.Dense(4, activation="tanh")(inputs))
    model = keras.Model(inputs, {"emotion": logits})
    train, test = tools.make_data(40, seed=1), tools.make_data(3, seed=2)
    system = SimpleNamespace(network=model, languages=(), feature_names=train.feature_names)
    found = ExpectedGradients(background=40, tolerance=0.02, most=100).explain(
        tools.make_subject(system, train, test), seed=0
    )
    assert np.abs(found.completeness_error).max() < 0.01
    assert set(found.keys["task"]) == {"emotion"}


def test_symmetric_features_get_equal_credit(tools: Any) -> None:
    inputs = keras.Input((D,), name="features")
    total = keras.ops.sum(
        inputs[:, :3], axis=1, keepdims=True
    )  # three features alike, three without influence
    model = keras.Model(inputs, {"emotion": keras.ops.concatenate([-total, total], axis=1)})
    train = tools.make_data(40, seed=1)
    alike = np.array(train.features)
    alike[:, 1] = alike[:, 2] = alike[:, 0]
    train = Dataset(**{**vars(train), "features": alike})
    test = train.subset(np.arange(3))
    system = SimpleNamespace(network=model, languages=(), feature_names=train.feature_names)
    found = ExpectedGradients(background=40).explain(tools.make_subject(system, train, test), seed=0)
    np.testing.assert_allclose(found.values[:, 0], found.values[:, 1], atol=1e-6)
    np.testing.assert_allclose(found.values[:, 0], found.values[:, 2], atol=1e-6)
    assert np.all(found.values[:, 3:] == 0)
    assert np.abs(found.values[:, 0]).min() > 1e-4


def test_sentences(tools: Any) -> None:
    with pytest.raises(UsageError, match="samples is 1"):
        ExpectedGradients(samples=1)
    with pytest.raises(UsageError, match="classes is 'best'"):
        ExpectedGradients(classes="best")
    data = tools.make_data(4)
    with pytest.raises(DataError, match="no Keras network"):
        ExpectedGradients().explain(tools.make_subject(SimpleNamespace(), data, data), seed=0)
