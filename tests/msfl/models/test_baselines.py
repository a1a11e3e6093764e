from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as SklearnLogistic
from sklearn.svm import SVC

from msfl.errors import DataError
from msfl.models.baselines import (
    GradientBoosting,
    LinearSVM,
    LogisticRegression,
    Majority,
    RbfSVM,
)
from msfl.models.contract import MISSING, Dataset, System, TrainedSystem
from msfl.models.registry import get_system, is_baseline, registry
from msfl.tasks import Task

EMOTION = Task("emotion", ("anger", "boredom", "fear", "neutral"))
LANGUAGE = Task("language", ("de", "it"))
D = 12


def make_data(
    n: int = 120, *, seed: int = 0, tasks: tuple[Task, ...] = (EMOTION, LANGUAGE), noise: float = 1.0
):
    """German has all emotions, Italian no boredom; features carry both labels."""
    rng = np.random.default_rng(seed)
    language = np.where(np.arange(n) % 2, "it", "de")
    emotion = rng.integers(0, 4, n)
    emotion[(language == "it") & (emotion == 1)] = 2
    centres = np.random.default_rng(99).normal(size=(4, D))
    features = centres[emotion] + noise * rng.normal(size=(n, D)) + (language == "it")[:, None]
    return Dataset(
        utterances=np.array([f"aa/{seed}-{i}" for i in range(n)]),
        features=features.astype(np.float32),
        feature_names=tuple(f"f{j}" for j in range(D)),
        tasks=tasks,
        targets={"emotion": emotion, "language": (language == "it").astype(np.int64)},
        language=language,
        corpus=language,
        speaker=np.array([f"s{i % 10}" for i in range(n)]),
    )


def small(name: str) -> System:
    return get_system(name)


NAMES = [name for name in registry() if is_baseline(name)]


@pytest.mark.parametrize("name", NAMES)
def test_every_baseline_fulfils_the_contract(name):
    system = small(name)
    assert isinstance(system, System)
    train, test = make_data(), make_data(seed=1, n=60)
    trained = system.fit(train, None, seed=3)
    assert isinstance(trained, TrainedSystem)
    prediction = trained.predict(test).probabilities
    for task in (EMOTION, LANGUAGE):
        p = prediction[task.name]
        assert p.shape == (60, len(task.classes))
        assert p.dtype == np.float32
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
        assert (p >= 0).all()
    again = system.fit(train, None, seed=3).predict(test).probabilities
    np.testing.assert_array_equal(prediction["emotion"], again["emotion"])
    if name != "majority":
        right = prediction["emotion"].argmax(axis=1) == test.targets["emotion"]
        assert right.mean() > 0.55


@pytest.mark.parametrize("name", NAMES)
def test_classes_that_a_language_never_has_are_masked(name):
    # With much noise, an unmasked model does say boredom for Italian.
    train, test = make_data(noise=4.0), make_data(seed=1, noise=4.0)
    italian = test.language == "it"
    masked = small(name).fit(train, None, seed=0).predict(test).probabilities
    assert (masked["emotion"][italian, 1] == 0).all()
    assert (masked["emotion"][~italian, 1] > 0).all()
    # The language itself is not given away by the mask.
    assert (masked["language"] > 0).all()
    plain = type(small(name))(mask=False).fit(train, None, seed=0).predict(test).probabilities
    assert (plain["emotion"][italian, 1] > 0).all()


def test_an_unknown_language_is_not_masked():
    test = make_data(seed=1)
    test.language[:] = "zh"
    p = LinearSVM().fit(make_data(), None, seed=0).predict(test).probabilities["emotion"]
    assert (p > 0).all()


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            LinearSVM(C=0.05, mask=False),
            SVC(C=0.05, kernel="linear", class_weight="balanced", break_ties=True),
        ),
        (RbfSVM(C=2.0, mask=False), SVC(C=2.0, class_weight="balanced", break_ties=True)),
        (
            LogisticRegression(C=0.1, mask=False),
            SklearnLogistic(C=0.1, class_weight="balanced", max_iter=200, tol=1e-3),
        ),
    ],
)
def test_predictions_equal_scikit_learn(ours, theirs, classes):
    train, test = make_data(noise=2.0), make_data(seed=1, noise=2.0)
    train = train.subset(train.targets["emotion"] < classes)
    p = ours.fit(train, None, seed=0).predict(test).probabilities["emotion"]
    theirs.fit(train.features, train.targets["emotion"])
    np.testing.assert_array_equal(p.argmax(axis=1), theirs.predict(test.features))
    if classes > 2 and isinstance(theirs, SVC):
        scores = theirs.decision_function(test.features)
        expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(p[:, :classes], expected, atol=1e-4)
    if isinstance(theirs, SklearnLogistic):
        np.testing.assert_allclose(p[:, :classes], theirs.predict_proba(test.features), atol=1e-5)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "gradient-boosting"])
def test_saved_arrays_predict_the_same(name, tmp_path):
    test = make_data(seed=1)
    trained = small(name).fit(make_data(), None, seed=0)
    trained.save(tmp_path)
    read = small(name).load(tmp_path)
    for task, p in trained.predict(test).probabilities.items():
        np.testing.assert_array_equal(read.predict(test).probabilities[task], p)
    with np.load(tmp_path / "baseline.npz", allow_pickle=False) as arrays:
        assert all(values.dtype != object for values in arrays.values())


def test_damaged_and_absent_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="missing or damaged"):
        LinearSVM().load(tmp_path)
    (tmp_path / "baseline.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(DataError, match="missing or damaged"):
        LinearSVM().load(tmp_path)
    np.savez(tmp_path / "baseline.npz", tasks=np.array(["emotion"]))
    with pytest.raises(DataError, match="missing or damaged"):
        LinearSVM().load(tmp_path)


def test_gradient_boosting_keeps_predictions_only(tmp_path):
    GradientBoosting(iterations=2).fit(make_data(), None, seed=0).save(tmp_path)
    assert not list(tmp_path.iterdir())
    assert not GradientBoosting.keeps_weights
    with pytest.raises(DataError, match="keeps its predictions only"):
        GradientBoosting().load(tmp_path)


def test_majority_gives_the_class_frequencies():
    train = make_data()
    p = Majority(mask=False).fit(train, None, seed=0).predict(make_data(seed=1, n=5)).probabilities
    share = np.bincount(train.targets["emotion"], minlength=4) / len(train)
    np.testing.assert_allclose(p["emotion"], np.tile(share, (5, 1)), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_missing_labels_are_not_trained_on(name):
    full = make_data()
    lacking = make_data()
    gone = np.arange(len(full)) % 3 == 0
    lacking.targets["emotion"][gone] = MISSING
    lacking.features[gone] = 1e3  # would show
    test = make_data(seed=1)
    a = small(name).fit(lacking.with_tasks(("emotion",)), None, seed=0).predict(test).probabilities
    b = small(name).fit(full.subset(~gone).with_tasks(("emotion",)), None, seed=0).predict(test).probabilities
    assert set(a) == {"emotion"}
    np.testing.assert_array_equal(a["emotion"], b["emotion"])


def test_validation_speakers_are_trained_on_too():
    train, validation, test = make_data(60), make_data(60, seed=5), make_data(seed=1)
    together = make_data(60)
    object.__setattr__(together, "features", np.concatenate([train.features, validation.features]))
    for name in ("utterances", "language", "corpus", "speaker"):
        joined = np.concatenate([getattr(train, name), getattr(validation, name)])
        object.__setattr__(together, name, joined)
    for task in together.targets:
        together.targets[task] = np.concatenate([train.targets[task], validation.targets[task]])
    a = LinearSVM().fit(train, validation, seed=0).predict(test).probabilities["emotion"]
    b = LinearSVM().fit(together, None, seed=0).predict(test).probabilities["emotion"]
    np.testing.assert_array_equal(a, b)
    assert not LinearSVM().uses_validation


def test_rbf_svm_chooses_c_on_the_validation_speakers():
    train, validation, test = make_data(noise=3.0), make_data(seed=5, noise=3.0), make_data(seed=1, noise=3.0)
    assert RbfSVM().uses_validation
    assert not RbfSVM(C=1.0).uses_validation
    recalls = []
    for C in RbfSVM.GRID:
        p = RbfSVM(C=C).fit(train, None, seed=0).predict(validation).probabilities["emotion"].argmax(axis=1)
        per_corpus = []
        for name in ("de", "it"):
            rows = validation.corpus == name
            truth = validation.targets["emotion"][rows]
            per_corpus.append(np.mean([(p[rows][truth == c] == c).mean() for c in np.unique(truth)]))
        recalls.append(np.mean(per_corpus))
    best = RbfSVM.GRID[int(np.argmax(recalls))]
    assert len(set(recalls)) > 1
    chosen = RbfSVM().fit(train, validation, seed=0).predict(test).probabilities["emotion"]
    fixed = RbfSVM(C=best).fit(train, validation, seed=0).predict(test).probabilities["emotion"]
    np.testing.assert_array_equal(chosen, fixed)


@pytest.mark.parametrize("name", NAMES)
def test_a_single_class_is_predicted_without_a_fit(name):
    train = make_data()
    train.targets["emotion"][:] = 2
    p = small(name).fit(train, None, seed=0).predict(make_data(seed=1)).probabilities["emotion"]
    np.testing.assert_array_equal(p, np.tile([0, 0, 1, 0], (120, 1)))


def test_impossible_data_are_refused():
    train = make_data()
    other = make_data()
    object.__setattr__(other, "feature_names", tuple(reversed(other.feature_names)))
    trained = LinearSVM().fit(train, None, seed=0)
    with pytest.raises(DataError, match="trained on 12 features"):
        trained.predict(other)
    nan = make_data()
    nan.features[7, 3] = np.nan
    with pytest.raises(DataError, match="'aa/0-7' is not a finite number"):
        LinearSVM().fit(nan, None, seed=0)
    train.targets["emotion"][:] = MISSING
    with pytest.raises(DataError, match="No training utterance has a label of the task 'emotion'"):
        LinearSVM().fit(train, None, seed=0)


def test_gradient_boosting_looks_at_the_telling_features_only():
    train, test = make_data(noise=0.5), make_data(seed=1, noise=0.5)
    # Feature 0 alone tells the emotion, the rest are noise.
    rng = np.random.default_rng(0)
    for part in (train, test):
        part.features[:] = rng.normal(size=part.features.shape)
        part.features[:, 0] = part.targets["emotion"] + 0.1 * rng.normal(size=len(part))
    trained = GradientBoosting(features=1, iterations=5).fit(train, None, seed=0)
    p = trained.predict(test).probabilities["emotion"]
    assert (p.argmax(axis=1) == test.targets["emotion"]).mean() > 0.9
