"""`msfl models`: every model with what it reads, what it learns and where it comes from."""

import json

import pytest

from msfl.models.registry import inputs_of, registry
from msfl.sequences.kinds import title_of


def test_every_model_says_what_it_reads_and_learns(shell):
    rows = {row["name"]: row for row in json.loads(shell("models", "--json").out)}
    assert list(rows) == list(registry())
    for name, row in rows.items():
        assert row["summary"], name
        assert row["paper"], name
        assert row["inputs"] == list(inputs_of(name))
        assert row["reads"] == [title_of(kind) for kind in row["inputs"]]
        assert row["tasks"], name
    assert rows["mtl-cnn"]["auxiliary_tasks"] == ["arousal", "valence", "gender"]
    assert rows["mtl-cnn-single-task"]["tasks"] == "the main task only"
    assert rows["mtl-cnn-single-task"]["parameters"]["tasks"] == []
    assert rows["msfl"]["tasks"] == "all tasks of the experiment"
    assert "Kim" in rows["mtl-cnn"]["paper"]
    assert "features" in rows["linear-svm"]["reads"][0]


def test_every_twin_is_a_model_that_learns_less_and_has_no_twin_itself(shell):
    rows = {row["name"]: row for row in json.loads(shell("models", "--json").out)}
    twins = {name: row["twin"] for name, row in rows.items() if row["twin"]}
    assert {"msfl", "mtl-cnn", "attention-e2e", "aggregated-mtl", "semi-supervised-aae"} <= set(twins)
    for name, twin in twins.items():
        assert rows[twin]["twin"] is None
        assert rows[twin]["tasks"] == "the main task only" or rows[twin]["parameters"]["supervised"] is True
        assert rows[twin]["inputs"] == rows[name]["inputs"]
        assert rows[twin]["paper"] == rows[name]["paper"]
    assert "twin    mtl-cnn-single-task" in shell("models", "mtl-cnn").out


def test_the_list_is_readable_at_80_columns(shell, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = shell("models").out
    assert max(map(len, out.splitlines())) <= 80
    words = " ".join(out.split())
    for name in registry():
        assert name in words
    assert "log-mel spectrogram: 64 bands" in words
    assert "the main task, with arousal, valence, gender" in words


def test_one_model_shows_its_parameters_as_an_experiment_file_has_them(shell):
    import tomllib

    out = shell("models", "mtl-cnn").out
    section = tomllib.loads(out[out.index("[model.mtl-cnn]") :])
    assert section["model"]["mtl-cnn"]["tasks"] == ["arousal", "valence", "gender"]
    assert section["model"]["mtl-cnn"]["longest"] == 10.0
    assert json.loads(shell("models", "mtl-cnn", "--json").out)["parameters"] == section["model"]["mtl-cnn"]


@pytest.mark.parametrize("name", sorted(registry()))
def test_the_parameters_of_every_model_can_be_pasted_and_are_its_defaults(shell, name):
    import tomllib

    from msfl.models.registry import get_system

    out = shell("models", name).out
    told = json.loads(shell("models", name, "--json").out)["parameters"]
    start = out.find(f"[model.{name}]")
    section = tomllib.loads(out[start:])["model"][name] if start >= 0 else {}
    assert section == {key: value for key, value in told.items() if value is not None}
    get_system(name, **section)


def test_a_model_that_does_not_exist_is_told(shell):
    ended = shell("models", "mtl-cn")
    assert ended.code == 2
    assert "Did you mean 'mtl-cnn'" in ended.error


def test_a_model_whose_package_is_missing_does_not_hide_the_others(shell, monkeypatch):
    from msfl.models.contract import SystemEntry

    monkeypatch.setitem(registry(), "foreign", SystemEntry("foreign", "no_such_package:Model"))
    rows = {row["name"]: row for row in json.loads(shell("models", "--json").out)}
    assert "cannot be loaded" in rows["foreign"]["summary"]
    assert rows["msfl"]["paper"]


@pytest.mark.parametrize("name", ["mtl-cnn", "mtl-cnn-single-task"])
def test_tasks_of_a_system_that_names_its_own(name):
    from msfl.models.registry import tasks_of_system

    experiment = ("emotion", "language", "speaker")
    own = ("arousal", "valence", "gender") if name == "mtl-cnn" else ()
    assert tasks_of_system(name, experiment, {}) == ("emotion", *own)
    assert tasks_of_system(name, experiment, {"tasks": ["gender"]}) == ("emotion", "gender")
    assert tasks_of_system(name, ("gender",), {"tasks": ["gender", "emotion"]}) == ("gender", "emotion")
    assert tasks_of_system("msfl", experiment, {}) == experiment
    assert tasks_of_system("msfl-single-task", experiment, {}) == ("emotion",)
