"""Attention over time on the page of an utterance: a line per task on the time axis of the recording."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboard.components.time_attention import attention_figure, heard, time_attention
from dashboard.data import RunData
from dashboard.state import State
from dashboard.texts import texts_for
from msfl.runs import TIME_ATTENTION, open_run

EN = texts_for("en")
MODEL = "logistic-regression"
STEP = 0.02


@pytest.fixture
def listening(run_folder, tmp_path):
    """The tiny run as if one of its models had attention: emotion at the beginning, arousal at the end."""
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    run = open_run(folder)
    for job in run.jobs:
        if job.model != MODEL:
            continue
        keys = run.job_table(job, "predictions.parquet").drop_duplicates("utterance")
        keys = keys[["utterance", "corpus", "language", "speaker", "language_set", "model", "fold", "seed"]]
        rows = [
            keys.assign(task=task, step_seconds=np.float32(STEP), weights=[weights] * len(keys))
            for task, weights in (("emotion", spike(2)), ("arousal", spike(22)))
        ]
        pd.concat(rows).to_parquet(run.job_folder(job.id) / TIME_ATTENTION, index=False)
    return RunData("tiny", open_run(folder))


def spike(place: int, steps: int = 25) -> np.ndarray:
    weights = np.full(steps, 0.5 / steps, dtype=np.float32)
    weights[place] += 0.5
    return weights


def state(run, model=MODEL) -> State:
    name = str(run.utterances.index[0])
    return State(
        page="utterance", run="tiny", set=run.choices.set, model=model, task="emotion", utterance=name
    )


def shown(component) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder, ensure_ascii=False)


def test_every_task_has_its_line_with_its_words(listening):
    now = state(listening)
    for lang in ("en", "de", "zh"):
        texts = texts_for(lang)
        text = shown(time_attention(listening, now, now.utterance, texts))
        assert texts("time_attention.read") in text
        assert texts("time_attention.limits") in text
        assert texts.label("task", "arousal") in text
    assert "emotion most at 0.05 s, arousal most at 0.45 s" in shown(
        time_attention(listening, now, now.utterance, EN)
    )


def test_models_without_attention_over_time_show_nothing(listening, tiny):
    now = state(listening, model="majority")
    assert time_attention(listening, now, now.utterance, EN) == []
    run = RunData("tiny", tiny)
    assert time_attention(run, state(run), now.utterance, EN) == []
    assert run.run.models_over_time() == ()
    assert run.run.time_attention().empty


def rows(*weights, step=STEP) -> pd.DataFrame:
    return pd.DataFrame({"task": "emotion", "step_seconds": step, "weights": list(weights)})


def test_lines_stand_where_the_model_listened():
    (one,) = heard(rows(spike(2)), 0.5)
    assert one.peak == pytest.approx(2.5 * STEP)
    assert one.lift.mean() == pytest.approx(1)
    (middle,) = heard(rows(spike(2)), 1.5)  # half a second of one and a half was read
    assert middle.peak == pytest.approx(0.5 + 2.5 * STEP)
    (unknown,) = heard(rows(spike(2)), float("nan"))
    assert unknown.peak == one.peak


def test_seeds_are_averaged():
    (one,) = heard(rows(spike(2), spike(20), spike(20)), 0.5)
    assert one.peak == pytest.approx(20.5 * STEP)
    assert one.lift.mean() == pytest.approx(1)


def test_the_time_axis_is_that_of_the_drawing_above():
    drawn = attention_figure(heard(rows(spike(2)), 0.5), 0.5, EN)
    assert drawn["layout"]["xaxis"]["range"] == [0, 0.5]
    assert (drawn["layout"]["margin"]["l"], drawn["layout"]["margin"]["r"]) == (52, 60)
    assert max(drawn["data"][0]["x"]) < 0.5


def test_a_damaged_table_is_a_sentence(listening):
    now = state(listening)
    for job in listening.run.jobs:
        if job.model == MODEL:
            file = listening.run.job_folder(job.id) / TIME_ATTENTION
            table = pd.read_parquet(file)
            table["weights"] = [[float("nan")] * 5] * len(table)
            table.to_parquet(file, index=False)
    assert EN("time_attention.damaged") in shown(time_attention(listening, now, now.utterance, EN))
    for job in listening.run.jobs:
        if job.model == MODEL:
            (listening.run.job_folder(job.id) / TIME_ATTENTION).write_text("no table")
    assert "is damaged" in shown(time_attention(listening, now, now.utterance, EN))
