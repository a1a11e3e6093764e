"""Figures: what they draw is what the table says; names are escaped; colours are told apart by everybody."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.figures import (
    agreement,
    balancing,
    bump,
    confusion,
    curves,
    distribution,
    forest,
    heat_map,
    layout,
    palette,
    ranking,
    scores,
    stability,
    upset,
    waterfall,
)
from msfl.features.lexicon import FAMILIES

EVIL = '<a href="javascript:alert(1)">x</a>'
NAMES = ("F0final_sma_amean", "F0final_sma_stddev", "mfcc_sma[1]_amean", "pcm_loudness_sma_amean")
WORDS = ("mean of the pitch contour", EVIL, "mean of MFCC 1", "mean of the loudness contour")
FAMILY = ("pitch", "pitch", "cepstrum", "loudness")


def rankings():
    rows = []
    for name, order in (("de", (1, 2, 3, 4)), ("it", (2, 3, 1, 4)), (EVIL, (1, 3, 2, 4))):
        for item, words, family, rank in zip(NAMES, WORDS, FAMILY, order, strict=True):
            rows.append(
                {"language_set": name, "part": name, "name": item, "in_words": words, "family": family, "rank": rank}
                | {"mean_rank": rank + 0.5, "sd_rank": 0.5, "min_rank": rank, "max_rank": rank + 1, "in_top": 0.75}
                | {"importance": 0.4 / rank, "share": 0.25, "lift": 1.6 / rank}
            )  # fmt: skip
    return pd.DataFrame(rows)


def effects():
    rows = [
        {"name": "f", "language": language, "emotion": emotion, "contrast": "neutral"}
        | {"hedges_g": 0.5 + place, "low": low, "high": 1.0 + place, "n": 9, "n_other": 8, "speakers": 5}
        for emotion in ("anger", EVIL)
        for place, (language, low) in enumerate((("de", 0.1), ("it", np.nan), ("all", 0.2)))
    ]
    return pd.DataFrame(rows)


def score_rows():
    return pd.DataFrame(
        {"language_set": ["all", "all", "de"], "model": ["msfl", "majority", EVIL], "uar": [0.8, 0.25, 0.6]}
        | {"uar_low": [0.7, np.nan, 0.5], "uar_high": [0.9, np.nan, 0.7]}
    )


def curve_rows():
    return pd.DataFrame(
        [
            {
                "method": method,
                "test": test,
                "share": share,
                "value": value,
                "low": value - 0.1,
                "high": value + 0.1,
            }
            for method in ("random", "attention", EVIL)
            for test in ("deletion", "insertion", "deletion probability")
            for share, value in ((0.0, 0.9), (0.5, 0.6), (1.0, 0.2))
        ]
    )


def stability_rows():
    return pd.DataFrame(
        {"method": ["attention", EVIL], "over": ["folds", "seeds"], "index": "nogueira", "value": [0.8, 0.3]}
        | {"low": [0.7, np.nan], "high": [0.9, np.nan], "repeats": [4, 2]}
    )


def agreement_rows():
    return pd.DataFrame(
        [
            {"a": a, "b": b, "measure": "kendall_tau_b", "value": 0.5, "low": 0.4, "high": 0.6, "chance": 0.0}
            for a, b in combinations(("de", "it", EVIL), 2)
        ]
    )


def values():
    rng = np.random.default_rng(0)
    rows = [(language, emotion) for language in ("de", EVIL) for emotion in ("anger", EVIL) for _ in range(8)]
    frame = pd.DataFrame(rows, columns=["language", "emotion"])
    return frame.assign(value=rng.normal(size=len(frame)), utterance=EVIL)


def attributions():
    return pd.DataFrame(
        {"name": NAMES, "in_words": WORDS, "family": FAMILY, "value": [0.2, -0.1, 0.05, -0.3]}
    )


def history(steps=3):
    return pd.DataFrame(
        {
            f"step_weight_{task}": [np.linspace(1, end, steps)] * 2
            for task, end in (("emotion", 1.5), (EVIL, 0.5))
        }
    )


def crossed():
    return pd.DataFrame([[8, 2], [0, 5]], index=["anger", EVIL], columns=["anger", EVIL])


FIGURES = {
    agreement: lambda theme: agreement.figure(agreement_rows(), theme=theme),
    balancing: lambda theme: balancing.figure([history(), history(2)], theme=theme),
    bump: lambda theme: bump.figure(rankings(), ["de", "it", EVIL], top=3, theme=theme),
    confusion: lambda theme: confusion.figure(crossed(), theme=theme),
    curves: lambda theme: curves.figure(curve_rows(), theme=theme),
    distribution: lambda theme: distribution.figure(values(), unit=EVIL, theme=theme),
    forest: lambda theme: forest.figure(effects(), theme=theme),
    heat_map: lambda theme: heat_map.figure(crossed(), words={"anger": EVIL}, theme=theme),
    ranking: lambda theme: ranking.figure(rankings()[:4], theme=theme),
    scores: lambda theme: scores.figure(score_rows(), baselines=["majority"], chance=0.25, theme=theme),
    stability: lambda theme: stability.figure(stability_rows(), theme=theme),
    upset: lambda theme: upset.figure(
        {"de": NAMES, EVIL: NAMES[:2]}, words={NAMES[2]: EVIL}, items=9, theme=theme
    ),
    waterfall: lambda theme: waterfall.figure(
        attributions(), base=0.3, of_class=EVIL, unfold=["pitch"], top=1, theme=theme
    ),
}
EMPTY = {
    agreement: lambda: agreement.figure(agreement_rows()[:0]),
    balancing: lambda: balancing.figure([]),
    bump: lambda: bump.figure(rankings()[:0], ["de", "it"]),
    confusion: lambda: confusion.figure(pd.DataFrame()),
    curves: lambda: curves.figure(curve_rows()[:0]),
    distribution: lambda: distribution.figure(values()[:0]),
    forest: lambda: forest.figure(effects().assign(hedges_g=np.nan)),
    heat_map: lambda: heat_map.figure(pd.DataFrame()),
    ranking: lambda: ranking.figure(rankings()[:0]),
    scores: lambda: scores.figure(score_rows()[:0]),
    stability: lambda: stability.figure(stability_rows()[:0]),
    upset: lambda: upset.figure({"de": NAMES}),
    waterfall: lambda: waterfall.figure(attributions()[:0], base=0.3, of_class="anger"),
}
shortly = pytest.mark.parametrize("module", FIGURES, ids=lambda module: module.__name__.rpartition(".")[2])


def shown(node):
    """Yield every text of a figure; Plotly reads any of them as markup."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from shown(value)


@shortly
def test_every_figure_is_drawn_in_both_themes(module):
    light, dark = FIGURES[module]("light"), FIGURES[module]("dark")
    assert light.data
    assert light.layout.template.layout.paper_bgcolor != dark.layout.template.layout.paper_bgcolor
    assert light.layout.height >= 120


@pytest.mark.parametrize("module", [module for module in FIGURES if module is not distribution])
def test_no_name_becomes_markup(module):
    texts = list(shown(json.loads(FIGURES[module]("light").to_json())))
    assert not [text for text in texts if "<a" in text]
    assert any("&lt;a" in text for text in texts)


def test_the_raincloud_escapes_what_is_shown():
    drawn = FIGURES[distribution]("light")
    assert drawn.layout.annotations[0].text.startswith("&lt;a")
    assert all("<a" not in str(label) for trace in drawn.data for label in trace.y)
    assert all("<a" not in str(text) for trace in drawn.data for text in trace.text)
    assert drawn.data[0].customdata[0] == EVIL  # the id, for a lookup, never shown


@shortly
def test_an_empty_table_gives_a_sentence(module):
    drawn = EMPTY[module]()
    assert not drawn.data
    assert drawn.layout.annotations[0].text.endswith(".")


@shortly
def test_each_figure_says_how_to_read_it_in_one_sentence(module):
    text = module.how_to_read()
    assert text[0].isupper()
    assert text.endswith(".")
    assert text.count(". ") == 0


def test_contour_by_functional_by_hand():
    lifts = heat_map.contour_by_functional(rankings()[:4])
    assert lifts.loc["F0final", "amean"] == pytest.approx(1.6)
    assert lifts.loc["mfcc[1]", "amean"] == pytest.approx(1.6 / 3)
    assert np.isnan(lifts.loc["mfcc[1]", "stddev"])
    assert list(lifts.index) == ["F0final", "pcm_loudness", "mfcc[1]"]


def test_a_contour_and_its_change_are_one_row_weighted_by_their_share():
    table = pd.DataFrame(
        {"name": ["F0final_sma_amean", "F0final_sma_de_amean"], "importance": [0.3, 0.1], "share": [0.1, 0.1]}
    )
    assert heat_map.contour_by_functional(table).loc["F0final", "amean"] == pytest.approx(2.0)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(0, 9), unique=True), min_size=1))
def test_combinations_hold_every_item_once(lists):
    found = upset.combinations(lists)
    members = [item for group in found.values() for item in group]
    assert sorted(members) == sorted(set().union(*lists.values()))
    for group, items in found.items():
        for item in items:
            assert {name for name in lists if item in lists[name]} == set(group)
    names = list(lists)
    every = [group for size in range(len(names) + 1) for group in combinations(names, size)]
    assert sum(upset.expected(lists, group, 10) for group in every) == pytest.approx(10)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_labels_are_moved_apart_and_keep_their_order(places):
    moved = layout.apart(places, 0.1)
    order = np.argsort(places, kind="stable")
    assert (np.diff(np.array(moved)[order]) >= 0.1 - 1e-9).all()
    assert np.mean(moved) == pytest.approx(np.mean(places))


def test_labels_that_are_apart_stay_where_they_are():
    assert layout.apart([0.9, 0.1, 0.5], 0.1) == pytest.approx([0.9, 0.1, 0.5])


def test_a_long_label_loses_its_brackets_before_its_end():
    text = "upper quartile (a quarter of the frames lies above) of the pitch contour"
    assert layout.short(text, 45, 1) == "upper quartile of the pitch contour"
    assert layout.short(text, 20, 1).endswith("…")
    assert layout.short(text, 80, 1) == text


def test_the_bump_chart_has_the_ranks_and_marks_what_leaves_the_top():
    drawn = bump.figure(rankings(), ["de", "it"], top=2)
    lines = {trace.hovertemplate.split("<br>")[1]: trace for trace in drawn.data if trace.hovertemplate}
    assert lines["F0final_sma_amean"].y == (1, 2)
    left = lines["F0final_sma_stddev"]  # second in de alone: a dot without a line
    assert left.y == (2, None)
    assert left.line.width < lines["F0final_sma_amean"].line.width
    assert "rank 3" in left.hovertemplate
    assert "pcm_loudness_sma_amean" not in lines


def test_the_waterfall_ends_where_the_prediction_is():
    drawn = waterfall.figure(attributions(), base=0.3, of_class="anger", unfold=["pitch"], top=1)
    bars = [trace for trace in drawn.data if trace.type == "bar"]
    assert len(bars) == 4  # loudness, two of pitch, cepstrum
    at = 30.0
    for bar in bars:
        assert bar.base[0] == pytest.approx(at)
        at += bar.x[0]
    assert at == pytest.approx(100 * (0.3 + attributions()["value"].sum()))
    assert {bar.marker.color for bar in bars if bar.x[0] > 0} == {palette.FOR}


def test_the_forest_has_no_bar_where_there_is_no_interval():
    drawn = forest.figure(effects())
    by_language = dict(zip(("all", "de", "it"), drawn.data, strict=True))
    assert by_language["de"].error_x.arrayminus[0] == pytest.approx(0.4)
    assert np.isnan(by_language["it"].error_x.arrayminus[0])
    assert "no interval" in by_language["it"].customdata[0]
    assert by_language["all"].marker.symbol == "diamond"


def test_the_confusion_matrix_is_in_percent_of_the_truth():
    drawn = confusion.figure(crossed())
    np.testing.assert_allclose(drawn.data[0].z, [[80, 20], [0, 100]])


def test_weights_of_trainings_of_different_length_are_averaged_while_they_last():
    drawn = balancing.figure([history(3), history(2)])
    thick = [trace for trace in drawn.data if trace.line.width == 3]
    assert len(thick) == 2
    assert all(len(trace.x) == 6 for trace in thick)


# --- colours


def linear(colour):
    parts = np.array([int(colour[one : one + 2], 16) / 255 for one in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        rgb, 0, 1
    )
    f = np.cbrt(xyz / [0.9505, 1, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


DEFICIENCIES = {  # Machado, Oliveira & Fernandes (2009), complete
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_colours_are_told_apart(deficiency):
    seen = {colour: lab(DEFICIENCIES[deficiency] @ linear(colour)) for colour in palette.COLOURS}
    for a, b in combinations(palette.COLOURS, 2):
        assert np.linalg.norm(seen[a] - seen[b]) > 12, (a, b)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_and_text_show_on_their_paper(theme):
    def contrast(colour):
        light = sorted(
            np.array([0.2126, 0.7152, 0.0722]) @ linear(one) for one in (colour, palette.PAPER[theme])
        )
        return (light[1] + 0.05) / (light[0] + 0.05)

    assert min(map(contrast, palette.COLOURS)) > 2
    assert contrast(palette.INK[theme]) > 7
    assert contrast(palette.SOFT[theme]) > 4.5


def test_the_same_thing_has_the_same_colour_everywhere():
    assert len({palette.FAMILY[name] for name in FAMILIES}) == len(FAMILIES)
    assert palette.emotions(["fear", "anger"])["anger"] == palette.emotions(["anger"])["anger"]
    assert palette.languages(["de", "xx"])["de"] == palette.languages(["yy", "de"])["de"]
    assert palette.languages(["en-US"])["en-US"] == palette.languages(["en"])["en"]
    assert len(set(palette.languages(["de", "en", "xx", "yy"]).values())) == 4


@pytest.mark.parametrize("methods", [1, 8])
def test_legend_of_stability_stands_above_the_words_on_its_lines(methods):
    rows = stability_rows()
    rows = pd.concat([rows.assign(method=f"m{place}") for place in range(methods)])
    drawn = stability.figure(rows)
    layout = drawn.layout
    tall = layout.height - layout.margin.t - 44  # about, below: the axis and its title
    assert (layout.legend.y - 1) * tall > 0.9 * layout.annotations[0].font.size * 1.3
