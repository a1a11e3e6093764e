"""Rankings of any method, and the consensus over methods: from cells to tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyses.cells import KEY, of_table
from analyses.consensus import consensus
from analyses.ranking_tables import tables
from analyses.rankings import rank
from msfl.errors import DataError, UsageError

CONTOURS = ("F0final_sma", "jitterLocal_sma", *(f"mfcc_sma[{number}]" for number in range(8)))
FEATURES = tuple(f"{contour}_{functional}" for contour in CONTOURS for functional in ("amean", "stddev"))
SETS = {"de": ("de",), "it": ("it",), "de+it": ("de", "it")}
LEADERS = ("F0final_sma_amean", "mfcc_sma[3]_stddev")


def cells(method, leaders=LEADERS, *, seed=0, noise=0.3, signed=True, folds=("f1", "f2"), seeds=(0, 1)):
    """A cells table in which some features lead; the sign of a leader is that of its place (+, -, +, ...)."""
    rng = np.random.default_rng(seed)
    rows = []
    for language_set, languages in SETS.items():
        for fold in folds:
            for repeat in seeds:
                for language in languages:
                    for emotion in ("anger", "sadness"):
                        value = dict(zip(FEATURES, rng.uniform(0, noise, len(FEATURES)), strict=True))
                        sign = dict.fromkeys(FEATURES, 0.0)
                        for place, name in enumerate(leaders):
                            value[name] += 2.0 - 0.5 * place
                            sign[name] = value[name] * (-1) ** place
                        key = ("msfl", language_set, fold, repeat, language, f"c{language}", emotion)
                        head = {
                            "method": method,
                            "task": "emotion",
                            **dict(zip(KEY, key, strict=True)),
                            "count": 5,
                        }
                        rows.append(head | {"statistic": "importance"} | value)
                        if signed:
                            rows.append(head | {"statistic": "signed"} | sign)
    return pd.DataFrame(rows)


def ranked(method, **options):
    return tables(of_table(cells(method, **options)), method=method, top=3)


def test_every_level_set_and_part_is_ranked_and_lies_in_order():
    rankings, repeats = ranked("shap")
    assert set(rankings["level"]) == {"feature", "contour", "functional", "family"}
    assert set(rankings["language_set"]) == set(SETS)
    parts = set(zip(rankings["language_set"], rankings["part_kind"], rankings["part"], strict=True))
    assert ("de+it", "language", "it") in parts
    assert ("de", "emotion", "anger") in parts
    assert ("de", "language", "de") not in parts  # it is the whole
    keys = ["task", "language_set", "part_kind", "part", "level", "rank"]
    assert rankings[keys].equals(rankings[keys].sort_values(keys, ignore_index=True))
    first = rankings.query("language_set == 'de+it' and part_kind == '' and level == 'feature'")
    assert tuple(first["name"][:2]) == LEADERS
    assert list(first["direction"][:2]) == [1, -1]
    assert set(zip(repeats["fold"], repeats["seed"], strict=True)) == {
        (f, s) for f in ("f1", "f2") for s in (0, 1)
    }


def test_a_method_without_sign_has_no_direction():
    assert ranked("attention", signed=False)[0]["direction"].isna().all()


def test_negative_importance_is_summed_and_ranks_last():
    """Chance cancels out within a group: a large group of useless features does not lead."""
    table = cells("permutation", leaders=("F0final_sma_amean",), signed=False)
    useless = [name for name in FEATURES if "mfcc" in name]
    table[useless] = np.where(np.arange(len(useless)) % 2, 0.4, -0.4)
    table["jitterLocal_sma_amean"] = -1.0
    found = rank(of_table(table)["emotion"]["feature"].select(language_set="de"))
    assert found.table.index[-1] == "jitterLocal_sma_amean"
    families = rank(of_table(table)["emotion"]["feature"].select(language_set="de"), level="family").table
    assert families.loc["cepstrum", "importance"] == pytest.approx(0, abs=1e-9)
    assert list(families.index) == ["pitch", "cepstrum", "voice quality"]
    assert families["lift"].iloc[0] > 0 > families["lift"].iloc[-1]


def grouped():
    """Permutation of contours and of families: what was measured at a level is not summed up to it."""
    rows = cells("permutation", signed=False)
    head = rows[[name for name in rows.columns if name not in FEATURES]]
    contours = head.assign(
        level="contour", F0final=0.2, jitterLocal=0.05, **{f"mfcc[{n}]": 0.01 for n in range(8)}
    )
    families = head.assign(level="family", pitch=0.1, cepstrum=0.9, **{"voice quality": 0.0})
    return pd.concat([contours, families], ignore_index=True)


def test_a_method_that_works_on_groups_is_ranked_at_its_own_levels():
    rankings, _ = tables(of_table(grouped()), method="permutation", top=3, features=FEATURES)
    assert set(rankings["level"]) == {"contour", "family"}
    rows = rankings.query("language_set == 'de' and part_kind == ''").set_index(["level", "name"])
    assert rows.loc[("family", "cepstrum"), "importance"] == pytest.approx(
        0.9
    )  # measured; the contours sum to .08
    assert rows.loc[("contour", "F0final"), "size"] == 2
    assert rows.loc[("contour", "F0final"), "rank"] == 1
    with pytest.raises(UsageError, match="cannot be ranked by 'feature'"):
        rank(of_table(grouped())["emotion"]["contour"].select(language_set="de"), features=FEATURES)


def test_missing_values_name_the_job_that_is_damaged():
    table = cells("shap")
    table.loc[table.index[3], FEATURES[2]] = np.nan
    with pytest.raises(DataError, match=r"de msfl f1 seed 0 hold missing or infinite"):
        of_table(table)
    with pytest.raises(DataError, match="no column fold"):
        of_table(table.drop(columns="fold"))


def both(**made):
    rankings = {name: found[0] for name, found in made.items()}
    repeats = {name: found[1] for name, found in made.items()}
    return consensus(rankings, repeats, top=3)


def test_what_the_methods_agree_on_leads_and_a_stray_list_does_not_spoil_it():
    stray = ("jitterLocal_sma_stddev", "mfcc_sma[0]_amean")
    rankings, repeats = both(
        shap=ranked("shap", seed=1),
        owen=ranked("owen", seed=2),
        linear=ranked("linear", seed=3),
        attention=ranked("attention", leaders=stray, seed=4, signed=False),
    )
    first = rankings.query("language_set == 'de+it' and part_kind == '' and level == 'feature'").set_index(
        "name"
    )
    assert set(first.index[:2]) == set(LEADERS)
    assert first["p_value"].iloc[0] < 0.05
    assert first["p_value"].iloc[-1] == 1
    assert first.loc[LEADERS[0], "direction"] == pytest.approx(1)
    assert first.loc[LEADERS[0], "in_top"] == 1
    ranks = repeats.query("language_set == 'de+it' and level == 'feature'").pivot(
        index=["fold", "seed"], columns="name", values="rank"
    )
    assert len(ranks) == 4
    assert (ranks[list(LEADERS)] <= 2).all(axis=None)


def test_each_method_counts_once_whatever_the_number_of_its_repeats():
    few = ranked("linear", seeds=(0,), seed=3)
    many = ranked("shap", leaders=LEADERS[::-1], seeds=(0, 1), seed=1)
    rankings, repeats = both(shap=many, linear=few)
    first = rankings.query("language_set == 'de' and part_kind == '' and level == 'feature'").set_index(
        "name"
    )
    one, other = (first.loc[name] for name in LEADERS)
    assert one["importance"] == pytest.approx(other["importance"])  # first and second in one list each
    assert set(repeats["seed"]) == {0, 1}  # the method with one seed answers for both


def test_a_consensus_needs_two_methods():
    with pytest.raises(DataError, match="two methods at least"):
        both(shap=ranked("shap"))


def test_a_method_that_shares_credit_evenly_has_no_say_on_functionals():
    """More features than there are places have the same credit: whichever of them is put first is chance."""
    even = cells("owen", seed=2)
    groups = (
        [name for name in FEATURES if "mfcc" in name],
        [name for name in FEATURES if "mfcc" not in name],
    )
    for place, own in enumerate(groups):
        even[own] = np.tile(even[own].mean(axis=1).to_numpy()[:, None] - place, len(own))
    owen = tables(of_table(even), method="owen", top=2)
    made = {"shap": ranked("shap", seed=1), "linear": ranked("linear", seed=3), "owen": owen}
    levels = ["feature", "contour", "functional", "family"]
    rankings, _ = consensus(
        {name: found[0] for name, found in made.items()},
        {name: found[1] for name, found in made.items()},
        top=4,
    )
    without, _ = both(shap=made["shap"], linear=made["linear"])
    same = {
        level: rankings[rankings["level"] == level]["importance"].tolist()
        == without[without["level"] == level]["importance"].tolist()
        for level in levels
    }
    assert same == {"feature": False, "contour": False, "functional": True, "family": False}
