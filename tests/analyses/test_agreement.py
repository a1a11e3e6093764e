"""Measures of agreement: worked examples, brute force, bounds, and what must not change them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.agreement import of_method
from analyses.cells import Cells
from analyses.rank_agreement import (
    RANGE,
    RBO,
    TAU,
    W,
    compare,
    compare_repeats,
    concordance,
    expected_rbo,
    jaccard,
    jackknife_error,
    kendall_tau,
    kendall_w,
    rank_biased_overlap,
    rbo,
)
from analyses.rankings import rank
from analyses.repeats import Source, of_cells, of_scores, order

scores = st.lists(st.integers(-5, 5), min_size=4, max_size=25).map(
    lambda values: np.array(values, dtype=float)
)
orders = st.integers(2, 12).flatmap(lambda n: st.permutations(range(n)))


def series(a, b, p):
    """RBO_ext as the paper words it: agreement observed as far as it can be, then constant, summed to the end."""
    short, long = sorted((list(a), list(b)), key=len)
    s, length = len(short), len(long)
    total = 0.0
    for depth in range(1, 1200):
        if depth <= length:
            seen = len(set(short[:depth]) & set(long[:depth]))
            assumed = len(set(short) & set(long[:s])) * (depth - s) / s if depth > s else 0.0
            agreement = (seen + assumed) / depth
        total += (1 - p) * p ** (depth - 1) * agreement
    return total


@pytest.mark.parametrize(
    ("a", "b", "p", "expected"),
    [
        ("abcde", "bcdae", 0.9, 0.828),  # the example of other implementations
        ("abcdefg", "abcdefg", 0.9, 1.0),
        ("abcdefg", "bacdefg", 0.9, 0.9),  # only the first depth disagrees, whose weight is 1 - p
        ("abcde", "vwxyz", 0.9, 0.0),
        ("abc", "acb", 0.5, 0.5 * 1 + 0.25 * 0.5 + 0.25),
    ],
)
def test_rank_biased_overlap_of_known_lists(a, b, p, expected):
    assert rank_biased_overlap(a, b, p) == pytest.approx(expected, abs=5e-4)


@given(orders, st.data(), st.sampled_from([0.5, 0.9, 0.98]))
@settings(max_examples=25, deadline=None)
def test_the_closed_form_is_the_infinite_series(first, data, p):
    """Also for lists of different length, and with items that one list alone has."""
    second = [item + data.draw(st.sampled_from([0, 100])) for item in data.draw(st.permutations(first))]
    second = second[: data.draw(st.integers(1, len(second)))]
    assert rank_biased_overlap(first, second, p) == pytest.approx(series(first, second, p), abs=1e-9)
    assert rank_biased_overlap(first, second, p) == rank_biased_overlap(second, first, p)


def test_rbo_of_empty_lists():
    assert rank_biased_overlap([], []) == 1.0
    assert rank_biased_overlap([], [1]) == 0.0


def test_expected_rbo_is_the_mean_over_all_orders():
    values = [rank_biased_overlap(range(6), order) for order in permutations(range(6))]
    assert expected_rbo(6) == pytest.approx(np.mean(values))


def test_the_random_orders_of_rbo_have_the_expected_mean():
    from analyses.rank_agreement import _random_rbo

    for items in (6, 400):
        values = _random_rbo(items, 0.9)
        assert abs(values.mean() - expected_rbo(items)) < 4 * values.std() / np.sqrt(len(values))
    brute = [rank_biased_overlap(range(5), order) for order in permutations(range(5))]
    assert set(np.round(_random_rbo(5, 0.9), 9)) <= set(np.round(brute, 9))


def test_jaccard_chance_is_exact():
    rng = np.random.default_rng(0)
    fixed = np.arange(8.0)
    found = [jaccard(fixed, rng.permutation(fixed), 3, rng).value for _ in range(800)]
    one = jaccard(fixed, fixed, 3, rng)
    assert np.mean(found) == pytest.approx(one.chance, abs=0.03)
    assert one.value == 1.0
    assert one.p_value == pytest.approx(1 / 56)  # 1 of C(8, 3)


def test_a_top_list_is_at_most_half_of_the_items():
    assert jaccard(np.arange(7.0), np.arange(7.0), 10, np.random.default_rng(0)).k == 3


def test_w_of_a_textbook_example():
    """Kendall & Gibbons: without ties, three rankings of six items; and W of two is (1 + rho) / 2."""
    ranks = np.array([[5, 4, 1, 6, 3, 2], [2, 3, 1, 5, 6, 4], [4, 1, 6, 3, 2, 5.0]])
    sums = ranks.sum(axis=0)
    assert kendall_w(-ranks).value == pytest.approx(12 * ((sums - 10.5) ** 2).sum() / (9 * 210))
    from scipy.stats import spearmanr

    tied = np.array([[1, 1, 2, 3, 4, 4, 5], [2, 1, 2, 3, 3, 5, 5.0]])
    assert kendall_w(tied).value == pytest.approx((1 + spearmanr(tied[0], tied[1]).statistic) / 2, abs=0.01)


@given(st.integers(2, 5), st.integers(4, 9), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_w_agrees_with_friedman(raters, items, seed):
    from scipy.stats import friedmanchisquare

    values = np.random.default_rng(seed).integers(0, 6, (raters, items)).astype(float)
    if any(len(set(row)) == 1 for row in values):
        return
    found = kendall_w(values, test=False)
    if raters > 2:
        expected = friedmanchisquare(*values.T).statistic / (raters * (items - 1))
        assert found.value == pytest.approx(expected)
    assert found.chance == 1 / raters


@given(scores, st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_bounds_symmetry_and_names_do_not_matter(a, seed):
    rng = np.random.default_rng(seed)
    b = rng.permutation(a)
    shuffled = rng.permutation(len(a))
    if len(set(a.tolist())) < len(a):  # ties are broken at random: only tau knows nothing of it
        same, again = kendall_tau(a, b), kendall_tau(b, a)
        moved = kendall_tau(a[shuffled], b[shuffled])
        for one in (again, moved):
            assert one.value == pytest.approx(same.value, nan_ok=True)
        return
    for one, again, moved in zip(
        compare(a, b), compare(b, a), compare(a[shuffled], b[shuffled]), strict=True
    ):
        low, high = RANGE[one.measure]
        assert low <= one.value <= high
        assert 0 <= one.p_value <= 1
        assert again.value == pytest.approx(one.value)
        assert moved.value == pytest.approx(one.value)


@pytest.mark.parametrize("items", [4, 7, 60, 400])
def test_identical_rankings_agree_wholly_and_reversed_ones_do_not(items):
    a = np.arange(items, dtype=float)
    assert [one.value for one in compare(a, a)] == pytest.approx([1, 1, 1])
    assert compare(a, -a)[0].value == pytest.approx(-1)
    assert kendall_w(np.stack([a, a, a])).value == pytest.approx(1)


def test_random_rankings_are_near_chance_with_honest_p_values():
    rng = np.random.default_rng(1)
    p_values = {}
    for _ in range(150):
        for one in compare(rng.random(60), rng.random(60)):
            p_values.setdefault(one.measure, []).append(one.p_value)
            if one.measure == TAU:
                assert abs(one.value) < 0.4
    for values in p_values.values():
        assert np.mean(np.array(values) < 0.05) < 0.11


def test_ties_do_not_look_like_agreement():
    """Two methods that know nothing (all zero) choose different items, whatever the names are."""
    zero = np.zeros(500)
    tau, overlap, top = compare(zero, zero)
    assert np.isnan(tau.value)
    assert overlap.value < 0.2
    assert top.value < 0.2
    assert not np.array_equal(order(zero, np.random.default_rng(0)), np.arange(500))


def toy(
    level_names=("f1", "f2", "f3", "f4", "f5", "f6"), *, folds=3, seeds=2, noise=0.1, sets=("de", "de+it")
):
    rng = np.random.default_rng(3)
    rows = []
    base = np.arange(len(level_names), 0, -1.0)
    for name in sets:
        for fold in range(folds):
            for seed in range(seeds):
                for language in name.split("+"):
                    for emotion in ("anger", "sadness"):
                        key = ("msfl", name, f"f{fold}", str(seed), language, f"c-{language}", emotion)
                        rows.append((key, rng.integers(1, 9), base + noise * rng.normal(size=len(base))))
    index = pd.MultiIndex.from_tuples(
        [key for key, _, _ in rows],
        names=["model", "language_set", "fold", "seed", "language", "corpus", "emotion"],
    )
    means = pd.DataFrame([values for _, _, values in rows], index=index, columns=list(level_names))
    return Cells(means, pd.Series([int(count) for _, count, _ in rows], index=index))


def test_repeats_average_like_the_rankings():
    """The figures of the tests are about the very rankings that the tables list."""
    cells = toy(noise=3.0).select(language_set="de+it")
    repeats = of_cells(cells, "feature")
    table = rank(cells, level="feature").table
    expected = table["importance"].reindex(list(repeats.names))
    assert repeats.importance() == pytest.approx(expected.to_numpy())
    openSMILE = ("F0final_sma_amean", "F0final_sma_stddev", "jitterLocal_sma_amean", "mfcc_sma[1]_amean")
    cells = toy(openSMILE, noise=3.0).select(language_set="de+it")
    repeats, table = of_cells(cells, "contour"), rank(cells, level="contour").table
    lift = table["lift"].reindex(list(repeats.names)).to_numpy()
    ratio = repeats.importance() / lift
    assert ratio == pytest.approx(np.full(len(ratio), ratio[0]))
    of_ranking = rank(cells, level="contour")
    each = pd.DataFrame(repeats.each(), columns=list(repeats.names)).rank(axis=1, ascending=False)
    assert (each.to_numpy() == of_ranking.repeat_ranks[list(repeats.names)].to_numpy()).all()


def test_the_interval_of_a_mean_is_that_of_the_jackknife():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    without = [np.delete(values, one).mean() for one in range(4)]
    assert jackknife_error(without) == pytest.approx(values.std(ddof=1) / 2)


def test_intervals_hold_the_value_and_vanish_for_one_repeat():
    cells = toy(noise=2.0).select(language_set="de+it")
    a = of_cells(cells, "feature")
    b = of_cells(toy(noise=3.0).select(language_set="de+it"), "feature")
    for one in [*compare_repeats(a, b), concordance([a, b])]:
        assert one.low <= one.value <= one.high
    single = a.where(lambda fold, seed: (fold, seed) == ("f0", "0"))
    for one in compare_repeats(single, single):
        assert one.value == pytest.approx(1)
        assert np.isnan(one.low)


def test_only_common_items_are_compared():
    index = pd.MultiIndex.from_tuples([("f", 0)], names=["fold", "seed"])
    a = of_scores(pd.DataFrame([[3.0, 2, 1, 0]], index=index, columns=list("abcd")))
    b = of_scores(pd.DataFrame([[1.0, 2, 3, 9]], index=index, columns=list("cbaz")))
    assert compare_repeats(a, b)[0].value == pytest.approx(1)


def test_every_kind_of_comparison_within_a_method():
    cells = toy(sets=("de", "it", "de+it"))
    opened = Source("shap", {"emotion": {"feature": cells}, "language": {"feature": cells}}, {}, None, ())
    rows = pd.DataFrame(of_method(opened, "feature", 10))
    assert set(rows["kind"]) == {"language_sets", "seeds", "languages", "emotions", "tasks"}
    assert rows["value"].between(0.5, 1).all()
    tasks = rows[rows["kind"] == "tasks"].set_index("language_set")["value"]
    assert tasks.to_numpy() == pytest.approx(1)
    languages = rows[rows["kind"] == "languages"]
    assert set(languages["language_set"]) == {"de+it"}  # one language alone is compared with nothing
    assert set(languages["measure"]) == {TAU, RBO, "jaccard", W}
    assert (rows.loc[rows["measure"] == "jaccard", "k"] == 3).all()


def test_rbo_of_scores_has_a_p_value():
    a = np.arange(50.0)
    found = rbo(a, a, np.random.default_rng(0))
    assert (found.value, found.p_value) == (pytest.approx(1), pytest.approx(1 / 2001))
