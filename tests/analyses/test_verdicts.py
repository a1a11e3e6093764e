"""Verdicts: the worst reason decides, missing tests are a reason for caution, and the sentences say why."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.verdicts import (
    CAUTION,
    CONVINCING,
    DISTRUST,
    SEVERITY,
    TRUST,
    faithfulness_reason,
    sanity_reason,
    stability_reason,
    table,
    verdict,
)

PLACE = {"method": "shap", "language_set": "all", "level": "feature"}


def tables_about(
    *, stability=0.9, low=0.85, p=0.0005, draws=5000, p_normal=1e-9, passed=True, common=0, **place
):
    """The tables of tests about one ranking, good in every respect."""
    here = PLACE | place
    jaccard = common / (20 - common)
    return {
        "stability": pd.DataFrame(
            [
                here
                | {
                    "k": k,
                    "over": "all",
                    "index": "nogueira",
                    "value": value,
                    "low": low,
                    "high": 1.0,
                    "repeats": 9,
                }
                for k, value in ((5, 0.1), (10, stability), (20, 0.1))
            ]
        ),
        "faithfulness": pd.DataFrame(
            [
                here | {"test": "insertion", "p_value": 0.9, "p_normal": 0.9, "random_draws": draws},
                here | {"test": "deletion", "p_value": p, "p_normal": p_normal, "random_draws": draws},
            ]
        ),
        "sanity": pd.DataFrame(
            [here | {"randomised": kind, "passed": passed} for kind in ("parameters", "labels")]
        ),
        "confound": pd.DataFrame(
            [
                here
                | {"normalisation": "as trained", "against": "language task", "measure": "jaccard"}
                | {"value": jaccard, "strength": "strong" if common > 4 else "some" if common else "none"}
                | {"verdict": "It cannot tell the two apart." if common > 4 else "Check these features."}
            ]
        ),
    }


def judged(tests, *, method="shap", level="feature", lift=3.0, several=True):
    return verdict(method, "all", level, tests, lift=lift, several=several)


def test_a_ranking_that_passes_everything_is_trusted():
    row = judged(tables_about())
    assert row["verdict"] == TRUST
    assert (row["stability"], row["faithful"], row["sane"]) == (0.9, 0.0005, 1.0)
    assert "the 10 leading features are almost always the same" in row["reasons"]
    assert "Nogueira's index 0.90, 95 % interval 0.85 to 1.00" in row["reasons"]


@pytest.mark.parametrize(
    ("change", "expected", "words"),
    [
        ({"stability": 0.3, "low": 0.1}, DISTRUST, "It is not steady"),
        ({"stability": 0.6, "low": 0.5}, CAUTION, "fairly steady"),
        ({"stability": 0.85, "low": 0.3}, CAUTION, "the interval is wide"),
        ({"stability": 0.85, "low": np.nan}, CAUTION, "too few repeats for an interval"),
        ({"p": 0.5, "p_normal": 0.5}, DISTRUST, "not shown to be faithful"),
        ({"p": 0.02, "p_normal": 0.02}, CAUTION, "the evidence is moderate"),
        ({"passed": False}, DISTRUST, "a network with shuffled weights"),
        ({"common": 6}, CAUTION, "It cannot tell the two apart."),
        ({"common": 3}, TRUST, "Check these features."),
        ({"common": 0}, TRUST, "not what tells the languages"),
    ],
)
def test_one_bad_test_is_enough(change, expected, words):
    row = judged(tables_about(**change))
    assert row["verdict"] == expected
    assert words in row["reasons"]


def test_few_random_orders_are_made_up_for_by_the_normal_approximation_and_only_if_all_are_beaten():
    beaten = tables_about(p=1 / 101, draws=100, p_normal=1e-6)["faithfulness"]
    assert faithfulness_reason(beaten).verdict == TRUST
    assert faithfulness_reason(beaten).figure == 1e-6
    said = faithfulness_reason(beaten).sentence
    assert (
        "each of 100 random orders (p < 0.001, if the figures of random orders are normally distributed)"
        in said
    )
    counted = faithfulness_reason(tables_about(p=0.0005, draws=5000)["faithfulness"]).sentence
    assert "in random order (p < 0.001)" in counted
    weak = tables_about(p=1 / 101, draws=100, p_normal=0.004)["faithfulness"]
    assert faithfulness_reason(weak).verdict == CAUTION
    assert "only 100 random orders" in faithfulness_reason(weak).sentence
    not_all = tables_about(p=2 / 101, draws=100, p_normal=1e-6)["faithfulness"]
    assert faithfulness_reason(not_all).verdict == CAUTION


def test_missing_tests_are_a_reason_for_caution():
    nothing = dict.fromkeys(("stability", "faithfulness", "sanity", "confound"), pd.DataFrame())
    row = judged(nothing)
    assert row["verdict"] == CAUTION
    assert np.isnan([row["stability"], row["faithful"], row["sane"]]).all()
    for words in (
        "How steady it is was not tested here",
        "depends on what stands first was not tested here",
        "learnt nothing was not tested",
        "apart as well",
    ):
        assert words in row["reasons"]
    assert "languages" not in judged(nothing, several=False)["reasons"]
    once = nothing | {"stability": tables_about()["stability"].iloc[:0]}
    assert "computed once only" in judged(once)["reasons"]


def test_uniform_attention_has_no_order():
    tests = tables_about(method="attention")
    assert judged(tests, method="attention", lift=1.02)["verdict"] == DISTRUST
    row = judged(tests, method="attention", lift=3)
    assert row["verdict"] == TRUST
    assert "not why it decided" in row["reasons"]
    assert judged(tables_about(), lift=1.02)["verdict"] == TRUST  # other methods add up to what they explain


def test_orders_of_the_features_count_where_they_were_tried():
    tests = tables_about()
    orders = tests["stability"].assign(over="orders", value=0.2)
    tests["stability"] = pd.concat([tests["stability"], orders], ignore_index=True)
    row = judged(tests)
    assert row["verdict"] == DISTRUST
    assert "which means nothing" in row["reasons"]
    assert row["stability"] == 0.9


def test_the_sanity_of_one_language_set_stands_for_the_method():
    tests = tables_about()
    tests["sanity"]["language_set"] = "de"
    assert judged(tests)["sane"] == 1
    tests["sanity"]["method"] = "owen"
    assert np.isnan(judged(tests)["sane"])


def test_the_consensus_is_as_sane_as_its_methods():
    tests = tables_about(method="consensus")
    tests["sanity"] = pd.concat(
        [tests["sanity"].assign(method=method, passed=method != "linear") for method in ("shap", "linear")]
    )
    assert judged(tests, method="consensus")["sane"] == 0
    tests["sanity"]["passed"] = True
    assert judged(tests, method="consensus")["verdict"] == TRUST


def test_half_of_the_sanity_tests():
    rows = pd.DataFrame({"randomised": ["parameters", "labels"], "passed": [True, False]})
    found = sanity_reason(rows)
    assert (found.verdict, found.figure) == (DISTRUST, 0.5)
    assert "shuffled labels" in found.sentence
    assert "shuffled weights" not in found.sentence
    assert sanity_reason(rows.assign(passed=None)).verdict == CAUTION


def test_shuffled_heads_alone_are_a_reason_for_caution_only():
    rows = pd.DataFrame({"randomised": ["parameters", "heads", "labels"], "passed": [True, False, True]})
    found = sanity_reason(rows)
    assert (found.verdict, found.figure) == (CAUTION, 1)
    assert "more than what it concludes" in found.sentence
    assert np.isnan(sanity_reason(rows[rows["randomised"] == "heads"]).figure)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1e-9, 1))
@settings(max_examples=20, deadline=None)
def test_a_better_figure_never_makes_a_worse_verdict(a, b, p):
    worse, better = sorted((a, b))

    def severity(value):
        rows = tables_about(stability=value, low=value - 0.1)["stability"]
        return SEVERITY.index(stability_reason(rows, "feature").verdict)

    assert severity(better) <= severity(worse)
    rows = tables_about(p=p, p_normal=p)["faithfulness"]
    assert (faithfulness_reason(rows).verdict == TRUST) == (p < CONVINCING)


def test_a_row_for_every_ranking_and_the_longest_list_up_to_ten():
    leaders = pd.DataFrame(
        {"language_set": ["all", "de"], "level": ["feature", "family"], "lift": [2.0, 1.5]}
    )
    tests = tables_about()
    family = tests["stability"].assign(language_set="de", level="family", k=3, value=0.9).head(1)
    tests["stability"] = pd.concat([tests["stability"], family], ignore_index=True)

    def read(name, **_):
        return leaders if name.startswith("rankings/") else tests[name]

    run = SimpleNamespace(manifest=SimpleNamespace(language_sets={"all": ("de", "zh"), "de": ("de",)}))
    found = SimpleNamespace(methods=("shap",), table=read, has=lambda name: True)
    rows = table(found, run).set_index("language_set")
    assert rows.loc["all", "verdict"] == TRUST
    assert rows.loc["de", "verdict"] == CAUTION  # faithfulness was tested elsewhere only
    assert "the 3 leading families" in rows.loc["de", "reasons"]
    assert rows["verdict"].isin(SEVERITY).all()


@pytest.mark.parametrize(("halves", "expected"), [(0.85, TRUST), (0.7, CAUTION), (0.3, DISTRUST)])
def test_the_average_that_is_reported_is_judged_and_not_a_single_network(halves, expected):
    rows = tables_about(stability=0.5, low=0.4)["stability"]
    own = rows.assign(over="halves", value=[0.1, halves, 0.1], repeats=5)
    estimate = rows.assign(over="average", value=0.99, repeats=10)
    reason = stability_reason(pd.concat([rows, own, estimate], ignore_index=True), "feature")
    assert (reason.verdict, reason.figure) == (expected, halves)
    assert (
        f"one half of the 10 repeats and from the other, {'some of ' * (halves == 0.7)}the 10 leading"
        in reason.sentence
    )
    assert f"Nogueira's index {halves:.2f}; single repeats 0.50" in reason.sentence


def test_what_was_not_tested_is_told_from_what_cannot_be_told():
    rows = tables_about()["sanity"]
    untried = sanity_reason(rows[rows["randomised"] == "parameters"])
    assert (untried.verdict, untried.figure) == (CAUTION, 1.0)
    assert "shuffled labels was not tested" in untried.sentence
    unclear = sanity_reason(rows.assign(passed=pd.array([None, None], dtype="boolean")))
    assert unclear.verdict == CAUTION
    assert "cannot be told, because even real models do not agree" in unclear.sentence
    assert "was not tested" in sanity_reason(rows.iloc[:0]).sentence
