"""attention-e2e: each task attends to its own part of the recording; nothing depends on padding; from wave to table."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile

from msfl.audio import SAMPLING_RATE
from msfl.content_cache import default_folder
from msfl.execution import train as train_experiment
from msfl.experiment import load_experiment
from msfl.models.attention_e2e import STEP, AttentionE2E
from msfl.models.contract import Dataset
from msfl.models.multitask import SHARED, NetworkPlan, TrainedNetwork
from msfl.models.registry import is_multitask, tasks_of_system
from msfl.runs import TIME_ATTENTION, open_run
from msfl.sequences.cache import SequenceCache, SequenceEntry
from msfl.sequences.kinds import sequence_kind
from msfl.sequences.sequences import Sequences
from msfl.tasks import Task

TASKS = (Task("emotion", ("anger", "neutral", "sadness")), Task("arousal", ("high", "low")))
TONES = {"emotion": (500, 1000, 2000), "arousal": (3000, 5000)}
SMALL = {"channels": 12, "units": 16, "dropout": 0.0, "batch_size": 16, "learning_rate": 6e-3}
HALF = 0.4
"""Seconds: the emotion's tone lies within the first half of a recording, that of arousal within the second."""


def tone(hertz: int, seconds: float, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLING_RATE)) / SAMPLING_RATE
    return np.sqrt(2) * np.sin(2 * np.pi * hertz * time + rng.uniform(0, 2 * np.pi))


def planted(count: int, seed: int) -> Dataset:
    """Noise with a tone of 0.15 s somewhere in each half; the first says the emotion, the second arousal."""
    rng = np.random.default_rng(seed)
    targets = {task.name: rng.integers(0, len(task.classes), count) for task in TASKS}
    waves = []
    for row in range(count):
        wave = rng.normal(0, 0.3, int(2 * HALF * SAMPLING_RATE) - 37 * (row % 5))
        for half, task in enumerate(TASKS):
            start = int((half * HALF + rng.uniform(0.05, 0.2)) * SAMPLING_RATE)
            sound = tone(TONES[task.name][targets[task.name][row]], 0.15, rng)
            wave[start : start + len(sound)] += sound
        waves.append(wave.astype(np.float32))
    return dataset(waves, targets)


def dataset(waves: list[np.ndarray], targets: dict[str, np.ndarray]) -> Dataset:
    kind = sequence_kind("wave")
    cache = SequenceCache(default_folder(), kind)
    for wave in waves:
        cache.put(key_of(wave), SequenceEntry(wave[:, None] / 10, "0" * 64))
    flat = np.zeros((len(waves), 1), np.float32)
    lengths = np.array([len(wave) for wave in waves])
    keys = np.array([key_of(wave) for wave in waves])
    sequences = Sequences("wave", keys, lengths, flat, flat + 10, default_folder())
    return Dataset(
        utterances=keys,
        features=flat,
        feature_names=("f",),
        tasks=TASKS,
        targets=targets,
        language=np.array(["de"] * len(waves)),
        corpus=np.array(["c"] * len(waves)),
        speaker=np.array(["s"] * len(waves)),
        sequences={"wave": sequences},
    )


def key_of(wave: np.ndarray) -> str:
    return hashlib.sha256(wave.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def train() -> Dataset:
    return planted(160, 0)


@pytest.fixture(scope="module")
def test() -> Dataset:
    return planted(60, 1)


@pytest.fixture(scope="module")
def trained(train) -> TrainedNetwork:
    return AttentionE2E(**SMALL, epochs=24).fit(train, None, seed=0)


def accuracy(prediction, data, task) -> float:
    return float((prediction.probabilities[task].argmax(1) == data.targets[task]).mean())


def test_each_task_attends_to_its_own_part(trained, test):
    found = trained.predict(test)
    assert accuracy(found, test, "emotion") > 0.85  # the most frequent of three: about .36
    assert accuracy(found, test, "arousal") > 0.9
    steps = int((HALF + 0.1) / found.step_seconds)  # what was heard stays in memory until the next tone comes
    mean = {
        task: np.mean([weights[: int(2 * HALF / found.step_seconds) - 1] for weights in rows], axis=0)
        for task, rows in found.time_attention.items()
    }
    assert mean["emotion"].argmax() < steps + 2 < mean["arousal"].argmax()
    assert mean["emotion"][:steps].sum() > mean["arousal"][:steps].sum() + 0.15


def test_the_main_task_is_that_of_the_experiment():
    assert tasks_of_system("attention-e2e", ("emotion",), {}) == (
        "emotion",
        "arousal",
        "valence",
        "dominance",
    )
    assert tasks_of_system("attention-e2e", ("arousal",), {}) == ("arousal", "valence", "dominance")
    assert tasks_of_system("attention-e2e-single-task", ("emotion", "language"), {}) == ("emotion",)
    assert is_multitask("attention-e2e")
    assert not is_multitask("attention-e2e-single-task")


def test_weights_sum_to_one_and_cover_the_recording(trained, test):
    found = trained.predict(test)
    lengths = test.sequences["wave"].frames
    assert found.step_seconds == pytest.approx(STEP / SAMPLING_RATE, rel=0.02)
    assert found.embedding.shape == (len(test), SMALL["units"])
    for rows in found.time_attention.values():
        for weights, length in zip(rows, lengths, strict=True):
            assert weights.sum() == pytest.approx(1, abs=1e-5)
            assert len(weights) == -(-length // STEP)


def test_padding_changes_nothing(trained):
    rng = np.random.default_rng(5)
    short = rng.normal(size=4567).astype(np.float32)
    long = rng.normal(size=20011).astype(np.float32)
    none = {task.name: np.zeros(2, int) for task in TASKS}
    together = trained.predict(dataset([short, long], none))
    alone = trained.predict(dataset([short], {name: codes[:1] for name, codes in none.items()}))
    for task in ("emotion", "arousal"):
        np.testing.assert_allclose(
            together.probabilities[task][:1], alone.probabilities[task], rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(
            together.time_attention[task][0], alone.time_attention[task][0], rtol=1e-3, atol=1e-5
        )


@pytest.mark.parametrize("samples", [1, 19, 320, 321])
def test_recordings_shorter_than_a_frame_are_predicted(trained, samples):
    waves = [np.linspace(0, 1, samples, dtype=np.float32)]
    found = trained.predict(dataset(waves, {task.name: np.zeros(1, int) for task in TASKS}))
    assert np.isfinite(found.probabilities["emotion"]).all()
    assert [len(rows[0]) for rows in found.time_attention.values()] == [-(-samples // STEP)] * 2


def test_of_a_long_recording_the_middle_is_read(trained):
    rng = np.random.default_rng(6)
    middle = rng.normal(size=SAMPLING_RATE).astype(np.float32)
    ends = rng.normal(size=(2, 16 * 320)).astype(np.float32)
    none = {task.name: np.zeros(1, int) for task in TASKS}
    one_second = replace(trained, longest=1.0)
    whole = one_second.predict(dataset([np.concatenate([ends[0], middle, ends[1]])], none))
    part = one_second.predict(dataset([middle], none))
    np.testing.assert_allclose(whole.probabilities["emotion"], part.probabilities["emotion"], rtol=1e-5)
    assert len(whole.time_attention["emotion"][0]) * whole.step_seconds == pytest.approx(1.0)


def test_a_saved_model_predicts_the_same_in_a_fresh_process(trained, tmp_path):
    trained.save(tmp_path)
    wave = np.random.default_rng(7).normal(size=(1, 9000, 1)).astype(np.float32)
    frames = np.full((1, 1), 9000, np.float32)
    expected = {
        key: value.numpy() for key, value in trained.network({"wave": wave, "wave_frames": frames}).items()
    }
    np.savez(
        tmp_path / "expected.npz", wave=wave, frames=frames, **{f"o_{k}": v for k, v in expected.items()}
    )
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from msfl.models.multitask import TrainedNetwork\n"
        "folder = Path(sys.argv[1]); known = np.load(folder / 'expected.npz')\n"
        "found = TrainedNetwork.load(folder).network({'wave': known['wave'], 'wave_frames': known['frames']})\n"
        "for key, value in found.items():\n"
        "    np.testing.assert_allclose(value.numpy(), known['o_' + key], rtol=1e-5, atol=1e-6)\n"
        "print(sorted(found))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "time_attention_arousal" in done.stdout


def test_gradnorm_reads_the_kernel_of_the_last_shared_layer(train):
    system = AttentionE2E(**SMALL, epochs=1, balancing="gradnorm")
    network = system.build(NetworkPlan(TASKS, {"wave": 1}, 0))
    assert network.get_layer(SHARED).kernel.shape == (16, 64)
    history = system.fit(train.subset(np.arange(32)), None, seed=0).history
    weights = history.filter(regex="^weight_").to_numpy()
    assert np.isfinite(weights).all()
    assert (weights != 1).any()


def test_from_recordings_to_the_table_of_attention(tmp_path, monkeypatch):
    monkeypatch.setenv("MSFL_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    rows = []
    for speaker in range(2):
        for emotion, pitch in (("anger", 400), ("sadness", 150)):
            for take in range(3):
                name = f"s{speaker}{emotion}{take}.wav"
                sound = 0.2 * tone(pitch + 9 * speaker, 0.3 + 0.1 * take, rng)
                soundfile.write(tmp_path / name, sound + rng.normal(0, 0.01, len(sound)), SAMPLING_RATE)
                rows.append({"file": name, "language": "de", "speaker": f"s{speaker}", "emotion": emotion})
    pd.DataFrame(rows).to_csv(tmp_path / "tones.csv", index=False)
    (tmp_path / "tones.toml").write_text(
        'name = "tones"\n[corpora]\ntones = "manifest=tones.csv"\n[data]\nfeatures = "eGeMAPSv02"\n'
        '[protocol]\nname = "loso"\n[training]\nmodels = ["attention-e2e"]\n'
        "[model.attention-e2e]\nepochs = 1\nbatch_size = 6\n"
    )
    train_experiment(load_experiment(tmp_path / "tones.toml"), tmp_path / "run", jobs=1, progress=False)
    run = open_run(tmp_path / "run")
    for job in run.jobs:
        assert (run.job_folder(job.id) / TIME_ATTENTION).is_file()
        # Both emotions have the same valence, and nothing has dominance.
        assert [task.name for task in job.tasks] == ["emotion", "arousal"]
    assert run.models_over_time() == ("attention-e2e",)
    table = run.time_attention()
    assert len(table) == len(run.utterances) * 2
    assert [sum(weights) for weights in table["weights"]] == pytest.approx([1] * len(table), abs=1e-5)
    seconds = table["step_seconds"] * table["weights"].map(len)
    durations = run.utterances["duration"].loc[table["utterance"]].to_numpy()
    assert np.abs(seconds - durations).max() <= STEP / SAMPLING_RATE
    one = run.time_attention(utterance="tones/s0anger2")
    assert list(one["task"]) == ["emotion", "arousal"]
