"""``msfl demo``, much reduced: the same way with few sentences, speakers and epochs."""

from __future__ import annotations

import json
import signal
import sys
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

pytest.importorskip("espeakng_loader", reason="the extra 'demo' is not installed")

from analyses import demo
from analyses.commands.demo import show
from analyses.planted import ALL, hold_against, sentences
from analyses.rankings import Ranking
from analyses.shared import compare
from msfl.corpora.demo import speech
from msfl.corpora.demo.planting import planted
from msfl.corpora.demo.speakers import SPEAKERS
from msfl.errors import DataError, UsageError
from msfl.experiment import load_experiment, parse_experiment
from msfl.features.grammar import parse
from msfl.features.sets import feature_names
from msfl.runs import open_run

EMOTIONS = ("anger", "neutral", "sadness")
REDUCED = {"epochs": 2, "folds": 2, "models": ("msfl", "majority"), "jobs": 1, "progress": False}


def few() -> list[speech.Utterance]:
    """Two languages, two speakers of each, three emotions, two sentences."""
    chosen = [speaker for speaker in SPEAKERS if speaker.name in ("de-f1", "de-m1", "en-f1", "en-m1")]
    return [speech.Utterance(s, emotion, n) for s in chosen for emotion in EMOTIONS for n in range(2)]


@pytest.fixture(scope="module")
def patched(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speech, "utterances", few)
        patch.setenv("MSFL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield patch


@pytest.fixture(scope="module")
def made(patched, tmp_path_factory) -> demo.Demo:
    """The demo, stopped by Ctrl-C after five sentences and repeated."""
    folder = tmp_path_factory.mktemp("demo")
    spoken = []

    def stop_early(utterance, *, seed, _do=speech.synthesise):
        spoken.append(utterance.name)
        if len(spoken) == 6:
            signal.raise_signal(signal.SIGINT)
        return _do(utterance, seed=seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speech, "synthesise", stop_early)
        with pytest.raises(KeyboardInterrupt):
            demo.run_demo(folder, **REDUCED)
        assert len(list(folder.rglob("*.wav"))) == 5
        assert not (folder / demo.RUN).exists()
        spoken.clear()
        spoken.extend([""] * 6)
        result = demo.run_demo(folder, **REDUCED)
    assert len(spoken) - 6 == len(few()) - 5  # what was spoken before is kept
    return result


def shown(made: demo.Demo, width: int = 80) -> str:
    text = StringIO()
    show(made, Console(file=text, width=width, highlight=False))
    return text.getvalue()


def test_the_whole_way_is_gone_and_shown(made):
    run = open_run(made.folder / demo.RUN)
    assert not made.failed
    assert len(run.jobs) == 3 * 2 * 2
    tested = run.splits[run.splits["part"] == "test"].join(run.utterances["language"], on="utterance")
    assert (tested.groupby("fold")["language"].nunique() == 2).all()  # no fold loses a language
    text = shown(made)
    assert max(map(len, text.partition("Next:")[0].splitlines())) <= 80
    words = " ".join(text.split())
    assert "SYNTHETIC SPEECH; speaker-independent, 2 folds of whole speakers; normalisation: speaker" in words
    assert "Shared features: " in words
    assert "Found where planted" in words
    assert "Attention alone explains nothing" in words
    assert f"msfl rank {made.folder / demo.RUN}" in text.replace("\n", "")


def test_commands_that_are_recommended_exist_and_their_paths_too(made):
    from msfl.cli import app

    text = shown(made, width=1000)
    commands = [line.split() for line in text.splitlines() if line.startswith("  msfl ")]
    assert len(commands) > 4
    for words in commands:
        assert app.get_command(None, words[1]) is not None
        for word in words[2:]:
            path = Path(word.rpartition("=")[2])
            assert not path.is_absolute() or path.exists() or path.name == "mine"


def test_the_experiment_file_is_what_was_run_and_can_be_run_again(made):
    file = made.folder / demo.EXPERIMENT
    read = load_experiment(file)
    assert read == open_run(made.folder / demo.RUN).experiment
    assert read.corpora["demo"].path == (made.folder / demo.CORPUS).resolve()
    assert str(made.folder / demo.CORPUS) not in file.read_text()  # the folder may be moved


def test_the_full_demo_has_a_valid_experiment(tmp_path):
    import tomllib

    text = demo.experiment_text(tmp_path, seed=3)
    full = parse_experiment(tomllib.loads(text), folder=tmp_path)
    assert (full.data.normalisation, full.protocol.seed) == ("speaker", 3)
    assert full.protocol.name.startswith("speaker-kfold:")
    assert {"msfl", "linear-svm", "majority"} <= set(full.training.models)


def test_repeating_finishes_at_once_and_leaves_changes_of_the_user_alone(made, monkeypatch):
    from msfl import execution

    monkeypatch.setattr(execution, "train", lambda *a, **k: pytest.fail("trains again"))
    file = made.folder / demo.EXPERIMENT
    mine = file.read_text().replace("seeds = 1 ", "seeds = 2 ")
    before = file.read_text()
    assert demo.run_demo(made.folder, **REDUCED).failed == ()
    file.write_text(mine)
    said: list[str] = []
    demo.run_demo(made.folder, **REDUCED, say=said.append)
    assert file.read_text() == mine
    assert any("stays as it is" in sentence for sentence in said)
    file.write_text(before)


def test_a_missing_job_is_trained_again(made):
    import shutil

    job = next(job for job in open_run(made.folder / demo.RUN).jobs if job.model == "majority")
    shutil.rmtree(made.folder / demo.RUN / "jobs" / job.id)
    (made.folder / demo.RUN / "scores.parquet").unlink()  # as `train` leaves it while it works
    demo.run_demo(made.folder, **REDUCED)
    assert len(open_run(made.folder / demo.RUN).jobs) == 12
    assert len(open_run(made.folder / demo.RUN).scores)


def test_another_seed_needs_another_folder(made):
    with pytest.raises(UsageError, match="holds the demo of seed 0: give --out another folder for seed 1"):
        demo.run_demo(made.folder, **REDUCED, seed=1)


def test_folders_that_cannot_take_the_demo_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file: give --out a folder"):
        demo.run_demo(tmp_path / "file", **REDUCED)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="holds no demo corpus"):
        demo.run_demo(tmp_path, **REDUCED)


def test_without_the_extra_the_user_is_told_what_to_install(tmp_path, patched, monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(UsageError, match=r"pip install 'msfl\[demo\]'"):
        demo.run_demo(tmp_path / "new", **REDUCED)


def ranking(language_set: str, leaders: list[str]) -> Ranking:
    names = [parse(name) for name in sorted(feature_names("IS10"), key=lambda name: name not in leaders)]
    table = pd.DataFrame(
        {
            "in_words": "",
            "contour": [name.contour for name in names],
            "family": [name.family for name in names],
            "rank": range(1, len(names) + 1),
        },
        index=pd.Index([name.name for name in names], name="name"),
    )
    empty = pd.DataFrame()
    return Ranking("msfl", language_set, "", "feature", len(leaders), table, empty, pd.Series(dtype=float))


def features_of(contours: tuple[str, ...], number: int) -> list[str]:
    return [name for name in feature_names("IS10") if parse(name).contour in contours][:number]


def test_the_truth_is_found_where_it_is_and_only_there():
    pitch, jitter = features_of(("F0final",), 10), features_of(("jitterLocal",), 10)
    loud = features_of(("pcm_loudness",), 10)
    comparison = compare(
        ranking("all", pitch + loud),
        {"de": ranking("de", pitch + jitter), "en": ranking("en", loud + jitter)},
    )
    rows = {(row.where, row.family): row for row in hold_against(comparison, planted(0))}
    assert {where for where, _ in rows} == {ALL, "de", "en"}  # zh was not trained alone
    shared = rows[ALL, "pitch"]
    assert shared.size == 80
    assert shared.chance == pytest.approx(20 * 80 / 1582)
    assert {name: (one.count, one.clear) for name, one in shared.lists.items()} == {
        ALL: (10, True),
        "de": (10, True),
        "en": (0, False),
    }
    assert rows["de", "line spectral frequencies"].words == "lspFreq[0-5]"
    told = " ".join(sentences(list(rows.values())))
    assert "pitch (all, de); voice quality (en)." in told
    assert "voice quality of en (de)" in told.partition("although not planted")[2]
    assert "pitch (en)" in told.partition("no more of it")[2]


def test_contours_that_are_planted_in_both_languages_are_no_mistake():
    """Band energies 4 to 7 carry the tilt of German and the loudness of Mandarin."""
    bands = features_of(("logMelFreqBand[5]",), 20)
    comparison = compare(ranking("all", bands), {"de": ranking("de", bands), "zh": ranking("zh", bands)})
    row = next(r for r in hold_against(comparison, planted(0)) if (r.where, r.family) == ("de", "spectrum"))
    assert row.lists["zh"].count == 20
    assert row.lists["zh"].meant is None
    assert json.dumps(sentences([row])).count("although not planted") == 0
