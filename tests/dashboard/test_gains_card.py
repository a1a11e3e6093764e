"""What systems gain on their twins, on the page Overview."""

import json

import plotly
import pytest

from dashboard.data import Data, keyed
from dashboard.pages import overview as page
from dashboard.state import read_state
from dashboard.texts import LANGUAGES, texts_for
from msfl.runs import open_run


@pytest.fixture
def data(run_folder, monkeypatch) -> Data:
    known = {"logistic-regression": "majority"}
    monkeypatch.setattr("msfl.models.registry.twin_of", lambda name: known.get(name, ""))
    return Data(keyed([open_run(run_folder)]))


def written(made: object) -> str:
    return json.dumps(made.to_plotly_json(), cls=plotly.utils.PlotlyJSONEncoder)  # type: ignore[attr-defined]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_with_a_twin_has_the_card(data: Data, lang: str) -> None:
    state = read_state("/", "", data)[0]
    found = written(page.PARTS["gains"](state, data, texts_for(lang)))
    assert "overview-gains" in found
    assert "overview.g" not in found  # every word has a text
    table = page.TABLES["gains"](state, data)
    assert set(table["twin"]) == {"majority"}
    assert '"gains"' in written(page.layout(state, data, texts_for(lang)))


def test_a_run_without_twins_has_none(run_folder) -> None:
    data = Data(keyed([open_run(run_folder)]))
    state = read_state("/", "", data)[0]
    assert '"gains"' not in written(page.layout(state, data, texts_for("en")))
