"""Robust rank aggregation against values by hand, the binomial formula, and random lists."""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.rank_aggregation import aggregate, fair_ranks, rho_scores


def rho_by_hand(ranks):
    """min over k of P(at least k of n uniform values are below the k-th smallest rank), by the binomial sum."""
    n = len(ranks)
    return min(
        sum(comb(n, j) * r**j * (1 - r) ** (n - j) for j in range(k, n + 1))
        for k, r in enumerate(sorted(ranks), start=1)
    )


def test_values_computed_by_hand():
    # 1 - .9^3 = .271; 3 * .2^2 * .8 + .2^3 = .104; .3^3 = .027
    assert rho_scores(np.array([[0.3, 0.1, 0.2]]))[0] == pytest.approx(0.027)
    # one list puts it first of 100, the others nowhere: 1 - .99^3
    assert rho_scores(np.array([[0.01, 0.9, 1.0]]))[0] == pytest.approx(1 - 0.99**3)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_equal_to_the_binomial_sum(ranks):
    normalised = [rank / 200 for rank in ranks]
    assert rho_scores(np.array([normalised]))[0] == pytest.approx(rho_by_hand(normalised), abs=1e-12)


def test_random_lists_are_not_called_significant_too_often():
    rng = np.random.default_rng(0)
    rho = rho_scores(rng.uniform(size=(40_000, 4)))
    for level in (0.001, 0.01, 0.05, 0.2):
        rate = float((np.minimum(1, rho * 4) <= level).mean())
        assert rate <= level * 1.1 + 3e-4
        assert rate >= level / 4  # and not empty of power: Bonferroni is an upper bound, not a wall


def lists(**columns):
    return pd.DataFrame(columns, index=[f"f{number}" for number in range(1, 101)])


def test_one_bad_list_does_not_spoil_what_the_others_agree_on():
    same = np.arange(1, 101)
    found = aggregate(lists(a=same, b=same, c=same, bad=same[::-1]))
    assert list(found.index[:3]) == ["f1", "f2", "f3"]
    assert found.loc["f1", "p_corrected"] < 0.01
    assert found.loc["f100", "p_corrected"] == 1  # one list alone does not make it
    assert list(found["rank"]) == list(range(1, 101))


def test_p_values_are_corrected_for_lists_and_items():
    same = np.arange(1, 101)
    found = aggregate(lists(a=same, b=same, c=same))
    assert found.loc["f1", "rho"] == pytest.approx(1e-6)
    assert found.loc["f1", "p_value"] == pytest.approx(3e-6)
    assert found.loc["f1", "p_corrected"] == pytest.approx(3e-4)


def test_an_item_that_a_list_lacks_counts_as_its_last():
    whole = lists(a=np.arange(1, 101.0), b=np.arange(1, 101.0))
    partial = whole.copy()
    partial.loc["f5":, "b"] = np.nan
    whole.loc["f5":, "b"] = 100.0
    pd.testing.assert_frame_equal(aggregate(partial), aggregate(whole))


def test_equal_scores_share_a_rank_and_do_not_agree_by_name():
    """The importance of most features by permutation is zero; ordered by name, 'a' would lead every list."""
    nothing = pd.DataFrame(0.0, index=list("abcdefghij"), columns=["de", "it", "zh"])
    assert (fair_ranks(nothing) == 5.5).all(axis=None)
    assert (aggregate(fair_ranks(nothing))["p_value"] > 0.3).all()


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_order_of_items_and_lists_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {name: rng.permutation(30) + 1 for name in "abc"}, index=[f"x{n:02}" for n in range(30)]
    )
    shuffled = frame.sample(frac=1, random_state=seed)[["c", "a", "b"]]
    pd.testing.assert_frame_equal(aggregate(frame), aggregate(shuffled))
