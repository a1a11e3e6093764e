"""The frame-level form: statistics of posteriors against NumPy, padding, learning, files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from msfl.errors import DataError
from msfl.models.aggregated_frames import (
    AggregatedFrames,
    FrameLogits,
    MeanOverFrames,
    PosteriorStatistics,
    StackedFrames,
    TrainedFrames,
)
from msfl.models.contract import Dataset, TrainedSystem
from msfl.sequences.cache import SequenceCache, SequenceEntry
from msfl.sequences.kinds import sequence_kind
from msfl.sequences.sequences import Sequences
from msfl.tasks import Task

KIND = "egemaps-lld"
SMALL = {
    "units": 8,
    "size": 8,
    "stack": 2,
    "epochs": 12,
    "batch_size": 16,
    "learning_rate": 1e-2,
    "penalty": 1e-4,
}
NAMES = ("emotion", "gender", "naturalness")


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


@pytest.fixture(scope="module")
def frames() -> tuple[np.ndarray, np.ndarray]:
    """Logits of 3 utterances and their lengths in frames, of which two make a step: 5, 2 and 1 steps."""
    return np.random.default_rng(0).normal(0, 2, (3, 5, 4)).astype(np.float32), np.array(
        [[9.0], [4.0], [1.0]], "f4"
    )


def test_statistics_are_those_of_the_frames_of_an_utterance(frames) -> None:
    logits, lengths = frames
    found = PosteriorStatistics(2)(logits, lengths).numpy()
    for row, steps in enumerate((5, 2, 1)):
        own = softmax(logits[row, :steps])
        expected = np.concatenate([own.max(0), own.min(0), own.mean(0), (own > 0.3).mean(0)])
        np.testing.assert_allclose(found[row], expected, atol=1e-6)


def test_frames_are_members_in_training_and_padding_is_none_of_them(frames) -> None:
    logits, lengths = frames
    members = FrameLogits(2)(logits, lengths, training=True).numpy()
    assert members.shape == (5, 3, 4)
    np.testing.assert_array_equal(members[:, 0], logits[0])
    np.testing.assert_array_equal(members[:, 1], logits[1][[0, 0, 0, 1, 1]])
    np.testing.assert_array_equal(members[:, 2], logits[2][[0] * 5])
    mean = FrameLogits(2)(logits, lengths).numpy()
    np.testing.assert_allclose(np.exp(mean[1]), softmax(logits[1, :2]).mean(0), atol=1e-6)
    np.testing.assert_allclose(
        MeanOverFrames(2)(logits, lengths).numpy()[1], logits[1, :2].mean(0), atol=1e-6
    )


def test_stacked_frames_keep_every_value() -> None:
    values = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 5, 3)
    stacked = StackedFrames(2)(values).numpy()
    assert stacked.shape == (2, 3, 6)
    np.testing.assert_array_equal(stacked.reshape(2, 6, 3)[:, :5], values)
    assert not stacked.reshape(2, 6, 3)[:, 5].any()


def test_padding_changes_nothing() -> None:
    system = AggregatedFrames(units=4, size=4)
    tasks = (Task("emotion", ("anger", "neutral")), Task("gender", ("female", "male")))
    network = system.build(
        system.plan(Dataset(*[np.zeros((1, 0))] * 2, (), tasks, {}, *[np.zeros(1)] * 3), 0)
    )
    values = np.random.default_rng(0).normal(size=(2, 30, 25)).astype(np.float32)
    values[1, 21:] = 0
    lengths = np.array([[30.0], [21.0]], dtype=np.float32)
    together = network({KIND: values, f"{KIND}_frames": lengths})
    for extra in (0, 17):
        alone = network(
            {KIND: np.pad(values[1:, :21], ((0, 0), (0, extra), (0, 0))), f"{KIND}_frames": lengths[1:]}
        )
        for name, value in alone.items():
            np.testing.assert_allclose(value.numpy()[0], together[name].numpy()[1], atol=1e-5)


def corpus(folder: Path, count: int, seed: int) -> Dataset:
    """Two emotions in a descriptor whose sign turns with gender, which another descriptor tells.

    Utterances have lengths of their own, and a fifth of their frames says the opposite.
    """
    rng = np.random.default_rng(seed)
    emotion, gender = rng.integers(0, 2, (2, count))
    cache = SequenceCache(folder, sequence_kind(KIND))
    keys, lengths = [], rng.integers(20, 60, count)
    for row in range(count):
        values = rng.normal(0, 0.4, (int(lengths[row]), 25)).astype(np.float32)
        signs = np.where(rng.random(len(values)) < 0.2, -1, 1) * (2 * emotion[row] - 1)
        values[:, 0] += signs * 1.5 * (2 * gender[row] - 1)
        values[:, 1] += 1.5 * (2 * gender[row] - 1)
        keys.append(f"{seed:02x}{row:062x}")
        cache.put(keys[-1], SequenceEntry(values, "00" * 32))
    return Dataset(
        utterances=np.array([f"c/{row}" for row in range(count)]),
        features=np.zeros((count, 1), np.float32),
        feature_names=("f0",),
        tasks=(
            Task("emotion", ("anger", "neutral")),
            Task("gender", ("female", "male")),
        ),
        targets={"emotion": emotion.astype(np.int64), "gender": gender.astype(np.int64)},
        language=np.full(count, "de"),
        corpus=np.full(count, "c"),
        speaker=np.array([f"c/{row % 4}" for row in range(count)]),
        sequences={
            KIND: Sequences(
                KIND,
                np.array(keys),
                lengths.astype(np.int64),
                np.zeros((count, 25), np.float32),
                np.ones((count, 25), np.float32),
                folder,
            )
        },
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> tuple[Dataset, Dataset]:
    folder = tmp_path_factory.mktemp("cache")
    return corpus(folder, 128, 1), corpus(folder, 64, 2)


@pytest.fixture(scope="module")
def trained(data) -> TrainedFrames:
    return AggregatedFrames(tasks=("gender",), **SMALL).fit(data[0], None, seed=0)


def accuracy(system: TrainedSystem, data: Dataset, task: str = "emotion") -> float:
    return float((system.predict(data).probabilities[task].argmax(1) == data.targets[task]).mean())


def test_it_learns_what_a_majority_vote_cannot(trained: TrainedFrames, data) -> None:
    assert isinstance(trained, TrainedSystem)
    assert accuracy(trained, data[1]) > 0.85
    assert accuracy(trained, data[1], "gender") > 0.85
    prediction = trained.predict(data[1])
    assert prediction.embedding.shape == (64, 8)
    np.testing.assert_allclose(prediction.probabilities["emotion"].sum(1), 1, rtol=1e-5)


def test_the_machine_reads_the_posteriors_of_all_tasks(trained: TrainedFrames, data) -> None:
    assert trained.machine.kernel.shape == (4 * (2 + 2), 50)
    alone = AggregatedFrames(tasks=(), **SMALL | {"epochs": 1}).fit(
        data[0].with_tasks(("emotion",)), None, seed=0
    )
    assert alone.machine.kernel.shape == (4 * 2, 50)
    assert set(alone.predict(data[1]).probabilities) == {"emotion"}


def test_utterances_without_emotion_train_the_other_tasks(data) -> None:
    from dataclasses import replace

    targets = dict(data[0].targets)
    targets["emotion"] = np.where(np.arange(128) < 100, targets["emotion"], -1)
    system = AggregatedFrames(tasks=("gender",), **SMALL | {"epochs": 2})
    found = system.fit(replace(data[0], targets=targets), None, seed=0)
    assert np.isfinite(found.predict(data[1]).probabilities["emotion"]).all()


def test_early_stopping_looks_at_whole_utterances(data) -> None:
    system = AggregatedFrames(tasks=("gender",), **SMALL | {"epochs": 2, "early_stopping": 1})
    assert system.uses_validation
    found = system.fit(data[0], data[1], seed=0)
    assert found.history["validation_uar"].between(0, 1).all()


def test_fresh_process_predicts_the_same_and_damage_is_a_sentence(
    trained: TrainedFrames, data, tmp_path
) -> None:
    trained.save(tmp_path)
    again = AggregatedFrames().load(tmp_path)
    here = trained.predict(data[1])
    np.testing.assert_allclose(
        again.predict(data[1]).probabilities["emotion"], here.probabilities["emotion"], atol=1e-6
    )
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from msfl.models.registry import get_system\n"
        "found = get_system('aggregated-mtl-frames').load(Path(sys.argv[1]))\n"
        "print(found.machine.kernel.shape, sorted(found.network.output))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, timeout=120, text=True
    )
    assert "(16, 50)" in done.stdout
    assert "statistics_gender" in done.stdout
    (tmp_path / "extreme_learning.npz").unlink()
    with pytest.raises(DataError, match="extreme_learning"):
        AggregatedFrames().load(tmp_path)


@pytest.mark.parametrize("wrong", [{"stack": 0}, {"machine_units": 0}, {"ridge": 0.0}, {"tasks": ("age",)}])
def test_impossible_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"it is|must be|there are"):
        AggregatedFrames(**wrong)
