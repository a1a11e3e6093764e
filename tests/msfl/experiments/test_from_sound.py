"""From recordings to predictions: the same way with sound, including recordings that are none."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

from msfl.models.contract import Prediction, SystemEntry
from msfl.models.registry import registry
from msfl.runs import open_run


class Listener:
    """A system that reads frames and learns nothing."""

    name, paper, summary, multitask, inputs = "listener", "baseline", "for tests", False, ("log-mel",)
    uses_validation = False

    def fit(self, train, validation, *, seed, checkpoint=None):
        return self.load(None)

    def load(self, folder):
        return Heard()


class Heard:
    history = pd.DataFrame({"epoch": [0]})

    def predict(self, data):
        frames = data.sequences["log-mel"].lengths(10.0)
        assert len(frames) == len(data)
        assert (frames > 50).all()
        return Prediction({data.tasks[0].name: np.full((len(data), 2), 0.5, "f4")})

    def save(self, folder):
        pass


@pytest.fixture
def sounds(tmp_path, monkeypatch):
    """Buzzes of four speakers, high for anger and low for sadness; one file that is no sound."""
    monkeypatch.setenv("MSFL_CACHE", str(tmp_path / "cache"))
    rows = []
    for speaker in range(4):
        for emotion, pitch in (("anger", 240), ("sadness", 110)):
            for take in range(2):
                name = f"s{speaker}{emotion}{take}.wav"
                _buzz(tmp_path / name, pitch + 5 * speaker + take, 16000)
                rows.append({"file": name, "language": "de", "speaker": f"s{speaker}", "emotion": emotion})
    (tmp_path / "broken.wav").write_text("no sound")
    rows.append({"file": "broken.wav", "language": "de", "speaker": "s0", "emotion": "anger"})
    pd.DataFrame(rows).to_csv(tmp_path / "buzz.csv", index=False)
    (tmp_path / "buzz.toml").write_text(
        'name = "buzz"\n[corpora]\nbuzz = "manifest=buzz.csv"\n[data]\nfeatures = "eGeMAPSv02"\n'
        '[protocol]\nname = "loso"\n[training]\nmodels = ["linear-svm"]\n[model.linear-svm]\nC = 1.0\n'
    )
    return tmp_path


def _buzz(file, pitch, rate):
    time = np.arange(int(0.6 * rate)) / rate
    noise = np.random.default_rng(int(pitch)).normal(size=len(time))
    soundfile.write(file, 0.2 * np.sign(np.sin(2 * np.pi * pitch * time)) + 0.01 * noise, rate)


def test_bad_recordings_are_rows_and_the_rest_is_trained_and_predicted(sounds, msfl):
    result = msfl("train", sounds / "buzz.toml", "--out", sounds / "run", "--jobs", 1, "-q")
    assert result.exit_code == 1  # one recording gave no features
    run = open_run(sounds / "run")
    assert list(run.failures["utterance"]) == ["buzz/broken"]
    assert len(run.utterances) == 16
    assert set(run.utterances["encoding"]) == {"WAV/PCM_16"}
    assert (run.predictions["truth"] == run.predictions["predicted"]).mean() > 0.9

    new = sounds / "new"
    new.mkdir()
    _buzz(new / "high.wav", 235, 44100)
    _buzz(new / "low.flac", 118, 8000)
    (new / "empty.wav").touch()
    result = msfl("predict", sounds / "run", new, "--language", "de", "--json", sounds / "p.json")
    assert result.exit_code == 1  # one recording could not be read
    rows = {
        row["file"].rpartition("/")[2]: row
        for row in json.loads((sounds / "p.json").read_text())["predictions"]
    }
    assert rows["high.wav"]["emotion"] == "anger"
    assert rows["low.flac"]["emotion"] == "sadness"
    assert rows["empty.wav"]["problem"]
    assert "Fewer than" not in result.output  # train normalisation needs no company
    assert "empty.wav" in result.output


def test_a_file_that_no_experiment_names_is_told(sounds, msfl):
    text = (sounds / "buzz.toml").read_text()
    (sounds / "buzz.toml").write_text(text.replace("manifest=", "manifst="))
    result = msfl("show", sounds / "buzz.toml")
    assert result.exit_code == 2
    assert "Did you mean 'manifest'?" in str(result.exception)


def test_show_counts_without_extracting(sounds, msfl):
    result = msfl("show", sounds / "buzz.toml", "--json")
    assert result.exit_code == 0, result.exception
    plan = json.loads(result.output)["plan"]
    assert (plan["utterances"], plan["speakers"], len(plan["folds"]), plan["jobs"]) == (17, 4, 4, 4)
    assert not (sounds / "cache").exists()


def test_init_writes_what_show_reads_and_does_not_overwrite(sounds, msfl):
    file = sounds / "fresh.toml"
    assert msfl("init", file, "--corpus", f"manifest:mine={sounds / 'buzz.csv'}").exit_code == 0
    file.write_text(file.read_text().replace("speaker-kfold:5", "loso"))
    assert json.loads(msfl("show", file, "--json").output)["plan"]["utterances"] == 17
    again = msfl("init", file)
    assert again.exit_code == 2
    assert "--force" in str(again.exception)
    assert msfl("init", file, "--force").exit_code == 0
    assert msfl("init", sounds / "x.toml", "--corpus", "emdob=x").exit_code == 2


def test_models_lists_every_entry_with_its_paper(msfl):
    from msfl.models.registry import registry

    rows = json.loads(msfl("models", "--json").output)
    assert [row["name"] for row in rows] == list(registry())
    assert all(row["summary"] and row["paper"] for row in rows)


def test_a_run_gets_the_frames_that_only_a_later_model_reads(sounds, msfl, monkeypatch):
    monkeypatch.setitem(sys.modules, "listener_module", sys.modules[__name__])
    entries = {**registry(), "listener": SystemEntry("listener", "listener_module:Listener")}
    monkeypatch.setattr("msfl.models.registry.registry", lambda: entries)
    order = ("train", sounds / "buzz.toml", "--out", sounds / "run", "--jobs", 1, "-q")
    msfl(*order)
    before = {file: file.stat().st_mtime_ns for file in (sounds / "run" / "jobs").rglob("*.*")}
    assert before
    assert not (sounds / "run" / "sequences").exists()
    text = (sounds / "buzz.toml").read_text()
    (sounds / "buzz.toml").write_text(text.replace('["linear-svm"]', '["linear-svm", "listener"]'))
    msfl(*order)
    run = open_run(sounds / "run")
    assert {job.model: job.status for job in run.jobs} == {"linear-svm": "done", "listener": "done"}
    assert set(run.scores["model"]) == {"linear-svm", "listener"}
    frames = pd.read_parquet(sounds / "run" / "sequences" / "log-mel.parquet")
    assert sorted(frames["utterance"]) == sorted(run.utterances.index)
    assert {file: file.stat().st_mtime_ns for file in before} == before
