"""Attention over relative time: profiles, concentration, their figure, and the section of the report."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses.figures import time_attention as plot
from analyses.report.blocks import Figure, flat
from analyses.report.context import Context
from analyses.report.sections.time_attention import section
from analyses.time_attention import concentration, concentrations, profile, profiles
from msfl.runs import TIME_ATTENTION, open_run

MODEL = "attention-e2e"


@given(st.lists(st.floats(1e-4, 1), min_size=1, max_size=60), st.integers(1, 30))
def test_a_profile_keeps_all_attention_whatever_the_numbers_of_steps_and_pieces(weights, pieces):
    found = profile(np.array(weights), pieces)
    assert found.shape == (pieces,)
    assert found.mean() == pytest.approx(1)
    assert (found >= 0).all()


def test_even_attention_is_one_everywhere_and_half_of_it_takes_half_of_the_time():
    assert profile(np.full(7, 1 / 7), 20) == pytest.approx(np.ones(20))
    assert concentration(np.full(7, 1 / 7)) == pytest.approx(0.5)


def test_the_weight_of_a_step_goes_where_the_step_is():
    weights = np.zeros(100)
    weights[75:80] = 0.2
    assert profile(weights, 20).argmax() == 15
    assert profile(weights, 20)[15] == pytest.approx(20)
    assert concentration(weights) == pytest.approx(0.025)


def table(utterances: int = 8, seeds: int = 1) -> pd.DataFrame:
    """Emotion at the beginning, arousal at the end; utterances of different lengths."""
    rows = []
    for seed in range(seeds):
        for number in range(utterances):
            for task, early in (("emotion", True), ("arousal", False)):
                steps = 30 + 7 * number
                weights = np.linspace(2, 0, steps) if early else np.linspace(0, 2, steps)
                rows.append(
                    {
                        "utterance": f"u{number}",
                        "language": "de" if number % 2 else "it",
                        "seed": seed,
                        "task": task,
                        "step_seconds": 0.02,
                        "weights": weights / weights.sum(),
                    }
                )
    return pd.DataFrame(rows)


def test_profiles_and_shares_count_every_utterance_once():
    one, three = profiles(table()), profiles(table(seeds=3))
    pd.testing.assert_frame_equal(one, three)
    assert len(one) == 2 * 2 * 20
    assert set(one["utterances"]) == {4}
    peaks = one.loc[one.groupby(["task", "language"])["mean"].idxmax()].set_index(["task", "language"])[
        "place"
    ]
    assert peaks["emotion"].max() < 10
    assert peaks["arousal"].min() > 90
    assert (one["low"] <= one["high"]).all()
    shares = concentrations(table(seeds=2))
    assert shares["mean"].to_list() == pytest.approx([1 - np.sqrt(0.5)] * 4, abs=0.02)


def test_the_figure_has_a_panel_for_each_task_and_language():
    found = profiles(table())
    for theme in ("light", "dark"):
        drawn = plot.figure(found, theme=theme)
        lines = [trace for trace in drawn.data if trace.line.width == 2.5]
        assert len(lines) == 4
    titles = [note.text for note in drawn.layout.annotations]
    assert {"emotion", "arousal", "de", "it"} <= set(titles)
    assert plot.figure(found.head(0)).layout.annotations[0].text


@pytest.fixture
def listening(small_run, tmp_path):
    """A run one of whose models attended to time."""
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(small_run, folder)
    run = open_run(folder)
    for job in run.jobs:
        keys = run.job_table(job, "predictions.parquet").drop_duplicates("utterance")
        keys = keys[["utterance", "corpus", "language", "speaker", "language_set", "model", "fold", "seed"]]
        weights = [np.linspace(2, 0, 40, dtype=np.float32) / 40] * len(keys)
        keys.assign(task="emotion", step_seconds=np.float32(0.02), weights=weights).to_parquet(
            run.job_folder(job.id) / TIME_ATTENTION, index=False
        )
    return open_run(folder)


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """A finished run over a table of features, two languages."""
    from msfl.execution import train
    from msfl.experiment import load_experiment

    folder = tmp_path_factory.mktemp("over_time")
    rng = np.random.default_rng(0)
    rows = [
        {
            "file": f"{language}{speaker}{emotion}{take}.wav",
            "language": language,
            "speaker": f"{language}{speaker}",
            "emotion": emotion,
            "f0": rng.normal(),
            "f1": rng.normal(),
        }
        for language in ("de", "it")
        for speaker in range(2)
        for emotion in ("anger", "sadness")
        for take in range(2)
    ]
    pd.DataFrame(rows).to_csv(folder / "toy.csv", index=False)
    (folder / "toy.toml").write_text(
        'name = "toy"\n[corpora]\ntoy = { reader = "manifest", path = "toy.csv" }\n[data]\nfeatures_table = "toy.csv"\n'
        '[protocol]\nname = "speaker-kfold:2"\n[training]\nlanguage_sets = "all"\nmodels = ["majority"]\n',
        encoding="utf-8",
    )
    train(load_experiment(folder / "toy.toml"), folder / "run", jobs=1, progress=False)
    return folder / "run"


def test_the_section_says_where_each_task_listened(listening):
    found = section(Context(listening, None))
    (figure,) = [block for block in flat(found.blocks) if isinstance(block, Figure)]
    assert figure.name == "time-attention-majority"
    text = " ".join(getattr(block, "text", "") for block in flat(found.blocks))
    assert "Emotion is heard most at 2 % of the utterance" in text
    assert "half of its attention lies on 29 % of the time" in text
    for job in listening.jobs:
        file = listening.job_folder(job.id) / TIME_ATTENTION
        even = pd.read_parquet(file)
        even["weights"] = [np.full(40, 1 / 40)] * len(even)
        even.to_parquet(file, index=False)
    found = section(Context(listening, None))
    assert "Emotion prefers no part of the utterance" in " ".join(
        getattr(block, "text", "") for block in found.blocks
    )
    assert "not an explanation by itself" in text


def test_without_such_a_model_there_is_no_section(small_run):
    assert section(Context(open_run(small_run), None)) is None
