"""Training end to end on a table of features: resume, kill, repeatability, and what is refused."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import msfl as package
from msfl.errors import DataError, UsageError
from msfl.execution import train
from msfl.models.contract import Prediction, SystemEntry
from msfl.models.registry import registry
from msfl.runs import open_run

ROOT = Path(package.__file__).parents[1]


class Thinker:
    """A system with attention, several tasks and a checkpoint, that learns nothing; parameters steer it."""

    name, paper, summary, multitask = "thinker", "baseline", "for tests", True

    def __init__(self, balancing="fixed", stop_at=None, break_on=None):
        self.balancing, self.stop_at, self.break_on = balancing, stop_at, break_on

    def fit(self, train, validation, *, seed, checkpoint=None):
        self.seen = train
        if self.break_on in set(train.language):
            raise RuntimeError("broken on purpose")
        if self.stop_at is not None:
            before = int((checkpoint / "epoch").read_text()) if (checkpoint / "epoch").exists() else 0
            (checkpoint / "epoch").write_text(str(before + 1))
            if before + 1 < self.stop_at:
                raise KeyboardInterrupt
        return Thought(train, seed)

    def load(self, folder):
        return Thought(None, json.loads((folder / "thought.json").read_text())["seed"])


class Thought:
    def __init__(self, train, seed):
        self.seed = seed
        self.history = pd.DataFrame({"epoch": [0], "loss": [1.0]})

    def predict(self, data):
        rng = np.random.default_rng(self.seed)
        weights = rng.dirichlet(np.ones(data.features.shape[1]), len(data)).astype("f4")
        chances = {task.name: np.eye(len(task.classes), dtype="f4")[[0] * len(data)] for task in data.tasks}
        return Prediction(chances, weights)

    def save(self, folder):
        (folder / "thought.json").write_text(json.dumps({"seed": self.seed}))


@pytest.fixture
def thinker(monkeypatch):
    monkeypatch.setitem(sys.modules, "thinker_module", sys.modules[__name__])
    entries = {**registry(), "thinker": SystemEntry("thinker", "thinker_module:Thinker")}
    monkeypatch.setattr("msfl.models.registry.registry", lambda: entries)
    monkeypatch.setattr("msfl.jobs.forget_networks", lambda: None)  # collects garbage, and there is no graph


def numbers(run):
    return (
        open_run(run)
        .predictions.drop(columns=[])
        .sort_values(["utterance", "model", "language_set", "task", "seed"])
    )


def test_a_run_holds_what_its_schema_says(toy, thinker):
    toy.write(models='["thinker", "majority"]', seeds="2")
    outcome = train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert (outcome.jobs, outcome.skipped, outcome.failed) == (3 * 2 * 2 * 2, 0, ())
    run = open_run(toy.out)
    predictions = run.predictions
    # every utterance is tested once per task, model, language set that covers it, and seed
    per_utterance = predictions[predictions["task"] == "emotion"].groupby("utterance").size()
    assert set(per_utterance) == {2 * 2 * 2}
    assert len(per_utterance) == len(run.utterances) == 72
    # a monolingual set has no language to tell
    language = predictions[predictions["task"] == "language"]
    assert set(language["language_set"]) == {"all"}
    assert set(language["model"]) == {"thinker", "majority"}
    assert language[["p_de", "p_it"]].notna().all(axis=None)
    assert language["p_anger"].isna().all()
    emotion = predictions[predictions["task"] == "emotion"]
    assert np.allclose(emotion[["p_anger", "p_neutral", "p_sadness"]].sum(axis=1), 1)
    truth = run.utterances["emotion"]
    assert (truth.loc[emotion["utterance"]].to_numpy() == emotion["truth"].to_numpy()).all()

    attention = run.attention()
    assert len(attention) == 72 * 2 * 2  # monolingual and all, two seeds
    assert set(attention["model"]) == {"thinker"}
    assert attention["f0"].dtype == np.float32
    assert np.allclose(attention[list(run.feature_names)].sum(axis=1), 1, atol=1e-5)
    one = run.attention(["f1"], language_set="de")
    assert list(one.columns[-1:]) == ["f1"]
    assert set(one["language"]) == {"de"}
    assert sum(len(batch) for batch in run.attention_batches(rows=50)) == len(attention)

    assert set(run.scores["language_set"]) == {"de", "it", "all", "monolingual"}
    raw = run.features()
    wide = toy.table.set_index("toy/" + toy.table["utterance"])
    assert np.allclose(raw["f3"], wide.loc[raw.index, "f3"], atol=1e-6)
    assert not list(toy.out.rglob("*.tmp")) + list(toy.out.rglob("*.work"))
    assert not list(toy.out.rglob("checkpoint"))


def test_no_test_speaker_is_seen_in_training_or_validation(toy, thinker):
    toy.write(models='["thinker"]')
    train(toy.experiment(), toy.out, jobs=1, progress=False)
    run = open_run(toy.out)
    speakers = run.utterances["speaker"]
    for job in run.jobs:
        fold = run.splits[run.splits["fold"] == job.fold]
        tested = set(speakers[fold.loc[fold["part"] == "test", "utterance"]])
        learnt = set(speakers[fold.loc[fold["part"] == "train", "utterance"]])
        assert not tested & learnt
        assert set(job.validation_speakers) <= learnt
        assert job.train + job.validation + job.test <= len(speakers)


def test_repeating_skips_what_is_finished_and_seeds_can_be_added(toy):
    first = train(toy.experiment(), toy.out, jobs=1, progress=False)
    before = {file: file.stat().st_mtime_ns for file in toy.out.rglob("*") if file.is_file()}
    again = train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert (first.skipped, again.skipped, again.jobs) == (0, first.jobs, first.jobs)
    assert {file: file.stat().st_mtime_ns for file in before if file.name != ".lock"} == {
        file: time_ for file, time_ in before.items() if file.name != ".lock"
    }
    old = numbers(toy.out)
    toy.write(seeds="[0, 5]", models='["logistic-regression", "majority", "linear-svm"]')
    more = train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert more.skipped == first.jobs
    assert more.jobs == first.jobs * 3
    kept = numbers(toy.out).query("seed == 0 and model != 'linear-svm'")
    pd.testing.assert_frame_equal(kept.reset_index(drop=True), old.reset_index(drop=True))
    assert open_run(toy.out).experiment.training.seeds == (0, 5)


def test_a_run_grows_in_any_order_and_keeps_what_it_has(toy, thinker):
    train(toy.experiment(), toy.out, jobs=1, progress=False)
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in toy.out.rglob("jobs/*/*.*")}
    created = open_run(toy.out).manifest.created
    # a model with parameters of its own, where no model had any, and a seed before the first
    toy.write(
        models='["thinker", "majority", "logistic-regression"]',
        seeds="[5, 0]",
        extra='[model.thinker]\nbalancing = "fixed"\n',
    )
    more = train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert (more.jobs, more.skipped) == (3 * 2 * 6, 2 * 6)
    assert {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in before} == before
    run = open_run(toy.out)
    models = {"thinker", "majority", "logistic-regression"}
    assert set(run.scores["model"]) == set(run.predictions["model"]) == models
    assert set(run.attention()["model"]) == {"thinker"}
    assert run.manifest.created == created
    assert run.experiment.training.seeds == (0, 5)  # models that no seed changes keep theirs
    toy.write(models='["thinker"]', seeds="[0, 5]")
    with pytest.raises(DataError, match="A run can get more models, and keeps those that it has") as caught:
        train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert "training.models was ['thinker', 'majority', 'logistic-regression']" in str(caught.value)
    assert set(open_run(toy.out).scores["model"]) == models


def test_parameters_of_a_trained_model_stay_in_a_grown_run(toy, thinker):
    toy.write(models='["thinker"]')
    train(toy.experiment(), toy.out, jobs=1, progress=False)
    toy.write(models='["thinker", "majority"]', extra='[model.thinker]\nbalancing = "dwa"\n')
    with pytest.raises(DataError, match=r"model\.thinker\.balancing was None and is 'dwa' now"):
        train(toy.experiment(), toy.out, jobs=1, progress=False)


def test_results_do_not_depend_on_the_number_of_processes(toy):
    toy.write(models='["logistic-regression", "gradient-boosting", "rbf-svm"]')
    for jobs, out in ((1, "one"), (2, "two")):
        train(toy.experiment(), toy.folder / out, jobs=jobs, progress=False)
    one, two = toy.folder / "one", toy.folder / "two"
    assert (one / "predictions.parquet").read_bytes() == (two / "predictions.parquet").read_bytes()
    assert (one / "scores.parquet").read_bytes() == (two / "scores.parquet").read_bytes()


def test_a_training_that_was_killed_goes_on_and_ends_like_one_that_was_not(toy):
    toy.write(seeds="3")
    command = [
        sys.executable,
        "-m",
        "msfl",
        "train",
        str(toy.file),
        "--out",
        str(toy.out),
        "--jobs",
        "2",
        "-q",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60

    def finished():
        return [folder for folder in (toy.out / "jobs").glob("*") if (folder / "job.json").exists()]

    while len(finished()) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    assert process.poll() is None, "it ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1.5)  # the workers notice that their parent has gone
    kept = len([folder for folder in finished() if not folder.name.endswith(".work")])
    with pytest.raises(DataError, match="incomplete"):
        _ = open_run(toy.out).scores
    outcome = train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert kept >= 3
    assert outcome.skipped >= kept
    assert outcome.skipped < outcome.jobs
    train(toy.experiment(), toy.folder / "whole", jobs=1, progress=False)
    whole = (toy.folder / "whole" / "predictions.parquet").read_bytes()
    assert (toy.out / "predictions.parquet").read_bytes() == whole


def test_ctrl_c_keeps_the_checkpoint_of_the_job_in_hand(toy, thinker):
    toy.write(models='["thinker"]', extra="[model.thinker]\nstop_at = 3\n")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(toy.experiment(), toy.out, jobs=1, progress=False)
    (work,) = (toy.out / "jobs").glob("*.work")
    assert (work / "checkpoint" / "epoch").read_text() == "2"


def test_a_failed_job_is_a_row_with_its_reason_and_the_rest_goes_on(toy, thinker, msfl):
    toy.write(models='["thinker", "majority"]', extra='[model.thinker]\nbreak_on = "it"\n')
    result = msfl("train", toy.file, "--out", toy.out, "--jobs", 1)
    assert result.exit_code == 1
    assert "RuntimeError: broken on purpose" in result.output
    assert "Traceback" not in result.output
    run = open_run(toy.out)
    failed = [job for job in run.jobs if job.status == "failed"]
    assert {("thinker", "it")} <= {(job.model, job.language_set) for job in failed}
    assert {job.model for job in failed} == {"thinker"}
    assert "broken on purpose" in (run.job_folder(failed[0].id) / "error.txt").read_text()
    assert "it" not in set(run.predictions.query("model == 'thinker'")["language_set"])
    assert set(run.predictions.query("model == 'majority'")["language_set"]) == {"de", "it", "all"}
    with pytest.raises(DataError, match="it has no model"):
        run.load_system(failed[0])
    # what failed is tried again, what went well is not
    again = train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert again.jobs - again.skipped == len(failed)


def test_utterances_without_a_label_of_the_main_task_are_trained_on_but_not_tested(toy, thinker):
    toy.table.loc[toy.table["utterance"].str.endswith("n0"), "emotion"] = None
    toy.write(models='["thinker"]')
    train(toy.experiment(), toy.out, jobs=1, progress=False)
    run = open_run(toy.out)
    assert len(run.utterances) == 72
    assert not run.predictions["utterance"].str.endswith("n0").any()
    used = [job.train + job.validation for job in run.jobs if job.language_set == "all"]
    assert used == [36, 36]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'speaker-kfold:2"',
            'speaker-kfold:4"',
            "protocol.name was 'speaker-kfold:2' and is 'speaker-kfold:4' now",
        ),
        ('"majority"]', '"linear-svm"]', "training.models was"),
        ("seeds = [0]", "seeds = [1]", "training.seeds was"),
        ("[data]", '[data]\nnormalisation = "corpus"', "data.normalisation was 'train' and is 'corpus' now"),
        (
            "[training]",
            '[training]\nlanguage_sets = "all"',
            "the language set 'de', which training.language_sets",
        ),
    ],
)
def test_another_experiment_in_the_same_folder_is_refused(trained, tmp_path, old, new, sentence):
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "toy.toml"
    file.write_text(file.read_text().replace("[0, 1]", "[0]"))
    run = tmp_path / "run" / "manifest.json"
    run.write_text(run.read_text().replace('"seeds": [\n        0,\n        1\n      ]', '"seeds": [0]'))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    from msfl.experiment import load_experiment

    before = (tmp_path / "run" / "scores.parquet").read_bytes()
    with pytest.raises(DataError) as caught:
        train(load_experiment(file), tmp_path / "run", jobs=1, progress=False)
    assert sentence in str(caught.value)
    assert "--out another folder" in str(caught.value)
    assert (tmp_path / "run" / "scores.parquet").read_bytes() == before


def test_changed_data_in_the_same_folder_are_refused_with_an_example(trained, tmp_path):
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)

    def refused(change):
        table = trained.table.copy()
        change(table)
        other = type(trained)(tmp_path, table)
        other.write(seeds="[0, 1]")
        with pytest.raises(DataError) as caught:
            train(other.experiment(), other.out, jobs=1, progress=False)
        return str(caught.value)

    def value(table):
        table.loc[3, "f2"] += 1

    def label(table):
        table.loc[3, "emotion"] = "sadness"

    def row(table):
        table.drop(index=3, inplace=True)

    assert "the recording of 1 utterances changed, for instance of toy/de0n0" in refused(value)
    assert "the emotion of 1 utterances changed, for instance of toy/de0n0" in refused(label)
    assert "0 utterances are new and 1 are gone, for instance toy/de0n0" in refused(row)


def test_a_full_disk_stops_everything_and_loses_nothing_that_was_finished(toy, thinker, monkeypatch):
    toy.write(models='["majority", "thinker"]')
    saved = []

    def save(self, folder):
        saved.append(folder)
        if len(saved) == 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(folder))
        (folder / "thought.json").write_text(json.dumps({"seed": self.seed}))

    monkeypatch.setattr(Thought, "save", save)
    with pytest.raises(OSError, match="No space left"):
        train(toy.experiment(), toy.out, jobs=1, progress=False)
    kept = len(open_run(toy.out).jobs)
    assert kept >= 2
    outcome = train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert (outcome.skipped, outcome.failed) == (kept, ())


def test_a_foreign_folder_is_left_alone(toy):
    toy.out.mkdir()
    (toy.out / "thesis.tex").write_text("mine")
    with pytest.raises(DataError, match=r"holds 'thesis\.tex'"):
        train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert [item.name for item in toy.out.iterdir()] == ["thesis.tex"]


def test_two_trainings_do_not_write_into_one_folder(toy):
    fcntl = pytest.importorskip("fcntl")
    toy.out.mkdir()
    with (toy.out / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="Another `msfl train`"):
            train(toy.experiment(), toy.out, jobs=1, progress=False)


def test_data_that_cannot_be_used_are_one_sentence(toy, msfl):
    def says(*, models='["majority"]', **columns):
        table = toy.table.copy()
        for name, change in columns.items():
            table[name] = change(table)
        old, toy.table = toy.table, table
        toy.write(models=models)
        toy.table = old
        result = msfl("train", toy.file, "--out", toy.out, "--jobs", 1, "-q")
        assert result.exit_code in (1, 2)
        assert "\n" not in str(result.exception)
        return str(result.exception)

    assert "1 utterances (toy/de0a0) have missing or infinite values in 1 features (f0)" in says(
        f0=lambda table: table["f0"].where(table.index != 0)
    )
    assert "the column 'f1' is not numeric" in says(f1=lambda table: "loud")
    assert "a feature cannot be called 'seed'" in says(seed=lambda table: 1.0)
    assert "has one speaker only" in says(
        speaker=lambda table: table["speaker"].where(table["language"] == "de", "anna")
    )
    assert "has 1 class" in says(emotion=lambda table: "anger")
    assert "Did you mean 'majority'?" in says(models='["mayority"]')


def test_a_parameter_that_a_model_does_not_have_is_named(toy, thinker):
    toy.write(models='["thinker"]', extra="[model.thinker]\nstop_att = 1\n")
    with pytest.raises(UsageError, match=r"no parameter 'stop_att'.*Did you mean 'stop_at'"):
        train(toy.experiment(), toy.out, jobs=1, progress=False)


def test_balancing_goes_to_the_models_that_take_it(toy, thinker):
    from msfl.jobs import system_parameters

    toy.write(models='["thinker", "majority"]', extra='balancing = {name = "gradnorm", alpha = 0.5}\n')
    experiment = toy.experiment()
    assert system_parameters(experiment, "thinker") == {"balancing": {"name": "gradnorm", "alpha": 0.5}}
    assert system_parameters(experiment, "majority") == {}


def test_without_a_choice_each_system_keeps_its_own_balancing_and_says_it(toy, thinker):
    from msfl.jobs import system_parameters

    toy.write(models='["thinker", "msfl", "majority"]')
    experiment = toy.experiment()
    assert system_parameters(experiment, "thinker") == {"balancing": "fixed"}
    assert system_parameters(experiment, "msfl") == {"balancing": "gradnorm"}
    assert system_parameters(experiment, "majority") == {}


def test_language_sets_without_a_fold_are_left_out_with_a_sentence(toy):
    toy.write(models='["majority"]')
    toy.file.write_text(toy.file.read_text().replace("speaker-kfold:2", "leave-one-language-out"))
    said = []
    outcome = train(toy.experiment(), toy.out, jobs=1, progress=False, say=said.append)
    assert outcome.jobs == 2
    assert any("The language set 'de' has nothing to train on" in sentence for sentence in said)
    predictions = open_run(toy.out).predictions
    assert set(predictions["fold"] + predictions["language"]) == {"dede", "itit"}
