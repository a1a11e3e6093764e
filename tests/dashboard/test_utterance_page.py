"""The page of an utterance: prediction beside the truth, what speaks for and against, the way through the list."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plotly.utils import PlotlyJSONEncoder

from analyses.explanations import ExplanationManifest, of_run, write_manifest
from dashboard.attributions import classes_explained, explained, methods_of, utterances_explained
from dashboard.components.for_and_against import reasons
from dashboard.components.utterance_drawing import utterance_drawing
from dashboard.components.waterfall import steps, waterfall
from dashboard.data import Data, RunData, keyed
from dashboard.later import fill
from dashboard.outcomes import listed, outcomes
from dashboard.pages import close_pages, feature, utterance
from dashboard.state import State, read_state
from dashboard.texts import texts_for
from msfl.runs import open_run

EN = texts_for("en")
MODEL = "logistic-regression"


def shown(component: Any) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder, ensure_ascii=False)


def page(data: Data, query: str) -> str:
    state, _ = read_state("/utterance", query, data)
    return shown(fill(utterance.layout(state, data, EN), utterance, state, data, EN))


@pytest.fixture(scope="module")
def explained_run(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run with attributions of all but one utterance: pitch speaks for, loudness against."""
    folder = tmp_path_factory.mktemp("explained") / "run"
    shutil.copytree(run_folder, folder)
    run = open_run(folder)
    names = list(run.feature_names)
    data = RunData("tiny", run)
    family = [data.words(name).family for name in names]
    target = folder / "attributions" / "shap"
    target.mkdir(parents=True)
    left_out = str(run.utterances.index[-1])
    for job in run.jobs:
        if job.model != MODEL:
            continue
        table = run.job_table(job, "predictions.parquet")
        table = table[(table["task"] == "emotion") & (table["utterance"] != left_out)]
        rows = []
        for row in table.to_dict("records"):
            for label in dict.fromkeys([row["truth"], row["predicted"]]):
                sign = 1 if label == row["predicted"] else -1
                values = [sign * {"pitch": 0.02, "loudness": -0.01}.get(one, 0.001) for one in family]
                keys = {key: row[key] for key in ("utterance", "corpus", "language", "speaker")}
                job_keys = {
                    "language_set": job.language_set,
                    "model": job.model,
                    "fold": job.fold,
                    "seed": job.seed,
                }
                what = {
                    "task": "emotion",
                    "class": label,
                    "samples": 9,
                    "standard_error": 0.0,
                    "completeness_error": 0.0,
                }
                rows.append({**keys, **job_keys, **what, **dict(zip(names, np.float32(values), strict=True))})
        written = pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False)
        pq.write_table(written, target / f"{job.id}.parquet")
    write_manifest(run, ExplanationManifest(run=of_run(run), complete=True))
    return folder


@pytest.fixture
def known(explained_run: Path) -> Data:
    return Data(keyed([open_run(explained_run)]))


def state_of(data: Data, query: str = "") -> State:
    return read_state("/utterance", f"?model={MODEL}&set=de%2Bit{query}", data)[0]


def test_outcomes_are_the_predictions(data: Data) -> None:
    state = state_of(data)
    run = data.run(state)
    found = outcomes(run, state.set, state.model, "emotion")
    assert found is not None
    table = run.run.predictions
    rows = table[
        (table["model"] == MODEL) & (table["language_set"] == state.set) & (table["task"] == "emotion")
    ].set_index("utterance")
    assert set(found.index) == set(rows.index)
    assert (found["predicted"] == rows["predicted"].loc[found.index]).all()
    assert found["anger"].to_numpy() == pytest.approx(rows["p_anger"].loc[found.index].to_numpy())
    assert (found["right"] == (found["truth"] == found["predicted"])).all()
    assert outcomes(run, "no such set", MODEL, "emotion").empty  # type: ignore[union-attr]


def test_seeds_vote_by_their_mean_probability(data: Data) -> None:
    state = state_of(data)
    run = RunData("other", data.run(state).run)
    table = run.run.predictions
    table = table[(table["model"] == MODEL) & (table["language_set"] == state.set)]
    one = table.iloc[[0]].assign(
        truth="anger", p_anger=0.4, p_neutral=0.6, p_sadness=0.0, predicted="neutral"
    )
    two = one.assign(seed=1, p_anger=0.9, p_neutral=0.1, predicted="anger")
    run.predicted = lambda *_: pd.concat([one, two])  # type: ignore[assignment]
    found = outcomes(run, state.set, MODEL, "emotion")
    assert found is not None
    row = found.iloc[0]
    assert (row["predicted"], row["right"], row["seeds"]) == ("anger", True, 2)
    assert row["anger"] == pytest.approx(0.65)


def test_right_and_wrong_share_the_tested_utterances(data: Data) -> None:
    every = listed(data.get("tiny"), state_of(data))
    right = listed(data.get("tiny"), state_of(data, "&view=right"))
    wrong = listed(data.get("tiny"), state_of(data, "&view=wrong"))
    assert sorted(right + wrong) == sorted(every)
    german = listed(data.get("tiny"), state_of(data, "&language=de&emotion=anger"))
    rows = data.get("tiny").utterances.loc[german]
    assert (set(rows["language"]), set(rows["emotion"])) == ({"de"}, {"anger"})


def test_the_page_shows_the_first_and_leads_to_the_next(data: Data) -> None:
    names = listed(data.get("tiny"), state_of(data))
    said = page(data, f"?model={MODEL}")
    assert names[0] in said
    assert EN("utterance.next") in said
    assert EN("utterance.previous") not in said
    assert f"1 / {len(names)}" in said
    later = page(data, f"?model={MODEL}&utterance={names[-1]}")
    assert EN("utterance.next") not in later
    outside = page(data, f"?model={MODEL}&utterance={names[0]}&emotion=sadness")
    assert EN("utterance.first") in outside
    close_pages(data)


def test_without_attributions_it_says_how_to_get_them(data: Data) -> None:
    said = page(data, f"?model={MODEL}")
    assert EN("utterance.no_reasons") in said
    assert "msfl explain" in said
    close_pages(data)


def test_a_model_that_reads_no_features_promises_no_explanation_by_features(
    run_folder: Path, tmp_path: Path
) -> None:
    run = open_run(shutil.copytree(run_folder, tmp_path / "run"))
    for job in run.jobs:
        if job.model == MODEL:
            (run.job_folder(job.id) / "scaler-log-mel.npz").touch()
    data = Data({"tiny": RunData("tiny", run)})
    said = page(data, f"?model={MODEL}")
    assert EN("utterance.no_features_why") in said
    assert "msfl explain" not in said
    close_pages(data)


def test_a_model_that_was_not_tested_on_it_says_so(data: Data) -> None:
    run = data.get("tiny")
    italian = next(str(name) for name in run.utterances.index if run.utterances.at[name, "language"] == "it")
    said = page(data, f"?model={MODEL}&set=de&utterance={italian}")
    assert EN("utterance.not_tested") in said
    close_pages(data)


def test_the_steps_add_up_from_families_to_features(known: Data) -> None:
    state = state_of(known)
    run = known.run(state)
    name = str(run.utterances.index[0])
    wanted = {"language_set": state.set, "model": MODEL, "task": "emotion"}
    assert methods_of(run) == ("shap",)
    classes = classes_explained(run, name, "shap", **wanted)
    found = explained(run, name, "shap", of_class=classes[0], **wanted)
    assert found is not None
    assert found.of_class == classes[0]
    families = steps(run, found, "family", ("", ""), EN)
    assert sum(step.value for step in families) == pytest.approx(float(found.values.sum()))
    assert sum(step.count for step in families) == len(run.feature_names)
    pitch = next(step for step in families if step.name == "pitch")
    contours = steps(run, found, "contour", ("family", "pitch"), EN)
    assert sum(step.value for step in contours) == pytest.approx(pitch.value)
    features = steps(run, found, "feature", ("contour", contours[0].name), EN)
    assert sum(step.value for step in features) == pytest.approx(contours[0].value)
    assert [abs(step.value) for step in families] == sorted((abs(s.value) for s in families), reverse=True)


def test_a_waterfall_ends_at_the_probability(known: Data) -> None:
    state = state_of(known)
    run = known.run(state)
    name = str(run.utterances.index[0])
    found = outcomes(run, state.set, MODEL, "emotion")
    assert found is not None
    predicted = str(found.at[name, "predicted"])
    drawn = reasons(run, State(**{**state.__dict__, "utterance": name}), "shap", predicted, (), EN)
    bars = drawn[1].children.figure["data"][0]
    assert bars["x"][-1] == pytest.approx(100 * float(found.at[name, predicted]), abs=1e-3)
    ends = np.add(bars["base"], bars["x"])
    assert bars["base"][1:-1] == pytest.approx(ends[:-2], abs=1e-3)
    assert ends[-2] == pytest.approx(bars["x"][-1], abs=1e-3)
    assert "pitch" in shown(drawn)


def test_what_an_estimate_misses_is_a_step_of_its_own(known: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard.attributions import Explained
    from dashboard.components import for_and_against

    run = known.get("tiny")
    name = str(run.utterances.index[0])
    state = State(**{**state_of(known).__dict__, "utterance": name})
    found = outcomes(run, state.set, MODEL, "emotion")
    assert found is not None
    chance = float(found.at[name, "anger"])
    values = np.zeros(len(run.feature_names))
    made = Explained("shap", "anger", run.feature_names, values, base=chance - 0.25)
    monkeypatch.setattr(for_and_against, "explained", lambda *_, **__: made)
    drawn = reasons(run, state, "shap", "anger", (), EN)
    assert EN("utterance.unexplained") in shown(drawn)
    bars = drawn[1].children.figure["data"][0]["x"]
    assert bars[-2] == pytest.approx(25)
    assert bars[-1] == pytest.approx(100 * chance, abs=1e-3)
    exact = Explained("shap", "anger", run.feature_names, values, base=chance - 0.001)
    monkeypatch.setattr(for_and_against, "explained", lambda *_, **__: exact)
    assert EN("utterance.unexplained") not in shown(reasons(run, state, "shap", "anger", (), EN))


def test_a_waterfall_of_nothing_is_two_bars() -> None:
    drawn = waterfall([], 0.2, 0.2, "anger", EN)
    assert drawn["data"][0]["x"] == [20.0, 20.0]


def test_an_utterance_that_was_left_out_says_so(known: Data) -> None:
    state = state_of(known)
    run = known.run(state)
    left_out = str(run.utterances.index[-1])
    wanted = {"language_set": state.set, "model": MODEL, "task": "emotion"}
    assert left_out not in utterances_explained(run, "shap", **wanted)
    assert len(utterances_explained(run, "shap", **wanted)) == len(run.utterances) - 1
    assert EN("utterance.not_explained") in page(known, f"?model={MODEL}&set=de%2Bit&utterance={left_out}")
    assert left_out not in listed(run, state_of(known, "&view=explained"))
    close_pages(known)


def test_names_of_methods_cannot_lead_out_of_the_run(known: Data) -> None:
    run = known.get("tiny")
    for method in ("../shap", "/etc", "shap/..", ""):
        wanted = {"language_set": "de+it", "model": MODEL, "task": "emotion"}
        assert explained(run, "x", method, of_class="anger", **wanted) is None


def test_pitch_is_drawn_in_hertz(data: Data) -> None:
    feature.sound_of(data)
    run = data.get("tiny")
    name = next(str(one) for one in run.utterances.index if run.utterances.at[one, "emotion"] == "anger")
    try:
        drawn = utterance_drawing(run, name, data, EN)
        traces = drawn.children[0].children.figure["data"]
        pitch = next(trace for trace in traces if trace.get("name") == EN("sound.pitch"))
        voiced = [value for value in pitch["y"] if value is not None]
        assert 100 < float(np.median(voiced)) < 145  # the tone has 110 or 125 Hz
    finally:
        close_pages(data)


# -- in a browser -----------------------------------------------------------------------------------------------------
def test_one_hears_an_utterance_and_goes_to_the_next(visit: Any, served: Any) -> None:
    browser = visit.page
    browser.goto(f"{served.url}/utterance?model={MODEL}")
    browser.wait_for_selector(".sound-figure .imagelayer image")
    browser.evaluate("document.querySelector('.sound audio').play()")
    browser.wait_for_function("() => document.querySelector('.sound audio').currentTime > 0.1")
    before = browser.inner_text("h1")
    browser.get_by_role("link", name="next").click()
    browser.wait_for_function(f"() => document.querySelector('h1').innerText !== '{before}'")
    browser.wait_for_selector(".sound-figure .imagelayer image")
    browser.get_by_text("wrong", exact=True).first.click()
    browser.wait_for_url("**view=wrong**")
    assert visit.complaints == []


def test_a_family_unfolds_by_keyboard(visit: Any, explained_run: Path) -> None:
    import threading

    from waitress import create_server

    from dashboard.app import create_app

    data = Data(keyed([open_run(explained_run)]))
    server = create_server(create_app(data).server, host="127.0.0.1", port=0, threads=6, ident=None)
    threading.Thread(target=server.run, daemon=True).start()
    browser = visit.page
    try:
        browser.goto(f"http://127.0.0.1:{server.effective_port}/utterance?model={MODEL}")
        browser.get_by_role("button", name="pitch ▸").focus()
        browser.keyboard.press("Enter")
        browser.get_by_role("navigation", name=EN("utterance.trail")).get_by_text(
            "pitch", exact=True
        ).wait_for()
        browser.locator(".reasons .as-link").first.click()
        browser.locator(".reasons a.link").first.wait_for()
        browser.locator(".trail .as-link").first.click()
        browser.get_by_role("button", name="pitch ▸").wait_for()
        assert visit.complaints == []
    finally:
        server.close()
        close_pages(data)
