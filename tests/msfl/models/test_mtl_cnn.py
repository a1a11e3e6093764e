"""MTL-CNN from recordings to predictions, on sounds that only frames tell apart."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner

RATE = 16000
EXPERIMENT = """
name = "chirps"
[corpora]
chirps = {{ reader = "manifest", path = "chirps.csv" }}
[data]
features_table = "chirps.csv"
normalisation = "train"
[protocol]
name = "speaker-kfold:2"
[training]
models = {models}
seeds = 1
[model.mtl-cnn]
tasks = ["gender"]
channels = [8, 16]
kernels = [5, 3]
strides = [4, 2]
channel_dropout = 0.0   # of eight channels none can be spared
size = 16
epochs = 25
batch_size = 8
learning_rate = 3e-3
"""


def chirp(file, rising, voice, seconds=0.6):
    """A tone that rises (anger) or falls (sadness): its spectrum over the whole recording is the same."""
    time = np.arange(int(seconds * RATE)) / RATE
    place = time / seconds if rising else 1 - time / seconds
    frequency = voice * (1 + 3 * place)
    noise = np.random.default_rng(round(voice * 10) + rising).normal(0, 0.005, len(time))
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * np.cumsum(frequency) / RATE) + noise, RATE)


def make_corpus(folder, gender=lambda speaker: "female" if speaker % 2 else "male"):
    """Four speakers, and a features table that knows nothing."""
    rows = []
    rng = np.random.default_rng(0)
    for speaker in range(4):
        for take in range(10):
            stem = f"s{speaker}t{take}"
            chirp(folder / f"{stem}.wav", take % 2 == 0, 300 + 100 * (speaker % 2) + 8 * take + 20 * speaker)
            labels = {"file": f"{stem}.wav", "utterance": stem, "language": "de", "speaker": f"s{speaker}"}
            labels |= {"emotion": "sadness" if take % 2 else "anger", "gender": gender(speaker)}
            rows.append(labels | {"x": rng.normal(), "y": rng.normal()})
    pd.DataFrame(rows).to_csv(folder / "chirps.csv", index=False)


def run(*arguments):
    from msfl.cli import app

    result = CliRunner().invoke(app, [str(argument) for argument in arguments], standalone_mode=False)
    assert result.exception is None, result.exception
    return result


@pytest.fixture(scope="module")
def chirps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chirps")
    make_corpus(folder)
    (folder / "chirps.toml").write_text(EXPERIMENT.format(models='["mtl-cnn", "majority"]'))
    run("train", folder / "chirps.toml", "--out", folder / "run", "--jobs", 1, "-q")
    return folder


def test_frames_solve_what_a_majority_cannot(chirps):
    from msfl.runs import open_run

    found = open_run(chirps / "run").predictions
    found = found[found["task"] == "emotion"]
    right = (found["truth"] == found["predicted"]).groupby(found["model"]).mean()
    assert right["mtl-cnn"] > 0.9
    assert right["majority"] < 0.7


def test_the_run_holds_where_the_frames_lie_and_no_speech(chirps):
    folder = chirps / "run"
    table = pd.read_parquet(folder / "sequences" / "log-mel.parquet")
    assert len(table) == 40
    assert {"utterance", "key", "frames"} <= set(table.columns)
    job = next(folder.glob("jobs/*/embedding.parquet")).parent
    assert (job / "scaler-log-mel.npz").is_file()
    assert not list(folder.rglob("*.seq"))
    assert not list(folder.rglob("*.wav"))


def test_new_recordings_are_predicted(chirps, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    chirp(new / "up.wav", True, 350, 0.8)
    chirp(new / "down.wav", False, 350, 0.8)
    table = pd.DataFrame({"file": ["new/up.wav", "new/down.wav"], "x": 0.0, "y": 0.0})
    table.to_csv(tmp_path / "new.csv", index=False)
    answer = tmp_path / "answer.json"
    run(
        "predict",
        chirps / "run",
        "--features-table",
        tmp_path / "new.csv",
        "--model",
        "mtl-cnn",
        "--json",
        answer,
    )
    rows = {row["file"].rpartition("/")[2]: row for row in json.loads(answer.read_text())["predictions"]}
    assert rows["up.wav"]["emotion"] == "anger"
    assert rows["down.wav"]["emotion"] == "sadness"


@pytest.mark.parametrize(("gender", "words"), [("female", "one class"), (None, "no labels")])
def test_a_task_that_cannot_be_learnt_is_left_out_and_said(tmp_path, gender, words):
    from msfl.experiment import load_experiment
    from msfl.preparation import make_plan
    from msfl.selection import load_table, select

    make_corpus(tmp_path, lambda speaker: gender)
    (tmp_path / "chirps.toml").write_text(EXPERIMENT.format(models='["mtl-cnn", "majority"]'))
    experiment = load_experiment(tmp_path / "chirps.toml")
    plan = make_plan(experiment, select(load_table(experiment), experiment))
    sentences = [sentence for sentence in plan.warnings if "gender" in sentence and "left out" in sentence]
    assert sentences == [
        f"The task gender has {words} in the training part of the language set de: left out there by mtl-cnn."
    ]
