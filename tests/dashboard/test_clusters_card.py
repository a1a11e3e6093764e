"""Clusters of a shared representation on the page Trust: a map of the model and of its twin, and the figures."""

import json
import shutil

import pandas as pd
import plotly
import pytest

from analyses.explanations import ExplanationManifest, of_run, write_manifest, write_tables
from dashboard.components.clusters import clusters
from dashboard.data import Data, RunData, keyed
from dashboard.pages import trust as page
from dashboard.state import State, read_state
from dashboard.texts import LANGUAGES, texts_for
from msfl.runs import open_run

EVIL = "<img src=x onerror=alert(1)>"
MODELS = ("mtl", "mtl-single-task", "other")


def tables() -> dict[str, pd.DataFrame]:
    figures = {
        "language_set": "all",
        "value": 0.62,
        "sd_folds": 0.05,
        "chance": 0.25,
        "folds": 2,
        "utterances": 24,
        "speakers": 4,
    }
    compared = {"twin": "mtl-single-task", "twin_value": 0.5, "difference": 0.12, "low": 0.03, "high": 0.21}
    nothing = {"twin": "", "twin_value": None, "difference": None, "low": None, "high": None}
    quality = [
        {"model": model, "label": label, "measure": measure}
        | figures
        | (compared if model == "mtl" else nothing)
        for model in MODELS
        for label in ("emotion", "emotion within corpora", "corpus")
        for measure in ("silhouette", "neighbours")
    ]
    points = [
        {"model": model, "language_set": "all", "fold": "fold-01", "seed": 0, "utterance": f"{EVIL}{place}"}
        | {"corpus": "c", "language": language, "speaker": "s", "emotion": emotion, "x": 0.1, "y": -0.5}
        for model in MODELS
        for place, (language, emotion) in enumerate((("de", "anger"), ("it", "neutral"), ("it", "anger")))
    ]
    return {"clusters": pd.DataFrame(quality), "cluster_map": pd.DataFrame(points)}


@pytest.fixture
def data(run_folder, tmp_path) -> Data:
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    run = open_run(folder)
    write_tables(run, tables())
    write_manifest(run, ExplanationManifest(run=of_run(run), complete=True))
    return Data(keyed([open_run(folder)]))


def state_of(data: Data, search: str = "") -> State:
    return read_state("/trust", search, data)[0]


def shown(run: RunData, state: State, lang: str = "en") -> str:
    made = clusters(run, state, texts_for(lang))
    return json.dumps([part.to_plotly_json() for part in made], cls=plotly.utils.PlotlyJSONEncoder)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_first_model_with_a_twin_and_the_twin_are_shown(data: Data, lang: str) -> None:
    state = state_of(data)
    found = shown(data.run(state), state, lang)
    assert "clusters-map-0" in found
    assert "clusters-map-1" in found
    assert "clusters-map-2" not in found
    number = texts_for(lang).number
    assert f"{number(0.12)} [{number(0.03)}; {number(0.21)}]" in found
    assert "clusters." not in found.replace("clusters.csv", "")  # every word has a text


def test_the_other_networks_are_a_link_away_and_twins_are_not(data: Data) -> None:
    state = state_of(data)
    found = shown(data.run(state), state)
    assert "model=other" in found
    assert "model=mtl-single-task" not in found
    table = page.TABLES["clusters"](state, data)
    assert set(table["model"]) == set(MODELS)


def test_names_from_a_run_are_text(data: Data) -> None:
    state = state_of(data)
    assert EVIL not in shown(data.run(state), state)


def test_the_page_has_the_card_and_runs_without_clusters_have_none(data: Data, tiny) -> None:
    state = state_of(data)
    made = page.layout(state, data, texts_for("en"))
    assert "clusters-section" in json.dumps(made.to_plotly_json(), cls=plotly.utils.PlotlyJSONEncoder)
    assert clusters(RunData("tiny", tiny), state, texts_for("en")) == []
