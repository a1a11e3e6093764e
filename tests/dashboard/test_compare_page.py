"""Two rankings side by side."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import plotly
import pytest

from dashboard.compare import compare, depths, other
from dashboard.data import Data, keyed
from dashboard.later import fill
from dashboard.pages import compare as page
from dashboard.state import read_state
from dashboard.texts import LANGUAGES, texts_for
from msfl.runs import open_run

NAMES = [f"item {number:02}" for number in range(30)]


def ranked(names: list[str], **about: str) -> pd.DataFrame:
    count = len(names)
    rows: dict[str, Any] = {
        "name": names,
        "in_words": names,
        "family": "pitch",
        "contour": "",
        "rank": range(1, count + 1),
    }
    rows |= {"lift": [2 - place / count for place in range(count)], "size": 1, "importance": 1.0}
    spread = dict.fromkeys(("mean_rank", "sd_rank", "min_rank", "max_rank", "in_top", "direction"), 1.0)
    place = {"task": "emotion", "part_kind": "", "part": "", "level": "feature", "language_set": "all"}
    return pd.DataFrame(rows | spread | place | about)


@pytest.fixture(scope="module")
def data(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Data:
    from analyses.explanations import ExplanationManifest, of_run, write_manifest, write_tables

    folder = tmp_path_factory.mktemp("compare") / "run"
    shutil.copytree(run_folder, folder)
    run = open_run(folder)
    write_manifest(run, ExplanationManifest(run=of_run(run), complete=True))
    moved = [*NAMES[10:20], *NAMES[:10], *NAMES[20:]]
    sets = [ranked(NAMES), ranked(moved, language_set="it")]
    write_tables(run, {"rankings/shap": pd.concat(sets), "rankings/attention": ranked(NAMES[::-1])})
    return Data(keyed([run]))


def made(data: Data, query: str = "", lang: str = "en") -> str:
    state, _ = read_state("/compare", f"?lang={lang}{query}", data)
    return json.dumps(
        fill(page.layout(state, data, texts_for(lang)), page, state, data, texts_for(lang)),
        cls=plotly.utils.PlotlyJSONEncoder,
    )


def test_figures_of_agreement_stand_beside_chance() -> None:
    same = compare(ranked(NAMES), ranked(NAMES))
    assert same is not None
    assert [same.tau, same.rbo] == pytest.approx([1, 1])
    assert same.alone == 0
    assert [(one.k, one.common) for one in same.overlaps] == [(5, 5), (10, 10)]
    assert same.overlaps[1].expected == pytest.approx(100 / 30)
    assert same.overlaps[1].p_value < 1e-6
    reverse = compare(ranked(NAMES), ranked(NAMES[::-1]))
    assert reverse is not None
    assert reverse.tau == pytest.approx(-1)
    assert reverse.overlaps[1].common == 0
    assert reverse.overlaps[1].p_value == pytest.approx(1)
    assert reverse.rbo < reverse.rbo_chance


def test_only_what_both_have_is_compared_and_ranked_anew() -> None:
    found = compare(ranked(NAMES), ranked([*NAMES[5:], "another"]))
    assert found is not None
    assert found.alone == 6
    assert found.table["rank_a"].tolist() == list(range(1, 26))
    assert found.tau == pytest.approx(1)
    assert compare(ranked(NAMES), ranked(["another"])) is None
    assert depths(3) == (1,)


def test_the_other_side_is_as_the_first_where_it_says_nothing(data: Data) -> None:
    def second(query: str) -> tuple[str, str, str]:
        found = other(read_state("/compare", query, data)[0], data)
        return found.set, found.method, found.emotion

    assert second("?set=all&method=shap") != ("all", "shap", "")  # something to see at once
    assert second("?set=it&method=shap") == ("all", "shap", "")
    assert second("?set=it&method=shap&method2=attention") == ("it", "attention", "")
    assert second("?set=all&method=shap&emotion=anger&emotion2=sadness") == ("all", "shap", "sadness")


def test_a_choice_goes_into_the_address_and_nothing_else_does(data: Data) -> None:
    state, _ = read_state("/compare", "?set=all&method=shap&set2=it", data)
    shown = {"run2": "tiny", "set2": "it", "method2": "shap", "emotion2": "*"}
    assert page.choice(state, shown, data) is None
    changed = page.choice(state, shown | {"method2": "attention"}, data)
    assert changed is not None
    assert (changed.set2, changed.method2, changed.emotion2) == ("it", "attention", "")


def test_the_page_says_what_only_one_has(data: Data) -> None:
    text = made(data, "&set=all&method=shap&set2=it&method2=shap")
    assert "no more than chance would give" in text
    assert "Only Italian" in text
    assert "rank 11 in all languages" in text
    assert "same ranking" in made(data, "&set=all&method=shap&set2=all")
    assert "much the same story" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_the_words(data: Data, lang: str) -> None:
    assert '"compare.' not in made(data, "&set=all&method=shap&set2=it", lang)


def test_what_is_missing_says_how_it_is_computed(data: Data, tiny_data: Data) -> None:
    assert "msfl explain" in made(tiny_data)
    assert "msfl explain" in made(data, "&set=all&method=shap&set2=de")


def test_the_ranks_can_be_had(data: Data) -> None:
    state, _ = read_state("/compare", "?set=all&method=shap&set2=it", data)
    table = page.TABLES["ranks"](state, data)
    assert table.columns.tolist() == ["name", "in_words", "family", "rank_a", "rank_b"]
    assert len(table) == len(NAMES)
