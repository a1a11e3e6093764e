"""The semi-supervised autoencoder: what unlabelled utterances teach, what collapses, what a run keeps of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from msfl.errors import DataError
from msfl.models.adversarial import collapses
from msfl.models.contract import MISSING, Dataset
from msfl.models.multitask import EMBEDDING, TrainedNetwork
from msfl.models.registry import get_system, is_multitask, tasks_of_system
from msfl.models.semi_supervised_aae import SemiSupervisedAAE
from msfl.tasks import Task
from msfl.training import predict_logits

QUICK = {
    "hidden": 32,
    "code": 2,
    "epochs": 12,
    "min_steps": 400,
    "batch_size": 50,
    "noise": 0.0,
    "dropout": 0.0,
    "pretraining": 0.5,
    "reconstruction": 10.0,
    "learning_rate": 3e-3,
}


def clusters(
    count: int, *, seed: int, features: int = 60, labelled: int = 10_000, apart: float = 0.3
) -> Dataset:
    """Two groups that lie apart in all features together and in none alone; labels name the groups.

    The direction is too weak to be learnt from a few labels, and the one of greatest variance: who looks at all
    utterances sees it without any label. `labelled` utterances of each group have their label.
    """
    direction = np.random.default_rng(99).normal(size=features)
    rng = np.random.default_rng(seed)
    emotion = rng.integers(0, 2, count)
    values = rng.normal(size=(count, features)) + np.outer(2 * emotion - 1, apart * direction)
    shown = emotion.astype(np.int64)
    for code in (0, 1):
        shown[np.flatnonzero(emotion == code)[labelled:]] = MISSING
    speaker = np.arange(count) % 6
    return Dataset(
        utterances=np.array([f"c/{row}" for row in range(count)]),
        features=values.astype(np.float32),
        feature_names=tuple(f"f{column}" for column in range(features)),
        tasks=(Task("emotion", ("anger", "neutral")), Task("speaker", tuple(f"c/{one}" for one in range(6)))),
        targets={"emotion": shown, "speaker": speaker.astype(np.int64)},
        language=np.full(count, "de"),
        corpus=np.full(count, "c"),
        speaker=np.array([f"c/{one}" for one in speaker]),
    )


def recall(trained: TrainedNetwork, data: Dataset) -> float:
    guess = trained.predict(data).probabilities["emotion"].argmax(1)
    truth = data.targets["emotion"]
    return float(np.mean([np.mean(guess[truth == code] == code) for code in (0, 1)]))


@pytest.fixture(scope="module")
def few() -> Dataset:
    return clusters(600, seed=1, labelled=4).with_tasks(("emotion",))


@pytest.fixture(scope="module")
def trained(few: Dataset) -> TrainedNetwork:
    return SemiSupervisedAAE(**QUICK).fit(few, None, seed=0)


def test_unlabelled_utterances_teach_what_the_supervised_twin_cannot_learn(
    few: Dataset, trained: TrainedNetwork
) -> None:
    test = clusters(400, seed=2).with_tasks(("emotion",))
    twin = get_system("semi-supervised-aae-supervised", **QUICK).fit(few, None, seed=0)
    assert recall(trained, test) > 0.9
    assert recall(twin, test) < 0.85


def test_every_loss_is_in_the_history(trained: TrainedNetwork) -> None:
    history = trained.history
    for column in ("loss_emotion", "reconstruction", "discriminator", "generator", "discriminator_accuracy"):
        assert np.isfinite(history[column]).all(), column
    assert len(history) == history["epoch"].nunique() >= QUICK["epochs"]
    assert history["reconstruction"].iloc[-1] < 0.5 * history["reconstruction"].iloc[0]
    assert trained.notes == ()


def test_the_prior_shapes_the_code(few: Dataset) -> None:
    """With the game the code is nearer to a standard Gaussian than without it."""
    spreads = {}
    for weight in (0.0, 1.0):
        one = SemiSupervisedAAE(
            **QUICK, adversarial=weight, discriminator_rate=2e-3, gradient_penalty=0.0
        ).fit(few, None, seed=0)
        code = one.predict(few).embedding
        assert code is not None
        spreads[weight] = float(np.abs(np.log(code.std(0))).mean())
    assert spreads[1.0] < 0.5 * spreads[0.0]


def far_codes(penalty: float) -> TrainedNetwork:
    """Codes of two far groups are two points, and nothing trains the encoder to spread them."""
    data = clusters(200, seed=1, features=20, apart=20.0)
    system = SemiSupervisedAAE(
        **{**QUICK, "code": 16}, adversarial=0.0, discriminator_rate=1e-2, gradient_penalty=penalty
    )
    return system.fit(data, None, seed=0)


def test_a_discriminator_that_always_wins_is_noticed() -> None:
    assert any("told codes from the prior" in note for note in far_codes(0.0).notes)


def test_the_gradient_penalty_keeps_the_discriminator_from_certainty() -> None:
    """Right it may be, but its slope stays one that an encoder could follow."""
    losses = {penalty: far_codes(penalty).history["discriminator"].iloc[-1] for penalty in (0.0, 10.0)}
    assert 4 * losses[0.0] < losses[10.0]


def history(**columns: float) -> pd.DataFrame:
    usual = {"discriminator_accuracy": 0.6, "discriminator_gradient": 0.1, "reconstruction": 0.5}
    return pd.DataFrame([usual | columns] * 8)


def test_other_collapses_are_noticed_and_a_balanced_game_is_none() -> None:
    rng = np.random.default_rng(0)
    code, features = rng.normal(size=(2, 100, 5)).astype(np.float32)
    assert collapses(history(), code, features) == ()
    assert collapses(history(discriminator_accuracy=0.5), code, features) == ()  # the game's own end
    assert "teaches the encoder nothing" in "".join(
        collapses(history(discriminator_accuracy=0.5, discriminator_gradient=0.0), code, features)
    )
    assert "hardly depends on the input" in "".join(collapses(history(), 0.01 * code, features))
    assert "no better than the mean" in "".join(collapses(history(reconstruction=1.1), code, features))
    passing = history(discriminator_accuracy=1.0)
    passing.loc[7, "discriminator_accuracy"] = 0.7
    assert collapses(passing, code, features) == ()


def test_the_twin_sees_labelled_utterances_only(few: Dataset) -> None:
    twin = get_system("semi-supervised-aae-supervised", **QUICK)
    noisy = replace(few, features=np.where(few.targets["emotion"][:, None] == MISSING, 9.0, few.features))
    first, second = (twin.fit(data, None, seed=0).predict(few).embedding for data in (few, noisy))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second)


def test_a_saved_model_predicts_the_same_in_a_fresh_process(
    few: Dataset, trained: TrainedNetwork, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    np.save(tmp_path / "features.npy", few.features)
    code = (
        "import sys, numpy as np; from pathlib import Path; from msfl.models.multitask import TrainedNetwork as T; "
        "from msfl.training import predict_logits as p; f = Path(sys.argv[1]); "
        "o = p(T.load(f).network, {'features': np.load(f / 'features.npy')}); "
        "np.savez(f / 'found.npz', **o)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, env=os.environ, capture_output=True
    )
    expected = predict_logits(trained.network, {"features": few.features})
    with np.load(tmp_path / "found.npz") as found:
        assert set(found) == {"emotion", EMBEDDING}
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6)


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discriminator, decoder, their optimisers and the draws from the prior all go on."""
    monkeypatch.setattr("msfl.checkpoint._EVERY", 0.0)
    data = clusters(90, seed=3, features=20, labelled=10)
    system = SemiSupervisedAAE(**{**QUICK, "epochs": 4, "min_steps": 0})
    whole = system.fit(data, None, seed=5)
    monkeypatch.setattr("msfl.training._has_stalled", lambda history, _: _raise(len(history) == 2))
    with pytest.raises(KeyboardInterrupt):
        system.fit(data, None, seed=5, checkpoint=tmp_path)
    monkeypatch.setattr("msfl.training._has_stalled", lambda history, _: False)
    assert (tmp_path / "training.npz").is_file()
    second = system.fit(data, None, seed=5, checkpoint=tmp_path)
    pd.testing.assert_frame_equal(second.history, whole.history)


def _raise(now: bool) -> bool:
    if now:
        raise KeyboardInterrupt
    return False


def test_labels_may_be_missing_in_any_task() -> None:
    """Without a gender, with one speaker, with a batch that has no emotion at all."""
    data = clusters(64, seed=4, features=12, labelled=1)
    gender = Task("gender", ("female", "male"))
    data = replace(
        data,
        tasks=(data.tasks[0], gender, data.tasks[1]),
        targets={**data.targets, "gender": np.full(64, MISSING), "speaker": np.zeros(64, dtype=np.int64)},
    )
    found = SemiSupervisedAAE(**{**QUICK, "epochs": 2, "min_steps": 0}).fit(data, None, seed=0)
    assert np.isfinite(found.history.select_dtypes("number").to_numpy()).all()
    assert all(np.isfinite(one).all() for one in found.predict(data).probabilities.values())


def test_all_labels_missing_is_one_sentence() -> None:
    data = clusters(32, seed=4, features=6)
    hidden = replace(data, targets={**data.targets, "emotion": np.full(32, MISSING)})
    with pytest.raises(DataError, match="No training utterance has a label of the task 'emotion'"):
        SemiSupervisedAAE(**QUICK).fit(hidden, None, seed=0)


@pytest.mark.parametrize("balancing", ["gradnorm", "pcgrad"])
def test_any_balancer_weighs_the_tasks(balancing: str) -> None:
    data = clusters(64, seed=5, features=12, labelled=16)
    found = SemiSupervisedAAE(**{**QUICK, "epochs": 2, "min_steps": 0}, balancing=balancing).fit(
        data, None, seed=0
    )
    assert np.isfinite(found.history["loss_speaker"]).all()
    assert np.isfinite(found.history["reconstruction"]).all()


def test_the_registry_names_the_tasks_of_each_form() -> None:
    asked = ("emotion", "language")
    whole = ("emotion", "arousal", "valence", "gender", "speaker")
    for name in ("semi-supervised-aae", "semi-supervised-aae-supervised"):
        assert tasks_of_system(name, asked, {}) == whole
        assert is_multitask(name)
    assert tasks_of_system("semi-supervised-aae-single-task", asked, {}) == ("emotion",)
    assert not is_multitask("semi-supervised-aae-single-task")
