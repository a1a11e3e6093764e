"""The page of shared features, as the server makes it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import plotly
import pytest

from dashboard.data import Data, keyed
from dashboard.later import fill
from dashboard.pages import shared as page
from dashboard.shared_features import found_by, marks, monolingual, ranking, verdict
from dashboard.state import State, read_state
from dashboard.texts import LANGUAGES, texts_for
from msfl.runs import open_run

EVIL = "<img src=x onerror=alert(1)>"


def ranked(count: int, language_set: str, level: str = "feature", **about: str) -> pd.DataFrame:
    rows: dict[str, Any] = {"name": [f"item {place:02}" for place in range(count)]}
    rows["in_words"] = [EVIL if place == 0 else f"pitch slope {place}" for place in range(count)]
    rows |= {"family": "pitch", "contour": "", "rank": range(1, count + 1), "size": 1, "share": 0.1}
    rows |= {"lift": [2 - place / count for place in range(count)], "importance": 1.0, "direction": 1.0}
    rows |= {"mean_rank": 1.0, "sd_rank": 0.5, "min_rank": 1, "max_rank": 3, "in_top": 0.5}
    place = {"task": "emotion", "part_kind": "", "part": "", "level": level, "language_set": language_set}
    return pd.DataFrame(rows | place | about)


@pytest.fixture(scope="module")
def data(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Data:
    from analyses.explanations import ExplanationManifest, of_run, write_manifest, write_tables

    folder = tmp_path_factory.mktemp("shared") / "run"
    shutil.copytree(run_folder, folder)
    run = open_run(folder)
    write_manifest(run, ExplanationManifest(run=of_run(run), complete=True))
    place = {"method": "shap", "part_kind": "", "part": "", "level": "feature"}
    shared = [
        place | {"definition": "top", "name": name, "shared": is_shared}
        for name, is_shared in (("item 01", True), ("item 02", False))
    ]
    judged = {"method": "shap", "language_set": "all", "level": "feature"}
    judged |= {"verdict": "caution", "reasons": "It is fairly steady."}
    rankings = [
        ranked(30, "all"),
        ranked(30, "it"),
        ranked(1, "all", "family", part_kind="language", part="it"),
    ]
    tables = {"rankings/shap": pd.concat(rankings), "shared": pd.DataFrame(shared)}
    write_tables(run, tables | {"verdicts": pd.DataFrame([judged])})
    return Data(keyed([run]))


def view(data: Data, query: str = "") -> State:
    return read_state("/shared", f"?set=all&method=shap{query}", data)[0]


def made(data: Data, query: str = "") -> str:
    state = view(data, query)
    made = fill(page.layout(state, data, texts_for(state.lang)), page, state, data, texts_for(state.lang))
    return json.dumps(made, cls=plotly.utils.PlotlyJSONEncoder)


def test_the_verdict_comes_before_the_ranking(data: Data) -> None:
    text = made(data)
    assert text.index("It is fairly steady.") < text.index("item 01")
    assert "not tested yet" in made(data, "&set=it")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_speaks_every_language(data: Data, lang: str) -> None:
    assert '"shared.' not in made(data, f"&lang={lang}")


def test_a_ranking_is_that_of_the_view_and_the_best_comes_first(data: Data) -> None:
    run = data.runs["tiny"]
    table = ranking(run, view(data))
    assert table is not None
    assert table["rank"].tolist() == list(range(1, 31))
    nothing = ranking(run, view(data, "&emotion=anger"))
    assert nothing is not None
    assert nothing.empty
    assert marks(run, view(data)) == {"top": {"item 01"}}
    assert verdict(run, view(data, "&set=it")) is None
    assert set(monolingual(run)) <= {"de", "it"}


def test_a_search_finds_every_word_in_words_or_names(data: Data) -> None:
    table = ranking(data.runs["tiny"], view(data))
    assert table is not None
    assert found_by(table, "SLOPE pitch 7")["name"].tolist() == ["item 07", "item 17", "item 27"]
    assert len(found_by(table, "item 03")) == 1
    assert found_by(table, "loudness").empty
    assert "Nothing in this ranking" in made(data, "&search=loudness")


def test_ten_items_are_listed_and_more_when_asked(data: Data) -> None:
    assert "10 of 30" in made(data)
    assert "30 of 30" in made(data, "&view=more")


def test_names_of_a_foreign_run_are_text(data: Data) -> None:
    text = made(data)
    assert EVIL in text
    assert "dangerously_allow_html" not in text


def test_what_is_missing_says_how_it_is_computed(data: Data, tiny_data: Data) -> None:
    assert "msfl explain" in made(data, "&emotion=anger")
    state = read_state("/shared", "", tiny_data)[0]
    empty = fill(page.layout(state, tiny_data, texts_for("en")), page, state, tiny_data, texts_for("en"))
    assert "msfl explain" in json.dumps(empty, cls=plotly.utils.PlotlyJSONEncoder)


def test_the_ranking_can_be_had_with_what_is_shared(data: Data) -> None:
    table = page.TABLES["ranking"](view(data), data)
    assert table.loc[table["shared_top"], "name"].tolist() == ["item 01"]
    assert not table["shared_direction"].any()


@pytest.fixture
def heard(run_folder: Path, tmp_path: Path) -> Data:
    """Rankings of features that the run has; the second is shared, and nothing is known of the repeats."""
    from analyses.explanations import ExplanationManifest, of_run, write_manifest, write_tables

    shutil.copytree(run_folder, tmp_path / "run")
    run = open_run(tmp_path / "run")
    write_manifest(run, ExplanationManifest(run=of_run(run), complete=True))
    names = list(run.feature_names[:30])
    tables = [
        ranked(30, name).assign(name=names, min_rank=float("nan"), max_rank=float("nan"))
        for name in ("all", "it")
    ]
    place = {"method": "shap", "part_kind": "", "part": "", "level": "feature"}
    shared = pd.DataFrame([place | {"definition": "aggregated", "name": names[1], "shared": True}])
    write_tables(run, {"rankings/shap": pd.concat(tables), "shared": shared})
    return Data(keyed([run]))


def test_the_first_shared_feature_is_heard_in_every_language(heard: Data) -> None:
    state, run = view(heard), heard.runs["tiny"]
    feature = run.feature_names[1]
    text = json.dumps(page.PARTS["listen"](state, heard, texts_for("en")), cls=plotly.utils.PlotlyJSONEncoder)
    assert f"feature={feature}" in text
    values, language = run.feature(feature), run.utterances["language"]
    for tag in ("de", "it"):
        here = values[language == tag]
        for utterance in (here.idxmin(), here.idxmax()):
            assert f"/audio/tiny/{utterance}" in text
    assert text.count('"type": "Audio"') == 4


def test_at_other_levels_and_while_searching_nothing_is_played(heard: Data) -> None:
    assert '"part": "listen"' in made(heard)
    assert '"part": "listen"' not in made(heard, "&search=pitch")
    assert '"part": "listen"' not in made(heard, "&level=contour")


def test_a_ranking_without_known_repeats_is_listed(heard: Data) -> None:
    assert "pitch slope 3" in made(heard).lower()
