"""The page of a feature: what it shows, what it chooses, and that it sounds."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboard.attention_ranks import AttentionRanks
from dashboard.components.example_list import drawing_of, significant
from dashboard.components.feature_figures import forest
from dashboard.data import Data, keyed
from dashboard.examples import ENDS, Facts, choose, groups_of, scaled
from dashboard.feature_search import search
from dashboard.later import fill
from dashboard.pages import close_pages, feature
from dashboard.state import read_state
from dashboard.texts import texts_for
from msfl.runs import Run

EN = texts_for("en")
PITCH = "F0semitoneFrom27.5Hz_sma3nz_amean"


def shown(component: Any) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder, ensure_ascii=False)


def page(data: Data, query: str) -> str:
    state, _ = read_state("/feature", query, data)
    return shown(fill(feature.layout(state, data, EN), feature, state, data, EN))


def many(count: int = 240) -> tuple[pd.Series, dict[str, Facts]]:
    names = [f"c/u{place:03d}" for place in range(count)]
    values = pd.Series(np.arange(count, dtype="float64"), index=pd.Index(names, name="utterance"))
    facts = {name: Facts("de" if i % 2 else "it", "anger", f"s{i % 6}") for i, name in enumerate(names)}
    return values, facts


def test_the_ends_are_the_ends_and_languages_and_speakers_take_turns() -> None:
    values, facts = many()
    chosen = choose(values.sample(frac=1, random_state=1), facts, 4)
    assert list(chosen) == list(ENDS)
    assert max(values[chosen["low"]]) < min(values[chosen["middle"]])
    assert max(values[chosen["middle"]]) < min(values[chosen["high"]])
    for names in chosen.values():
        assert len(names) == 4
        assert sorted(facts[name].language for name in names) == ["de", "de", "it", "it"]
        assert len({facts[name].speaker for name in names}) == 4
    assert chosen["low"][0] == "c/u000"
    assert chosen["high"][0] == "c/u239"


def test_few_utterances_stand_at_one_end_only() -> None:
    values, facts = many(5)
    chosen = choose(values, facts, 4)
    every = [name for names in chosen.values() for name in names]
    assert len(every) == len(set(every)) == 3
    assert choose(values.head(2), facts, 4)["low"] == ["c/u000", "c/u001"]
    assert choose(values * np.nan, facts, 4) == {"low": [], "middle": [], "high": []}


def test_within_speakers_every_voice_has_mean_zero() -> None:
    values, facts = many(60)
    table = pd.DataFrame(
        {"corpus": "c", "speaker": [facts[name].speaker for name in values.index]}, index=values.index
    )
    table.loc[table["speaker"] == "s1", "speaker"] = None
    within = scaled(values, groups_of(table, "speaker"))
    by_speaker = within.groupby(table["speaker"].fillna("c"))
    assert by_speaker.mean().abs().max() < 1e-9
    assert by_speaker.std(ddof=0).to_numpy() == pytest.approx(1)
    assert scaled(values, None) is values
    alone = scaled(values.head(1), groups_of(table.head(1), "corpus"))
    assert alone.isna().all()


def test_the_page_says_what_the_feature_is_and_where_it_lies(data: Data) -> None:
    said = page(data, f"?feature={PITCH}")
    words = data.get("tiny").words(PITCH)
    assert words.question in said
    assert words.source in said
    assert "/audio/tiny/" in said
    assert "msfl explain" in said  # no effect sizes yet
    for end in ("Low", "Middle", "High"):
        assert f'"{end}"' in said
    close_pages(data)


def test_filters_leave_only_what_they_name(data: Data) -> None:
    state, _ = read_state("/feature", f"?feature={PITCH}&language=de&emotion=anger", data)
    values = feature.shown(data.run(state), state)
    rows = data.run(state).utterances.loc[values.index]
    assert set(rows["language"]) == {"de"}
    assert set(rows["emotion"]) == {"anger"}
    raw = data.run(state).feature(PITCH)
    assert values.to_numpy() == pytest.approx(raw.loc[values.index].to_numpy())
    speaker, _ = read_state("/feature", f"?feature={PITCH}&view=speaker&emotion=anger", data)
    z = feature.shown(data.run(speaker), speaker)
    assert abs(float(z.mean())) > 0.3  # scaled over all emotions: anger keeps its distance
    table = feature.TABLES["values"](speaker, data)
    assert list(table["utterance"]) == list(z.index)
    assert set(table["scale"]) == {"speaker"}


def test_without_a_feature_words_and_names_find_one(data: Data) -> None:
    assert "feature-search" in page(data, "")
    run = data.get("tiny")
    names, total = search(run, "loudness mean", 50)
    assert "loudness_sma3_amean" in names
    assert total == len(names)
    assert search(run, "F0semitone", 1)[0][0].startswith("F0semitone")
    assert search(run, "no such words here", 5) == ([], 0)
    assert search(run, "", 5)[1] == len(run.feature_names)


def test_drawings_hold_the_value_of_the_features_table(data: Data) -> None:
    state, _ = read_state("/feature", f"?feature={PITCH}", data)
    feature.sound_of(data)
    run = data.run(state)
    utterance = str(run.utterances.index[0])
    try:
        drawn, numbers = drawing_of(run, state, utterance, data, EN)
        value = float(run.feature(PITCH)[utterance])
        assert EN.number(value, 2) in shown(numbers)
        graph = drawn.children[0].children[0].children
        marks = [trace for trace in graph.figure["data"] if trace.get("name") == "mean"]
        assert marks[0]["y"] == pytest.approx([value, value], abs=0.02)
        assert len(shown(drawn)) < 200_000
        gone = Data(data.runs, audio_root=Path(run.run.path), services=data.services)
        said, _ = drawing_of(run, state, utterance, gone, EN)
        assert EN("audio.not_in_root") in shown(said)
    finally:
        close_pages(data)


def test_the_server_did_not_import_what_is_heavy(data: Data) -> None:
    import subprocess

    code = (
        "import sys, dashboard.pages.feature, dashboard.pages.utterance\n"
        "print([m for m in ('opensmile', 'tensorflow', 'librosa', 'shap', 'numba') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_effects_are_drawn_as_they_stand_and_names_are_escaped() -> None:
    rows = [("anger", "de", 0.5), ("anger", "all", 0.7), ("<b>x</b>", "de", -1.0)]
    effects = pd.DataFrame(rows, columns=["emotion", "language", "hedges_g"])
    effects = effects.assign(low=effects["hedges_g"] - 0.2, high=effects["hedges_g"] + 0.4, n=5)
    drawn = forest(effects, EN)
    points = {label: x for trace in drawn["data"] for label, x in zip(trace["y"], trace["x"], strict=True)}
    assert points["anger · German"] == 0.5
    assert points[f"anger · {EN('feature.all_languages')}"] == 0.7
    assert any("&lt;b&gt;" in label for label in points)
    assert drawn["data"][0]["error_x"]["array"] == pytest.approx([0.4] * len(drawn["data"][0]["y"]))


def test_attention_is_ranked_in_the_background_as_the_analyses_rank_it(tmp_path: Path) -> None:
    class Attending:
        """A run with attention, as far as the ranks need it."""

        has_attention = True
        path = tmp_path

        class manifest:  # noqa: N801
            class features:  # noqa: N801
                set = "IS10"

        def attention_batches(self, rows: int) -> Any:
            names = ["F0final_sma_amean", "F0final_sma_stddev", "pcm_loudness_sma_amean"]
            for fold in ("a", "b"):
                weights = np.tile([0.2, 0.7, 0.1], (4, 1))
                frame = pd.DataFrame(weights, columns=names)
                keys = {
                    "corpus": "c",
                    "language": "de",
                    "speaker": "s",
                    "language_set": "de",
                    "model": "msfl",
                }
                yield frame.assign(utterance=[f"c/{fold}{i}" for i in range(4)], fold=fold, seed=0, **keys)

    ranks = AttentionRanks(Attending())  # type: ignore[arg-type]
    assert not ranks.ready
    ranks.start()
    assert ranks._thread is not None
    ranks._thread.join(30)
    assert ranks.ready
    row = ranks.of("F0final_sma_stddev").iloc[0]
    assert (row["rank"], row["language_set"], row["model"]) == (1, "de", "msfl")
    assert row["lift"] == pytest.approx(2.1)
    assert ranks.of("F0final_sma_amean")["rank"].tolist() == [2]
    assert ranks.of("no such feature").empty


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0"), (1234.5, "1234"), (-12.345, "−12.35"), (2.5e-7, "2.50 × 10⁻⁷"), (float("nan"), "–")],
)
def test_numbers_have_sensible_digits(value: float, said: str) -> None:
    assert significant(value, EN) == said


def test_a_run_without_labels_still_opens(tiny: Run) -> None:
    data = Data(keyed([tiny]))
    run = data.get("tiny")
    run.__dict__["utterances"] = run.utterances.assign(emotion=pd.NA, speaker=pd.NA)
    said = page(data, f"?feature={PITCH}&view=speaker")
    assert EN("feature.no_emotion") in said
    close_pages(data)


# -- in a browser -----------------------------------------------------------------------------------------------------
def test_the_first_of_each_end_is_drawn_and_a_player_plays(visit: Any, served: Any) -> None:
    browser = visit.page
    browser.goto(f"{served.url}/feature?feature={PITCH}")
    browser.wait_for_function(
        "() => document.querySelectorAll('.sound-figure .imagelayer image').length === 3"
    )
    browser.wait_for_function(
        "() => document.querySelectorAll('.sound-figure .scatterlayer .trace').length >= 9"
    )
    first = browser.locator(".examples .sound").first
    assert first.locator("audio").evaluate("player => player.preload") == "none"
    first.locator("audio").evaluate("player => player.play()")
    browser.wait_for_function("() => document.querySelector('.examples audio').currentTime > 0.1")
    assert first.locator("audio").evaluate("player => player.duration") == pytest.approx(0.5, abs=0.05)
    assert first.evaluate("box => Number(box.style.getPropertyValue('--at'))") > 0
    buttons = browser.locator(".draw[aria-expanded=false]")
    before = buttons.count()
    buttons.first.focus()
    browser.keyboard.press("Enter")
    browser.wait_for_function(
        "() => document.querySelectorAll('.sound-figure .imagelayer image').length === 4"
    )
    assert buttons.count() == before - 1
    assert visit.complaints == []


def test_the_scale_is_part_of_the_link(visit: Any, served: Any) -> None:
    browser = visit.page
    browser.goto(f"{served.url}/feature?feature={PITCH}")
    browser.get_by_text("within speaker", exact=True).first.click()
    browser.wait_for_url("**view=speaker**")
    browser.get_by_text("what is left is how each voice changes").wait_for()
    assert visit.complaints == []
