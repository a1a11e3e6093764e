"""Pages as the server makes them, without a browser."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import plotly
import pytest

from dashboard.app import content
from dashboard.data import Data, keyed
from dashboard.later import fill, part_of
from dashboard.overview import Overview
from dashboard.pages import Page, load_pages, tables_of
from dashboard.state import State, read_state
from dashboard.texts import LANGUAGES, texts_for
from msfl.errors import DataError
from msfl.runs import Run, open_run

ROUTE = (
    "..bar.children...navigation.children...controls.children...notices.children...page.children...state.data"
    "...words.data.."
)


def shown(client: Any, pathname: str, search: str = "") -> dict[str, Any]:
    """Ask the router for a view, as the browser does."""
    asked = {
        "output": ROUTE,
        "outputs": [
            {"id": name.split(".")[0], "property": name.split(".")[1]}
            for name in ROUTE.strip(".").split("...")
        ],
        "inputs": [
            {"id": "url", "property": "pathname", "value": pathname},
            {"id": "url", "property": "search", "value": search},
        ],
        "changedPropIds": ["url.pathname"],
    }
    answer = client.post("/_dash-update-component", json=asked)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json["response"]
    return found


def as_json(component: Any) -> str:
    return json.dumps(component, cls=plotly.utils.PlotlyJSONEncoder)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("page", load_pages(), ids=lambda page: page.NAME)
def test_every_page_comes_in_every_language_and_says_no_key(page: Page, lang: str, tiny_data: Data) -> None:
    state, _ = read_state(f"/{page.NAME}", f"?lang={lang}", tiny_data)
    texts = texts_for(lang)
    made = as_json(fill(page.layout(state, tiny_data, texts), page, state, tiny_data, texts))
    assert f'"{page.NAME}.' not in made
    assert '"error.' not in made


def test_the_router_fills_the_shell_and_says_what_it_ignored(client: Any) -> None:
    found = shown(client, "/overview", "?lang=de&run=nobody")
    assert found["words"]["data"] == {"title": "Überblick · tiny · msfl", "lang": "de"}
    assert found["state"]["data"]["run"] == "tiny"
    assert "nobody" in as_json(found["notices"]["children"])
    assert "page-tab-here" in as_json(found["navigation"]["children"])


def test_a_choice_above_the_page_becomes_the_address(client: Any) -> None:
    state = shown(client, "/overview")["state"]["data"]
    chosen = {"task": "emotion", "set": "it", "model": "majority"}
    asked = {
        "output": next(
            one["output"]
            for one in client.get("/_dash-dependencies").json
            if one["output"].startswith("url.search")
        ),
        "outputs": {"id": "url", "property": "search"},
        "inputs": [
            [
                {"id": {"type": "control", "field": field}, "property": "value", "value": value}
                for field, value in chosen.items()
            ]
        ],
        "state": [{"id": "state", "property": "data", "value": state}],
        "changedPropIds": ['{"field":"set","type":"control"}.value'],
    }
    answer = client.post("/_dash-update-component", json=asked).json["response"]
    said = next(iter(next(iter(answer.values())).values()))
    again = shown(client, "/overview", said)["state"]["data"]
    assert (again["set"], again["model"]) == ("it", "majority")


def test_a_page_that_fails_is_a_sentence_in_its_place(
    tiny_data: Data, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        NAME, TITLE = "overview", "overview.title"

        def __init__(self, error: Exception) -> None:
            self.error = error

        def layout(self, *_: object) -> Any:
            raise self.error

    state, texts = read_state("/", "", tiny_data)[0], texts_for("en")
    assert "cannot be read" in as_json(
        content(Broken(DataError("x cannot be read.")), state, tiny_data, texts)
    )
    said = as_json(content(Broken(ZeroDivisionError("secret detail")), state, tiny_data, texts))
    assert "secret detail" not in said
    assert "secret detail" in caplog.text


def test_the_overview_counts_what_the_run_counts(tiny: Run) -> None:
    overview = Overview(keyed([tiny])["tiny"])
    predictions = tiny.predictions
    rows = predictions[
        (predictions["task"] == "emotion")
        & (predictions["language_set"] == "all")
        & (predictions["model"] == "logistic-regression")
        & (predictions["language"] == "it")
    ]
    counts = overview.confusions("emotion", "all", "logistic-regression")["it"]
    assert counts.to_numpy().sum() == len(rows)
    assert counts.at["anger", "anger"] == ((rows["truth"] == "anger") & (rows["predicted"] == "anger")).sum()
    overall = overview.overall("emotion").set_index(["language_set", "model"])
    assert overall.at[("all", "majority"), "uar"] == pytest.approx(1 / 3)
    assert overview.weights("all", "logistic-regression").empty
    assert overview.corpora()["utterances"].sum() == len(tiny.utterances)


def test_the_weights_are_means_over_jobs_with_their_range(run_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy)
    run = open_run(copy)
    jobs = [job for job in run.jobs if (job.language_set, job.model) == ("all", "logistic-regression")]
    for place, job in enumerate(jobs):
        history = pd.DataFrame(
            {"epoch": [1, 2], "weight_emotion": [1.0, 1.0 + place], "weight_language": [1.0, 0.5]}
        )
        history.to_parquet(run.job_folder(job.id) / "history.parquet")
    table = Overview(keyed([open_run(copy)])["tiny"]).weights("all", "logistic-regression")
    last = table.set_index(["task", "epoch"]).loc[("emotion", 2)]
    assert (last["low"], last["high"]) == (1.0, float(len(jobs)))
    assert last["mean"] == pytest.approx((1 + len(jobs)) / 2)


def test_names_of_a_foreign_run_are_text(
    run_folder: Path, tmp_path: Path, make_client: Callable[..., Any]
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    evil = "<img src=x onerror=alert(1)>"
    manifest |= {"name": evil, "warnings": [evil]}
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    data = Data(keyed([open_run(copy)]))
    assert list(data.runs) == ["img-src-x-onerror-alert-1"]
    client = make_client(data=data)
    assert evil not in client.get("/").text
    page = as_json(shown(client, "/")["page"])
    assert evil in page
    assert "dangerously_allow_html" not in page


def test_damaged_explanations_are_said_and_the_rest_is_shown(run_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy)
    (copy / "explanations").mkdir()
    (copy / "explanations" / "manifest.json").write_text("{", encoding="utf-8")
    data = Data(keyed([open_run(copy)]))
    run = data.runs["tiny"]
    assert "damaged" in run.problem
    assert not run.explained
    for page in load_pages():
        state, _ = read_state(f"/{page.NAME}", "", data)
        made = fill(content(page, state, data, texts_for("en")), page, state, data, texts_for("en"))
        assert "could not be made" not in as_json(made)


def spoil_json(file: Path) -> None:
    file.write_text("{", encoding="utf-8")


def spoil_schema(file: Path) -> None:
    raw = {"kind": "msfl explanations", "schema_version": 99}
    file.write_text(json.dumps(raw), encoding="utf-8")


def spoil_run(file: Path) -> None:
    raw = {"kind": "msfl explanations", "schema_version": 1, "run": {"name": "another"}}
    file.write_text(json.dumps(raw), encoding="utf-8")


@pytest.mark.parametrize("spoil", [spoil_json, spoil_schema, spoil_run], ids=["json", "schema", "other run"])
@pytest.mark.parametrize("page", load_pages(), ids=lambda page: page.NAME)
def test_refused_explanations_are_a_notice_on_every_page(
    spoil: Callable[[Path], None],
    page: Page,
    run_folder: Path,
    tmp_path: Path,
    make_client: Callable[..., Any],
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy)
    (copy / "explanations").mkdir()
    spoil(copy / "explanations" / "manifest.json")
    client = make_client(data=Data(keyed([open_run(copy)])))
    found = shown(client, f"/{page.NAME}")
    said = as_json(found["notices"]["children"])
    assert "The explanations of this run cannot be read" in said
    assert str(copy / "explanations") in said  # which file
    assert "msfl explain" in said  # what to do
    assert "page-head" in as_json(found["page"]["children"])  # and the page is there


@pytest.mark.parametrize(
    "name",
    [
        "scores.parquet",
        "predictions.parquet",
        "features.parquet",
        "utterances.parquet",
        "jobs/*/job.json",
        "jobs/*/history.parquet",
    ],
)
def test_a_file_that_breaks_while_the_page_is_open_is_named_and_the_frame_stays(
    name: str,
    run_folder: Path,
    tmp_path: Path,
    make_client: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy)
    data = Data(keyed([open_run(copy)]))
    client = make_client(data=data)
    for file in copy.glob(name):
        file.write_bytes(b"broken")
    said = ""
    for page in load_pages():
        found = shown(client, f"/{page.NAME}")
        said += as_json(found["page"]["children"])
        assert "page-tab" in as_json(found["navigation"]["children"])
        if not isinstance(found["state"]["data"].get("set"), str) or not found["state"]["data"]["set"]:
            continue
        state = State(**found["state"]["data"])
        said += as_json(
            [part_of(page, part, state, data, texts_for("en")) for part in getattr(page, "PARTS", {})]
        )
    assert "could not be made" not in said, caplog.text
    if "history" not in name:  # the weights of one job that are lost are no reason to hide the others
        assert str(copy) in said
        assert "damaged" in said or "cannot be read" in said


def test_explanations_appear_as_soon_as_they_are_computed(run_folder: Path, tmp_path: Path) -> None:
    from analyses.explanations import ExplanationManifest, of_run, write_manifest, write_tables

    copy = tmp_path / "run"
    shutil.copytree(run_folder, copy)
    run = keyed([open_run(copy)])["tiny"]
    assert run.table("verdicts") is None
    assert run.choices.methods == ("attention",)
    write_manifest(run.run, ExplanationManifest(run=of_run(run.run), complete=True))
    for name in ("shap", "consensus"):
        write_tables(
            run.run, {f"rankings/{name}": pd.DataFrame({"task": ["emotion", "language"], "rank": [1, 2]})}
        )
    assert run.choices.methods == ("consensus", "shap")
    found = run.table("rankings/shap", ["rank"], task="language")
    assert found is not None
    assert found["rank"].tolist() == [2]
    assert run.table("verdicts") is None
    assert run.why_missing("verdicts")


@pytest.mark.parametrize(
    ("page", "name"),
    [(page, name) for page in load_pages() for name in tables_of(page)],
    ids=lambda one: str(one)[:40],
)
def test_every_table_of_a_page_can_be_downloaded(page: Page, name: str, client: Any, data: Data) -> None:
    feature = data.runs["tiny"].feature_names[0]
    answer = client.get(f"/table/{page.NAME}/{name}.csv?feature={feature}&utterance=tiny/de0a0")
    assert answer.status_code in (200, 404)  # 404 with a sentence, where it needs what was not computed
    if answer.status_code == 200:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.data.startswith("\ufeff".encode())
    else:
        assert not answer.text.startswith("<!doctype")


def test_the_numbers_of_the_overview_can_be_downloaded(client: Any) -> None:
    import io

    answer = client.get("/table/overview/scores.csv")
    table = pd.read_csv(io.BytesIO(answer.data))
    assert {"language_set", "model", "group", "uar", "uar_low", "uar_high"} <= set(table.columns)
    assert set(table["group"]) == {"de", "it"}
    assert client.get("/table/overview/other.csv").status_code == 404
