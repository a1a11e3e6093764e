"""The page that says how far a ranking can be trusted."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import plotly
import pytest

from dashboard import trust
from dashboard.data import Data, RunData, keyed
from dashboard.later import fill
from dashboard.pages import trust as page
from dashboard.state import State, read_state
from dashboard.texts import LANGUAGES, texts_for
from msfl.runs import open_run

PLACE: dict[str, object] = {"method": "shap", "language_set": "all", "level": "feature"}


def tables() -> dict[str, pd.DataFrame]:
    ranked = {"task": ["emotion"], "rank": [1]}
    verdicts = [
        PLACE | {"verdict": "do not trust", "reasons": "It is steady (p < 0.001). It is not faithful."},
        PLACE | {"level": "contour", "verdict": "trust", "reasons": "It is steady."},
    ]
    stability = [
        PLACE
        | {"k": k, "over": "all", "index": "nogueira", "value": value, "low": 0.5, "high": 0.95, "repeats": 4}
        for k, value in ((5, 0.2), (10, 0.9), (20, 0.1))
    ]
    faithful: dict[str, object] = {
        "value": 0.5,
        "random_mean": 0.5,
        "random_sd": 0.1,
        "random_draws": 100,
        "better": "lower",
    }
    curve: dict[str, object] = {
        "model": "msfl",
        "language_set": "all",
        "level": "feature",
        "low": 0.3,
        "high": 0.7,
    }
    return {
        "rankings/shap": pd.DataFrame(ranked),
        "verdicts": pd.DataFrame(verdicts),
        "stability": pd.DataFrame(stability),
        "faithfulness": pd.DataFrame(
            [
                PLACE | faithful | {"model": "msfl", "test": test, "p_value": 0.4, "p_normal": 0.4}
                for test in ("roar", "deletion", "deletion probability")
            ]
        ),
        "curves": pd.DataFrame(
            [
                curve | {"method": method, "test": "deletion", "share": share, "value": 0.6 - share / 2}
                for method in ("shap", "random")
                for share in (0.0, 1.0)
            ]
            + [curve | {"method": "linear", "model": "svm", "test": "deletion", "share": 0.0, "value": 0.9}]
        ),
        "sanity": pd.DataFrame(
            [
                PLACE
                | {"randomised": kind, "value": 0.1, "reference": 0.5, "passed": passed, "method": method}
                for method, kind, passed in (
                    ("attention", "heads", False),
                    ("shap", "labels", True),
                    ("shap", "parameters", None),
                )
            ]
        ),
        "confound": pd.DataFrame(
            [
                PLACE
                | {"normalisation": "as trained", "against": "language task", "measure": measure, "k": 10}
                | {
                    "value": value,
                    "chance": 0.1,
                    "p_value": 0.0001,
                    "strength": "strong",
                    "verdict": "Much is <b>in both</b>.",
                }
                for measure, value in (("jaccard", 0.6), ("kendall_tau_b", 0.99))
            ]
        ),
        "planted": pd.DataFrame(
            [
                PLACE
                | {"where": "all", "ranking": "model", "k": 10, "items": 88, "precision": 0.7, "chance": 0.1}
                | {"p_value": 0.001, "average_precision": 0.5, "average_precision_chance": 0.1}
            ]
        ),
    }


def explained(run_folder: Path, folder: Path) -> RunData:
    from analyses.explanations import ExplanationManifest, of_run, write_manifest, write_tables

    shutil.copytree(run_folder, folder)
    run = open_run(folder)
    write_manifest(run, ExplanationManifest(run=of_run(run), complete=True))
    write_tables(run, tables())
    return keyed([run])["tiny"]


@pytest.fixture(scope="module")
def run(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return explained(run_folder, tmp_path_factory.mktemp("trust") / "run")


def made(run: RunData, query: str = "", lang: str = "en") -> str:
    data = Data({"tiny": run})
    state, _ = read_state("/trust", f"?lang={lang}{query}", data)
    made = fill(page.layout(state, data, texts_for(lang)), page, state, data, texts_for(lang))
    return json.dumps(made, cls=plotly.utils.PlotlyJSONEncoder)


def view(**changes: Any) -> State:
    return State(**({"run": "tiny", "set": "all", "method": "shap", "level": "feature"} | changes))


def test_the_verdict_comes_first_and_its_reasons_one_by_one(run: RunData) -> None:
    text = made(run)
    assert "do not trust" in text
    assert text.index("The verdict") < text.index("Stability: is it") < text.index("Faithfulness: does")
    assert trust.sentences("It is steady (p < 0.001). It is not faithful.") == [
        "It is steady (p < 0.001).",
        "It is not faithful.",
    ]
    assert "You may report this ranking" in made(run, "&level=contour")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_section_speaks_every_language(run: RunData, lang: str) -> None:
    assert '"trust.' not in made(run, lang=lang)


def test_the_readings_follow_the_limits_of_the_verdicts(run: RunData) -> None:
    steady = trust.stability(run, view())
    assert steady is not None
    assert steady["k"].tolist() == [10]
    assert trust.read_stability(steady, "shap") == ("good", 0.9)
    assert trust.read_stability(steady.assign(value=0.39), "shap")[0] == "bad"
    assert trust.read_stability(steady.assign(low=float("nan")), "shap")[0] == "caution"
    assert trust.read_stability(steady, "owen")[0] == "open"
    faithful = trust.faithfulness(run, view())
    assert faithful is not None
    assert faithful["test"].tolist() == ["deletion", "roar"]
    assert trust.read_faithfulness(faithful) == ("bad", 0.4)
    sane = trust.sanity(run, view())
    assert sane is not None
    assert sane["method"].iloc[0] == "shap"
    assert trust.read_sanity(sane, "shap") == ("good", 1)
    assert trust.read_sanity(sane, "attention") == ("caution", 1)
    spoilt = sane.assign(randomised="parameters")
    assert trust.read_sanity(spoilt, "attention") == ("bad", 1)
    assert trust.read_sanity(sane, "consensus") == ("caution", 2)
    common = trust.confound(run, view())
    assert common is not None
    reading, share = trust.read_confound(common)
    assert (reading, round(share, 2)) == ("caution", 0.75)


def test_curves_are_those_of_the_model_that_the_method_explains(run: RunData) -> None:
    lines = trust.curves(run, view())
    assert lines is not None
    assert set(lines["method"]) == {"shap", "random"}
    assert trust.curves(run, view(method="attention")) is None


def test_what_was_not_tested_says_so_and_how_it_is_computed(run: RunData, tiny_data: Data) -> None:
    assert "This was not tested" in made(run)  # agreement between methods
    assert "One language only" in made(run, "&set=it")
    nothing = made(tiny_data.runs["tiny"])
    assert "Nothing was tested yet" in nothing
    assert "msfl explain" in nothing


def test_tables_can_be_had(run: RunData) -> None:
    for name, table in page.TABLES.items():
        assert len(table(view(), Data({"tiny": run}))) or name in ("agreement", "clusters")
