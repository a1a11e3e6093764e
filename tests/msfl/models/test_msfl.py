"""The shared-feature network: attention carries the importance, the file carries the network."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold

from msfl.errors import DataError
from msfl.models.contract import Dataset, System, TrainedSystem
from msfl.models.estimator import MSFLClassifier
from msfl.models.msfl import MSFL, MSFLPaper, MSFLSingleTask, TrainedMSFL
from msfl.tasks import Task

SMALL = {
    "members": 2,
    "units": 4,
    "step": 3,
    "size": 6,
    "epochs": 20,
    "min_steps": 0,
    "batch_size": 32,
    "gain": 30.0,
}


def planted(informative: tuple[int, ...], count: int = 240, features: int = 20, seed: int = 0) -> Dataset:
    """Two emotions that only `informative` features tell apart, in two languages."""
    rng = np.random.default_rng(seed)
    emotion = rng.integers(0, 2, count)
    language = np.where(np.arange(count) % 2 == 0, "de", "it")
    values = rng.normal(size=(count, features)).astype(np.float32)
    for column in informative:
        values[:, column] += 2.0 * (2 * emotion - 1)
    values = (values - values.mean(0)) / values.std(0)
    return Dataset(
        utterances=np.array([f"c/{row}" for row in range(count)]),
        features=values,
        feature_names=tuple(f"f{column}" for column in range(features)),
        tasks=(Task("emotion", ("anger", "neutral")), Task("language", ("de", "it"))),
        targets={"emotion": emotion.astype(np.int64), "language": (language == "it").astype(np.int64)},
        language=language,
        corpus=np.full(count, "c"),
        speaker=np.array([f"c/{row % 8}" for row in range(count)]),
    )


@pytest.fixture(scope="module")
def trained() -> TrainedMSFL:
    return MSFL(**SMALL).fit(planted((3,)), None, seed=1)


@pytest.mark.parametrize("position", [0, 9, 19])
def test_importance_cannot_hide_outside_the_attention(position: int) -> None:
    """The one informative feature gets the most attention wherever it stands in the sequence.

    In a network that passes LSTM states on, a late step can carry an early feature: attention would then sit on
    the wrong step.
    """
    system = MSFL(**SMALL).fit(planted((position,)), None, seed=2)
    unseen = planted((position,), seed=3)
    prediction = system.predict(unseen)
    right = prediction.probabilities["emotion"].argmax(1) == unseen.targets["emotion"]
    assert right.mean() > 0.9
    mean = prediction.attention.mean(0)
    assert mean.argmax() == position
    assert mean[position] > 2 * np.sort(mean)[-2]


def test_features_without_attention_do_not_act(trained: TrainedMSFL) -> None:
    """Closing a feature's weight takes away its whole influence: no path leads around the attention."""
    import keras

    network = keras.models.clone_model(trained.network)
    network.set_weights(trained.network.get_weights())
    layer = network.get_layer("feature_attention")
    layer.score.assign(np.zeros(layer.score.shape))  # no LSTM in the logits
    bias = layer.bias.numpy()
    bias[:, 3] = -1e6
    layer.bias.assign(bias)
    data = planted((3,), seed=5)
    rows = {"features": data.features.copy(), "language": np.zeros((len(data), 2), np.float32)}
    before = network(rows)["emotion"].numpy()
    rows["features"][:, 3] = np.random.default_rng(0).permutation(rows["features"][:, 3]) * 5
    np.testing.assert_allclose(network(rows)["emotion"].numpy(), before, atol=1e-5)


def test_contribution_is_bounded_by_attention(trained: TrainedMSFL) -> None:
    """The attended sum's part of a feature has length scale * sqrt(D) * alpha * |z|, no more."""
    layer = trained.network.get_layer("attended")
    features = np.zeros((1, 20), np.float32)
    features[0, 7] = 2.0
    attention = np.full((2, 1, 20), 0.05, np.float32)
    attention[:, 0, 7] = 0.3
    length = np.linalg.norm(layer([features, attention]).numpy(), axis=-1)[:, 0]
    np.testing.assert_allclose(length, np.exp(layer.scale.numpy().ravel()) * 20**0.5 * 0.3 * 2.0, rtol=1e-5)


def test_systems_fulfil_the_contract(trained: TrainedMSFL) -> None:
    assert isinstance(trained, TrainedSystem)
    for system in (MSFL(), MSFLPaper(), MSFLSingleTask()):
        assert isinstance(system, System)


@pytest.mark.parametrize("system", [MSFL(**SMALL | {"epochs": 2}), MSFLPaper(units=4, size=4, epochs=2)])
def test_round_trip_is_exact(system: MSFL, tmp_path) -> None:
    data = planted((3,))
    before = system.fit(data, None, seed=0)
    before.save(tmp_path)
    after = system.load(tmp_path)
    one, two = before.predict(data), after.predict(data)
    np.testing.assert_array_equal(one.attention, two.attention)
    np.testing.assert_array_equal(one.probabilities["emotion"], two.probabilities["emotion"])
    assert after.tasks == before.tasks
    assert after.languages == ("de", "it")
    pd.testing.assert_frame_equal(after.history, before.history)
    assert not list(tmp_path.glob("*.pkl"))


def test_damaged_model_is_one_sentence(tmp_path) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(DataError, match="does not hold a trained model"):
        MSFL().load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"), [("languages", None), ("languages", 3), ("feature_names", None), ("tasks", ["emotion"])]
)
def test_damaged_facts_are_one_sentence(trained: TrainedMSFL, tmp_path, key: str, value: object) -> None:
    trained.save(tmp_path)
    facts = json.loads((tmp_path / "model.json").read_text())
    assert list(facts) == ["tasks", "languages", "feature_names"]
    del facts[key]
    (tmp_path / "model.json").write_text(json.dumps(facts | ({} if value is None else {key: value})))
    with pytest.raises(DataError, match="does not hold a trained model that can be read") as caught:
        MSFL().load(tmp_path)
    if value is None:
        assert f"model.json has no '{key}'" in str(caught.value)


def test_attention_and_probabilities_sum_to_one(trained: TrainedMSFL) -> None:
    prediction = trained.predict(planted((3,), seed=9))
    np.testing.assert_allclose(prediction.attention.sum(1), 1, rtol=1e-4)
    for values in prediction.probabilities.values():
        np.testing.assert_allclose(values.sum(1), 1, rtol=1e-4)


def test_same_seed_same_model_other_seed_other_model() -> None:
    data = planted((3,))
    settings = SMALL | {"epochs": 2}
    first, again, other = (MSFL(**settings).fit(data, None, seed=seed).predict(data) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.attention, again.attention)
    assert not np.allclose(first.attention, other.attention)


def test_interrupted_training_goes_on_to_the_same_model(tmp_path, monkeypatch) -> None:
    """A training stopped after some epochs and started again gives the weights of one that was not stopped."""
    import msfl.checkpoint

    monkeypatch.setattr(msfl.checkpoint, "_EVERY", 0.0)
    data, settings = planted((3,)), SMALL | {"epochs": 5}
    whole = MSFL(**settings).fit(data, None, seed=3)
    saves = 0
    save = msfl.checkpoint.Checkpoint.save

    def stop_after_two(self, history, best):
        nonlocal saves
        save(self, history, best)
        saves += 1
        if saves == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(msfl.checkpoint.Checkpoint, "save", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        MSFL(**settings).fit(data, None, seed=3, checkpoint=tmp_path)
    assert (tmp_path / "training.npz").is_file()
    continued = MSFL(**settings).fit(data, None, seed=3, checkpoint=tmp_path)
    assert len(continued.history) == 5
    for one, two in zip(whole.network.get_weights(), continued.network.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_history_holds_every_step_of_the_balancer(trained: TrainedMSFL) -> None:
    history = trained.history
    assert len(history) == SMALL["epochs"]
    weights = np.array([np.concatenate(history[f"step_weight_{task}"]) for task in ("emotion", "language")])
    assert weights.shape[1] == SMALL["epochs"] * (240 // 32)
    np.testing.assert_allclose(weights.sum(0), 2, rtol=1e-4)
    assert weights.min() > 0
    assert history["loss_emotion"].iloc[-1] < history["loss_emotion"].iloc[0]


def test_missing_labels_of_a_task_are_masked() -> None:
    """Utterances without an emotion change nothing in the emotion head, and are no class of their own."""
    data = planted((3,))
    codes = data.targets["emotion"].copy()
    codes[::3] = -1
    hidden = Dataset(**{**data.__dict__, "targets": {**data.targets, "emotion": codes}})
    prediction = MSFL(**SMALL).fit(hidden, None, seed=1).predict(data)
    assert prediction.probabilities["emotion"].shape == (len(data), 2)
    right = prediction.probabilities["emotion"].argmax(1) == data.targets["emotion"]
    assert right[::3].mean() > 0.9


def test_language_unknown_or_never_seen_still_predicts(trained: TrainedMSFL) -> None:
    data = planted((3,), seed=4)
    for tag in ("", "ko"):
        other = Dataset(**{**data.__dict__, "language": np.full(len(data), tag)})
        right = trained.predict(other).probabilities["emotion"].argmax(1) == data.targets["emotion"]
        assert right.mean() > 0.75  # chance is .5


def test_classes_that_a_language_lacks_get_no_probability() -> None:
    data = planted((3,), count=240)
    emotion = data.targets["emotion"].copy()
    emotion[(data.language == "it") & (np.arange(len(data)) % 3 == 0)] = 2
    emotion[data.language == "de"] %= 2
    three = Dataset(
        **{
            **data.__dict__,
            "tasks": (Task("emotion", ("anger", "neutral", "sadness")), data.tasks[1]),
            "targets": {**data.targets, "emotion": emotion},
        }
    )
    found = MSFL(**SMALL | {"epochs": 3}).fit(three, None, seed=0).predict(three).probabilities["emotion"]
    assert found[data.language == "de", 2].max() < 1e-6
    assert found[data.language == "it", 2].max() > 0.1


def test_early_stopping_takes_the_best_epoch() -> None:
    data = planted((3,))
    rows = data.speaker == "c/0"
    system = MSFL(**SMALL | {"early_stopping": 2, "epochs": 30})
    assert system.uses_validation
    trained = system.fit(data.subset(~rows), data.subset(rows), seed=0)
    scores = trained.history["validation_uar"]
    assert len(scores) < 30
    found = trained.predict(data.subset(rows)).probabilities["emotion"].argmax(1)
    truth = data.targets["emotion"][rows]
    uar = np.mean([np.mean(found[(truth == c) & (data.language[rows] == "de")] == c) for c in (0, 1)])
    assert uar == pytest.approx(scores.max(), abs=1e-6)  # speaker 0 speaks one language


def test_estimator_is_a_scikit_learn_estimator() -> None:
    data = planted((3,))
    features = pd.DataFrame(data.features, columns=data.feature_names)
    labels = pd.DataFrame({"emotion": np.where(data.targets["emotion"] == 0, "anger", "neutral")})
    labels["language"] = data.language
    labels.loc[::5, "emotion"] = None
    small = {key: value for key, value in SMALL.items() if key != "epochs"}
    model = MSFLClassifier(**small, epochs=15, random_state=1)
    assert clone(model).get_params() == model.get_params()
    model.fit(features, labels)
    assert list(model.classes_) == ["anger", "neutral"]
    assert model.score(features, labels) > 0.85
    assert set(model.predict(features, task="language")) <= {"de", "it"}
    assert model.attention(features).mean(0).argmax() == 3
    search = GridSearchCV(
        clone(model).set_params(epochs=60), {"dropout": [0.1]}, cv=GroupKFold(2), refit=False
    )
    search.fit(features, data.targets["emotion"], groups=data.speaker)
    assert min(search.cv_results_["mean_test_score"]) > 0.8  # UAR on speakers that the model did not see


def test_estimator_keeps_numbers_as_labels_and_refuses_wrong_shapes() -> None:
    data = planted((3,))
    model = MSFLClassifier(**SMALL).fit(data.features, data.targets["emotion"])
    assert model.predict(data.features).dtype == np.int64
    with pytest.raises(ValueError, match="19 features"):
        model.predict(data.features[:, 1:])
    with pytest.raises(ValueError, match="one label per row"):
        MSFLClassifier().fit(data.features, data.targets["emotion"][1:])


def test_the_estimator_has_the_defaults_of_the_system() -> None:
    """scikit-learn wants the parameters written out a second time: they must not drift apart."""
    system, estimator = MSFL().parameters, MSFLClassifier().get_params()
    assert {name: value for name, value in estimator.items() if name != "random_state"} == {
        name: value for name, value in system.items() if name in estimator
    }


@pytest.mark.parametrize("wrong", [{"dropout": 1.0}, {"members": 0}, {"variant": "other"}])
def test_impossible_parameters_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MSFL(**wrong)


def test_another_order_changes_what_the_lstm_sees_and_nothing_else(tmp_path) -> None:
    """Without an LSTM the order is without effect; with one, the same weights see the features shuffled."""
    data = planted((3,))
    logits = [
        MSFL(**SMALL | {"epochs": 2, "min_steps": 0, "units": 0, "order": order})
        .fit(data, None, seed=1)
        .predict(data)
        for order in (0, 5)
    ]
    np.testing.assert_array_equal(*(one.probabilities["emotion"] for one in logits))
    first, other = (
        MSFL(**SMALL | {"epochs": 2, "min_steps": 0, "order": order}).fit(data, None, seed=1)
        for order in (0, 5)
    )
    assert np.abs(first.predict(data).attention - other.predict(data).attention).max() > 1e-6
    # the network with order 5 on its features is the network with order 0 on permuted ones
    other.network.set_weights(first.network.get_weights())
    steps = np.random.default_rng(5).permutation(20)
    names = ("sequence", "reordered", "lstm", "reordered_back")
    sequence, moved, lstm, back = (other.network.get_layer(name) for name in names)
    found = back(lstm(moved(sequence(data.features[:4])))).numpy()
    expected = lstm(sequence(data.features[:4]).numpy()[steps]).numpy()
    np.testing.assert_allclose(found[steps], expected, atol=1e-6)
    other.save(tmp_path)
    again = TrainedMSFL.load(tmp_path).predict(data)
    np.testing.assert_array_equal(again.attention, other.predict(data).attention)


def test_a_small_training_part_gets_more_epochs() -> None:
    data = planted((3,), count=70)  # two batches of 32 or more
    settings = SMALL | {"epochs": 2, "members": 1, "units": 0}
    assert len(MSFL(**settings).fit(data, None, seed=1).history) == 2
    assert len(MSFL(**settings | {"min_steps": 7}).fit(data, None, seed=1).history) == 4
