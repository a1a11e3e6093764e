"""Rankings against a planted truth: precision and average precision, and what is right where."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from analyses.planted import planted_facts, table
from analyses.planted_figures import AGGREGATED, MODEL, figures, truths
from analyses.planted_truth import (
    at_least,
    average_precision,
    expected_average_precision,
    precision,
    tied_groups,
)
from msfl.corpora.demo.planting import planted
from msfl.errors import DataError

FACTS = {
    "shared": {"contours": ["F0final"], "families": ["pitch"]},
    "language_specific": {
        "de": {"contours": ["mfcc[1]"], "families": ["cepstrum"]},
        "en": {"contours": ["jitterLocal"], "families": ["voice quality"]},
    },
}
SETS = {"de": ("de",), "en": ("en",), "all": ("de", "en")}
FEATURES = {
    "F0final_sma_amean": ("F0final", "pitch"),
    "F0final_sma_stddev": ("F0final", "pitch"),
    "jitterLocal_sma_amean": ("jitterLocal", "voice quality"),
    "mfcc_sma[1]_amean": ("mfcc[1]", "cepstrum"),
    "mfcc_sma[2]_amean": ("mfcc[2]", "cepstrum"),
    "pcm_loudness_sma_amean": ("pcm_loudness", "loudness"),
}


def ranking(lift, *, language_set="all", part="", level="feature", method="shap"):
    """Rows of a ranking table; lift by name, missing ones 0."""
    rows = [
        {"name": name, "contour": contour, "family": family, "lift": float(lift.get(name, 0))}
        for name, (contour, family) in FEATURES.items()
    ]
    frame = pd.DataFrame(rows).sort_values(["lift", "name"], ascending=[False, True], ignore_index=True)
    kind = "language" if part else ""
    keys = {
        "method": method,
        "task": "emotion",
        "language_set": language_set,
        "part_kind": kind,
        "part": part,
    }
    return frame.assign(importance=frame["lift"], rank=range(1, len(frame) + 1), level=level, **keys)


@given(st.lists(st.booleans(), min_size=2, max_size=30).filter(any))
@settings(max_examples=40, deadline=None)
def test_average_precision_is_that_of_scikit_learn(right):
    flags = np.array(right)
    found = average_precision(flags, np.arange(len(flags)))
    assert found == pytest.approx(average_precision_score(flags, -np.arange(len(flags))))
    assert 0 < found <= 1


@given(st.integers(0, 500))
@settings(max_examples=8, deadline=None)
def test_ties_count_with_the_mean_over_their_orders(seed):
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.integers(0, 3, 8))[::-1]
    right = rng.random(8) < 0.4
    if not right.any():
        return
    groups = tied_groups([(float(score),) for score in scores])
    alone = np.arange(8)
    drawn = []
    for _ in range(1500):
        order = np.lexsort((rng.random(8), -scores))
        drawn.append((precision(right[order], alone, 3), average_precision(right[order], alone)))
    mean = np.mean(drawn, axis=0)
    assert precision(right, groups, 3) == pytest.approx(mean[0], abs=0.04)
    assert average_precision(right, groups) == pytest.approx(mean[1], abs=0.04)


def test_chance_is_that_of_random_rankings():
    rng = np.random.default_rng(0)
    right = np.arange(15) < 4
    values = [average_precision(rng.permutation(right), np.arange(15)) for _ in range(3000)]
    assert np.mean(values) == pytest.approx(expected_average_precision(4, 15), abs=0.015)
    hits = [precision(rng.permutation(right), np.arange(15), 5) * 5 for _ in range(3000)]
    assert np.mean(np.array(hits) >= 2) == pytest.approx(at_least(2, 5, 4, 15), abs=0.04)
    assert expected_average_precision(3, 3) == pytest.approx(1)


def test_a_perfect_ranking_and_its_reverse():
    right = np.array([True, True, False, False, False])
    alone = np.arange(5)
    assert (precision(right, alone, 2), average_precision(right, alone)) == (1, 1)
    assert precision(right[::-1], alone, 2) == 0
    assert average_precision(right[::-1], alone) == pytest.approx((1 / 4 + 2 / 5) / 2)


def test_equal_items_are_not_credited_for_their_names():
    """All zero: F0 comes first in the alphabet, and has no more than chance."""
    rows = figures([ranking({})], None, FACTS, SETS)
    assert rows["precision"].to_numpy() == pytest.approx(rows["chance"].to_numpy())


def test_what_is_right_depends_on_the_place():
    known = truths(FACTS, ("de", "en"))
    assert known["all"]["contours"] == {"F0final"}
    assert known["de"]["contours"] == {"F0final", "mfcc[1]"}
    assert known["any"]["families"] == {"pitch", "cepstrum", "voice quality"}
    assert set(truths(FACTS, ("de",))) == {"de"}


def test_figures_of_every_place():
    german = {"F0final_sma_amean": 3, "mfcc_sma[1]_amean": 2, "F0final_sma_stddev": 1}
    rankings = pd.concat(
        [
            ranking({"F0final_sma_amean": 9, "F0final_sma_stddev": 8, "jitterLocal_sma_amean": 7}),
            ranking(german, part="de"),
            ranking(german, language_set="de"),
            ranking(german, language_set="en"),
        ]
    )
    rows = figures([rankings], None, FACTS, SETS)
    planted_k = rows[rows["k"] == rows["planted"]].set_index(["language_set", "where"])
    assert planted_k.loc[("all", "all"), "precision"] == 1
    assert planted_k.loc[("all", "all"), "planted"] == 2
    assert planted_k.loc[("all", "all"), "p_value"] == pytest.approx(1 / 15)
    assert planted_k.loc[("all", "de"), "precision"] == 1
    assert planted_k.loc[("de", "de"), "average_precision"] == 1
    assert planted_k.loc[("en", "en"), "precision"] == pytest.approx(2 / 3)  # German jitter is not planted
    assert set(rows["ranking"]) == {MODEL}
    assert ("all", "any") in planted_k.index


def test_the_aggregated_lists_have_the_chance_of_the_whole_list():
    whole = ranking({"F0final_sma_amean": 2, "F0final_sma_stddev": 1})
    leading = whole.head(3).assign(definition=AGGREGATED, shared=True)
    rows = figures([whole], leading, FACTS, SETS)
    found = rows[rows["ranking"] == AGGREGATED].set_index("k")
    assert found.loc[2, "precision"] == 1
    assert found.loc[2, "chance"] == pytest.approx(2 / 6)
    assert found["average_precision"].isna().all()  # the rest of the list is not known


def test_a_level_without_planted_items_has_no_row():
    facts = {"shared": {"contours": ["nothing"], "families": []}, "language_specific": {}}
    assert figures([ranking({})], None, facts, SETS).empty


def run_of(folder, *, synthetic=True, reader="demo"):
    files = pd.DataFrame({"file": [str(folder / "de" / "de-f1" / "a.wav")], "corpus": ["demo"]})
    data = SimpleNamespace(synthetic=synthetic)
    manifest = SimpleNamespace(
        data=data, experiment={"corpora": {"demo": {"reader": reader}}}, language_sets=SETS
    )
    return SimpleNamespace(path=folder / "run", utterances=files, manifest=manifest)


def test_the_truth_lies_beside_the_recordings(tmp_path):
    (tmp_path / "planted.json").write_text(json.dumps(FACTS))
    assert planted_facts(run_of(tmp_path)) == FACTS
    assert planted_facts(run_of(tmp_path, synthetic=False)) is None
    found = SimpleNamespace(methods=("shap",), table=lambda *a, **k: ranking({}), has=lambda name: False)
    assert len(table(found, run_of(tmp_path)))
    (tmp_path / "planted.json").write_text("{}")
    with pytest.raises(DataError, match="does not say what was planted"):
        planted_facts(run_of(tmp_path))


def test_a_demo_corpus_that_was_deleted_is_still_known(tmp_path):
    assert planted_facts(run_of(tmp_path))["shared"] == planted(0)["shared"]
    assert planted_facts(run_of(tmp_path, reader="manifest")) is None


def test_real_speech_has_no_planted_truth(tmp_path):
    with pytest.raises(DataError, match="only a synthetic corpus"):
        table(SimpleNamespace(methods=()), run_of(tmp_path, synthetic=False))
