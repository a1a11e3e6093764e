"""Overlaps of lists, and their chance levels against closed forms and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from analyses.overlap import group_overlap, intersection_distribution, overlap


def test_two_lists_are_hypergeometric():
    distribution = intersection_distribution([10, 10], 1582)
    assert distribution == pytest.approx(hypergeom.pmf(np.arange(11), 1582, 10, 10))
    found = overlap("feature", {"a": list(range(10)), "b": list(range(100, 110))}, 1582)
    assert found.expected == pytest.approx(100 / 1582)
    assert 1 - distribution[0] == pytest.approx(0.06, abs=0.005)


@given(st.lists(st.integers(1, 12), min_size=2, max_size=5), st.integers(12, 60))
@settings(max_examples=50, deadline=None)
def test_the_mean_has_a_closed_form(sizes, population):
    distribution = intersection_distribution(sizes, population)
    assert distribution.sum() == pytest.approx(1)
    mean = np.prod([float(size) for size in sizes]) / population ** (len(sizes) - 1)
    assert distribution @ np.arange(len(distribution)) == pytest.approx(mean)


def test_three_lists_agree_with_simulation():
    rng = np.random.default_rng(1)
    found = np.zeros(6)
    for _ in range(4000):
        lists = [set(rng.permutation(20)[:5]) for _ in range(3)]
        found[len(set.intersection(*lists))] += 1
    assert intersection_distribution([5, 5, 5], 20) == pytest.approx(found / 4000, abs=0.03)


def test_what_is_common_keeps_the_order_of_the_first_list():
    found = overlap("feature", {"all": ["c", "a", "b"], "de": ["a", "x", "c"], "zh": ["c", "a", "y"]}, 100)
    assert found.common == ("c", "a")
    assert found.observed == 2
    assert found.p_value == pytest.approx(intersection_distribution([3, 3, 3], 100)[2:].sum())


def test_large_groups_are_common_by_chance():
    """Every list of ten has cepstrum in it when cepstrum is nine tenths of the features: no evidence."""
    groups = {f"m{n}": "cepstrum" for n in range(90)} | {f"p{n}": "pitch" for n in range(10)}
    lists = {name: [f"m{n}" for n in range(start, start + 10)] for name, start in (("a", 0), ("b", 40))}
    found = group_overlap("family", lists, groups)
    assert found.common == ("cepstrum",)
    pitch = 1 - hypergeom.pmf(0, 100, 10, 10)
    assert found.expected == pytest.approx(1 + pitch**2, abs=0.02)
    assert found.p_value > 0.99


def test_a_rare_group_in_all_lists_is_not_chance():
    groups = {f"m{n}": "cepstrum" for n in range(190)} | {f"p{n}": "pitch" for n in range(10)}
    lists = {name: ["p0", "m0", "m1"] for name in "abcd"}
    assert group_overlap("family", lists, groups).p_value < 0.01


def test_draws_are_repeatable():
    groups = {str(n): str(n % 7) for n in range(70)}
    lists = {"a": ["0", "1"], "b": ["1", "2"]}
    assert group_overlap("family", lists, groups) == group_overlap("family", lists, groups)
