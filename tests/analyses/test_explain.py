"""``msfl explain``: what is done again and what is not, what a fault costs, and what is refused."""

from __future__ import annotations

import json
import shutil
from time import perf_counter

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analyses import explain_steps
from analyses.commands.explain import explain as command
from analyses.explain import Step, explain
from analyses.explanations import Explanations, open_explanations, write_tables
from msfl.errors import DataError, UsageError
from msfl.execution import train
from msfl.experiment import load_experiment
from msfl.runs import open_run

FEATURES = tuple(
    f"{contour}_{functional}"
    for contour in ("F0final_sma", "jitterLocal_sma", "mfcc_sma[1]", "mfcc_sma[2]")
    for functional in ("amean", "stddev", "skewness")
)
CUE = "F0final_sma_amean"
EXPERIMENT = """
name = "toy"
[corpora]
toy = {{ reader = "manifest", path = "toy.csv" }}
[data]
features_table = "toy.csv"
[protocol]
name = "speaker-kfold:2"
[training]
models = ["linear-svm", "majority"]
tasks = ["emotion", "language"]
language_sets = {sets}
seeds = [0, 1]
"""


def make_run(folder, languages=("de", "it"), sets='"monolingual+all"'):
    """Two languages, four speakers each; pitch rises with anger in both, one feature names the language."""
    rng = np.random.default_rng(0)
    rows = []
    for language in languages:
        for speaker in range(4):
            for code, emotion in enumerate(("anger", "neutral", "sadness")):
                for take in range(3):
                    values = dict(zip(FEATURES, rng.normal(size=len(FEATURES)), strict=True))
                    values[CUE] -= 4 * code
                    values["mfcc_sma[1]_amean"] += 4 * (language == "it")
                    stem = f"{language}{speaker}{emotion[0]}{take}"
                    labels = {"file": f"{stem}.wav", "utterance": stem, "language": language}
                    rows.append(labels | {"speaker": f"{language}{speaker}", "emotion": emotion} | values)
    pd.DataFrame(rows).to_csv(folder / "toy.csv", index=False)
    (folder / "toy.toml").write_text(EXPERIMENT.format(sets=sets), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:  # the quick model stands for a network, which has two seeds
        patch.setattr("msfl.preparation._seeds", lambda model, experiment: experiment.training.seeds)
        train(load_experiment(folder / "toy.toml"), folder / "run", jobs=1, progress=False)
    return folder / "run"


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("explained"))


@pytest.fixture
def run_folder(toy_run, tmp_path):
    return shutil.copytree(toy_run, tmp_path / "run")


def quick(folder, **options):
    return explain(open_run(folder), methods=["permutation", "linear"], jobs=1, progress=False, **options)


class Counted:
    """Steps that count how often they are done, in place of those of the library."""

    def __init__(self, monkeypatch):
        self.calls = []
        self.fault = None
        self.value = 1.0
        monkeypatch.setattr(explain_steps, "steps_of", lambda run, settings: self.steps())

    def steps(self):
        return [
            Step("first", "First", ("effects",), self.compute("first", "effects"), depends=("seed",)),
            Step("second", "Second", ("tests",), self.compute("second", "tests"), needs=("first",)),
            Step("third", "Third", ("sanity",), self.compute("third", "sanity")),
        ]

    def compute(self, name, table):
        def done(context):
            self.calls.append(name)
            if self.fault and name == "second":
                raise self.fault
            if name == "second":
                context.found.table("effects")
            return {table: pd.DataFrame({"name": ["x"], "value": [self.value]})}

        return done

    def taken(self):
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture
def counted(monkeypatch):
    return Counted(monkeypatch)


def test_what_is_done_is_not_done_again(counted, run_folder):
    quick(run_folder)
    assert counted.taken() == ["first", "second", "third"]
    quick(run_folder)
    assert counted.taken() == []
    quick(run_folder, seed=3)
    assert counted.taken() == ["first", "second"]  # what depends on the seed, and what reads it
    (run_folder / "explanations" / "sanity.parquet").unlink()
    found = quick(run_folder, seed=3)
    assert counted.taken() == ["third"]
    assert found.manifest.complete


def test_a_run_that_grew_is_explained_again(counted, toy_run, run_folder):
    quick(run_folder)
    assert counted.taken() == ["first", "second", "third"]
    for name in ("toy.csv", "toy.toml"):
        shutil.copy(toy_run.parent / name, run_folder.parent)
    file = run_folder.parent / "toy.toml"
    file.write_text(file.read_text().replace('"majority"]', '"majority", "logistic-regression"]'))
    train(load_experiment(file), run_folder, jobs=1, progress=False)
    quick(run_folder)
    assert counted.taken() == ["first", "second", "third"]
    quick(run_folder)
    assert counted.taken() == []


def test_a_fault_costs_its_own_tables_only_and_is_tried_again(counted, run_folder):
    counted.fault = ValueError("no luck")
    told = []
    found = quick(run_folder, say=told.append)
    assert counted.taken() == ["first", "second", "third"]
    assert not found.has("tests")
    assert found.has("sanity")
    assert "ValueError: no luck" in found.why_missing("tests")
    assert "no luck" in told[0]
    assert "Traceback" in (run_folder / "explanations" / "error-second.txt").read_text()
    with pytest.raises(DataError, match="no table 'tests': It failed unexpectedly"):
        found.table("tests")
    counted.fault = None
    found = quick(run_folder)
    assert counted.taken() == ["second"]
    assert found.why_missing("tests") == ""
    assert not (run_folder / "explanations" / "error-second.txt").exists()


def test_a_reason_of_our_own_is_told_as_it_is_and_old_tables_go(counted, run_folder):
    quick(run_folder)
    counted.fault = DataError("There are no speakers.")
    found = quick(run_folder, seed=1)
    assert found.manifest.steps["second"].status == "left out"
    assert found.why_missing("tests") == "There are no speakers."
    assert not found.has("tests")  # not the table of the other seed


def test_an_interruption_loses_nothing_that_was_done(counted, run_folder):
    counted.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        quick(run_folder)
    found = open_explanations(run_folder)
    assert found.has("effects")
    assert "interrupted" in found.why_missing("sanity")
    assert list((run_folder / "explanations").glob(".*.tmp")) == []
    counted.taken()
    counted.fault = None
    quick(run_folder)
    assert counted.taken() == ["second", "third"]


@pytest.fixture(scope="session")
def explained(toy_run, tmp_path_factory):
    folder = shutil.copytree(toy_run, tmp_path_factory.mktemp("whole") / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explain_steps, "_tests", lambda run, settings, lists: [])  # each has tests of its own
        quick(folder)
    return folder


def test_a_run_is_explained_from_attributions_to_shared_features(explained):
    found = open_explanations(explained)
    assert found.methods == ("permutation", "linear", "consensus")
    assert found.manifest.models == {"permutation": "linear-svm", "linear": "linear-svm"}
    for method in ("linear", "permutation"):
        level = "feature" if method == "linear" else "contour"
        first = found.rankings(method, language_set="all", level=level).iloc[0]
        assert first["name"] == (CUE if level == "feature" else "F0final")
    languages = found.rankings("linear", task="language", language_set="all")
    assert languages["name"].iloc[0] == "mfcc_sma[1]_amean"
    shared = found.table("shared", method="linear", level="feature", part_kind="", shared=True)
    assert CUE in set(shared.loc[shared["definition"] == "top", "name"])
    assert found.rankings("consensus", language_set="all", level="contour")["name"].iloc[0] == "F0final"
    assert found.repeats("consensus", language_set="de", level="contour").shape == (4, 4)
    assert "two methods" not in found.why_missing("rankings/consensus")


def test_nothing_else_in_the_run_changes(toy_run, explained):
    def files(folder):
        return {
            file.relative_to(folder): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file() and file.relative_to(folder).parts[0] not in ("explanations", "attributions")
        }

    assert files(toy_run) == files(explained)


def test_the_command_ends_with_a_table_and_the_next_command(explained, monkeypatch):
    monkeypatch.setattr(explain_steps, "_tests", lambda run, settings, lists: [])
    options = [str(explained), "--method", "permutation", "--method", "linear", "--jobs", "1", "--quiet"]
    result = CliRunner().invoke(command, options, env={"COLUMNS": "100"}, catch_exceptions=False)
    assert "msfl report" in result.output
    assert "consensus" in result.output


def test_one_language_is_told_and_the_rest_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(explain_steps, "_tests", lambda run, settings, lists: [])
    found = quick(make_run(tmp_path, languages=("de",), sets='"monolingual"'), top=30)
    notes = " ".join(found.manifest.notes)
    assert "no sharing between languages to speak of" in notes
    assert "Fewer test utterances than" not in notes  # 36 utterances
    assert found.rankings("linear", language_set="de")["name"].iloc[0] == CUE
    assert not found.has("overlaps")


def test_fewer_test_utterances_than_places_is_a_sentence(run_folder, counted):
    notes = " ".join(quick(run_folder, top=1000).manifest.notes)
    assert "Fewer test utterances than the 1000 places of a top list: all (72), de (36), it (36)" in notes


def test_what_cannot_be_explained_is_refused(run_folder):
    with pytest.raises(UsageError, match=r"no method 'shapp'.*Did you mean 'shap'"):
        explain(open_run(run_folder), methods=["shapp"], progress=False)
    with pytest.raises(UsageError, match="no trained model 'msfl'"):
        explain(open_run(run_folder), model="msfl", progress=False)
    with pytest.raises(UsageError, match="--orders -1"):
        explain(open_run(run_folder), orders=-1, progress=False)
    for folder in (run_folder / "jobs").iterdir():
        shutil.rmtree(folder / "model", ignore_errors=True)
    with pytest.raises(DataError, match="no trained models"):
        explain(open_run(run_folder), progress=False)
    assert not (run_folder / "explanations").exists()


def test_models_of_a_package_that_is_not_here_are_named(run_folder):
    for file in (run_folder / "jobs").glob("*/job.json"):
        record = json.loads(file.read_text()) | {"model": "their-net"}
        file.write_text(json.dumps(record))
    with pytest.raises(DataError, match=r"their-net.*not installed"):
        explain(open_run(run_folder), progress=False)


def test_a_run_without_explanations_says_how_to_make_them(run_folder):
    with pytest.raises(DataError, match="no explanations yet: run `msfl explain"):
        open_explanations(run_folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("{", "is not JSON"),
        ({"kind": "holiday"}, "not written by `msfl explain`"),
        ({"schema_version": 99}, "a newer msfl"),
        ({"schema_version": 0}, "an older or foreign msfl"),
        ({"steps": 3}, "is damaged: steps"),
        ({"run": {"data": "other"}}, "explains another run"),
    ],
)
def test_damaged_and_foreign_folders_are_sentences(explained, tmp_path, change, sentence):
    folder = shutil.copytree(explained, tmp_path / "run")
    file = folder / "explanations" / "manifest.json"
    text = change if isinstance(change, str) else json.dumps(json.loads(file.read_text()) | change)
    file.write_text(text)
    with pytest.raises(DataError, match=sentence):
        open_explanations(folder)
    with pytest.raises(DataError, match=sentence):  # and nothing is written into it
        quick(folder)


@pytest.mark.parametrize(
    "name", ["../../features", "cells/../../x", "rankings/", "holiday", "cells/a/b", "/etc/x", "rankings/A B"]
)
def test_names_cannot_lead_out_of_the_folder(explained, name):
    with pytest.raises(UsageError, match="no table"):
        open_explanations(explained).table(name)


def test_a_damaged_table_is_a_sentence(explained, tmp_path):
    folder = shutil.copytree(explained, tmp_path / "run")
    (folder / "explanations" / "shared.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"shared\.parquet cannot be read"):
        open_explanations(folder).table("shared")
    with pytest.raises(DataError, match="holiday"):
        open_explanations(folder).table("overlaps", holiday="x")


def test_a_ranking_of_a_full_feature_set_is_read_at_once(explained, tmp_path):
    """6 language sets, 12 parts and 4 levels of 1582 features: one list must not cost the whole table."""
    folder = shutil.copytree(explained, tmp_path / "run")
    found = open_explanations(folder)
    size, pieces = 1582, []
    for language_set in "abcdef":
        for part in ("", *(f"part{number}" for number in range(11))):
            frame = pd.DataFrame({"name": [f"f{n}" for n in range(size)], "rank": np.arange(1, size + 1)})
            place = {
                "task": "emotion",
                "language_set": language_set,
                "part_kind": "k" if part else "",
                "part": part,
            }
            pieces.append(frame.assign(lift=0.5, level="feature", **place))
    write_tables(found.run, {"rankings/shap": pd.concat(pieces, ignore_index=True)})
    times = []
    for _ in range(5):
        begun = perf_counter()
        rows = found.rankings("shap", language_set="d", part_kind="k", part="part3")
        times.append(perf_counter() - begun)
    assert list(rows["rank"]) == list(range(1, size + 1))
    assert min(times) < 0.1  # 10 ms on a machine that does nothing else


def test_the_reader_needs_no_manifest_of_its_own_to_name_files(explained):
    found = open_explanations(explained)
    assert isinstance(found, Explanations)
    assert found.file("cells/linear").is_file()
    assert found.why_missing("planted").startswith("It was not asked for")


def test_a_reason_is_told_where_it_arises_and_not_by_all_that_hangs_on_it(counted, run_folder):
    counted.fault = DataError("There are no speakers.")
    real = counted.steps

    def hangs_on_it(context):
        return {"confound": context.found.table("tests")}

    counted.steps = lambda: [*real(), Step("last", "Last", ("confound",), hangs_on_it, needs=("second",))]
    told = []
    found = quick(run_folder, say=told.append)
    assert told == ["Second: There are no speakers."]
    assert "There are no speakers." in found.why_missing("confound")
