"""Stability indices: the formulas of the papers, computed differently; and what varies in a run."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.repeats import Repeats
from analyses.stability import choose, kuncheva, lengths_at, nogueira, of_repeats


def random_lists(repeats, items, k, seed):
    rng = np.random.default_rng(seed)
    return choose(rng.random((repeats, items)), k, seed=seed)


cases = st.tuples(st.integers(2, 8), st.integers(4, 30), st.integers(1, 10), st.integers(0, 9999))


@given(cases)
@settings(max_examples=60, deadline=None)
def test_for_lists_of_equal_length_both_indices_are_the_same(case):
    chosen = random_lists(*case)
    assert nogueira(chosen).value == pytest.approx(kuncheva(chosen))


@given(cases)
@settings(max_examples=40, deadline=None)
def test_bounds_and_the_order_of_repeats_and_items(case):
    chosen = random_lists(*case)
    rng = np.random.default_rng(case[3])
    moved = chosen[rng.permutation(len(chosen))][:, rng.permutation(chosen.shape[1])]
    one, other = nogueira(chosen), nogueira(moved)
    assert one.value == pytest.approx(other.value)
    assert one.low == pytest.approx(other.low, nan_ok=True)
    assert -1 / (len(chosen) - 1) - 1e-9 <= one.value <= 1 + 1e-9


def test_kuncheva_by_hand():
    chosen = np.zeros((2, 10), dtype=bool)
    chosen[0, :3] = chosen[1, 1:4] = True
    assert kuncheva(chosen) == pytest.approx((2 * 10 - 9) / (3 * 7))


def test_identical_lists_are_perfectly_stable():
    chosen = np.zeros((4, 20), dtype=bool)
    chosen[:, :5] = True
    found = nogueira(chosen)
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert kuncheva(chosen) == 1


def test_random_lists_have_no_stability_on_average():
    values = [nogueira(random_lists(5, 40, 10, seed)).value for seed in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)


def test_lists_of_different_lengths_have_the_general_index_only():
    chosen = np.array([[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]], dtype=bool)
    share = np.array([1, 2 / 3, 1 / 3, 0, 0, 0])
    expected = 1 - (3 / 2 * share * (1 - share)).mean() / (1 / 3 * 2 / 3)
    assert nogueira(chosen).value == pytest.approx(expected)
    assert np.isnan(kuncheva(chosen))


def test_the_variance_is_that_of_the_delta_method():
    """Phi is a function of the mean rows; its derivative towards each repeat gives Phi_i up to a constant."""
    rng = np.random.default_rng(0)
    chosen = rng.random((400, 12)) < np.linspace(0.1, 0.9, 12)  # also lengths differ
    z = chosen.astype(float)

    def plain(rows):  # without the factor M/(M-1), which the derivative does not see
        share = rows.mean(axis=0)
        mean = share.mean()
        return 1 - (share * (1 - share)).mean() / (mean * (1 - mean))

    step = 1e-5
    share = z.mean(axis=0)
    influence = [(plain((share + step * (row - share))[None]) - plain(share[None])) / step for row in z]
    expected = np.sqrt(np.mean(np.square(influence)) / len(z))
    found = nogueira(chosen)
    assert (found.value - found.low) / 1.959964 == pytest.approx(expected, rel=0.02)


def test_the_interval_covers_the_truth():
    """Items are chosen independently with known probabilities, so that the index of the population is known."""
    rng = np.random.default_rng(1)
    probability = np.array([0.9, 0.9, 0.8, 0.5, 0.3, 0.1, 0.1, 0.1, 0.05, 0.05])
    mean = probability.mean()
    truth = 1 - (probability * (1 - probability)).mean() / (mean * (1 - mean))
    found = [nogueira(rng.random((60, 10)) < probability) for _ in range(300)]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.88 < covered <= 0.99


def test_no_interval_for_two_repeats_and_no_index_for_one():
    chosen = random_lists(2, 20, 5, 0)
    assert np.isfinite(nogueira(chosen).value)
    assert np.isnan(nogueira(chosen).low)
    assert np.isnan(nogueira(chosen[:1]).value)
    assert np.isnan(kuncheva(chosen[:1]))
    assert np.isnan(nogueira(np.ones((3, 4), dtype=bool)).value)


def test_equal_scores_are_no_stable_choice():
    chosen = choose(np.zeros((6, 300)), 10)
    assert nogueira(chosen).value < 0.2
    assert (chosen.sum(axis=1) == 10).all()


def repeats_of(scores):
    """Scores by (fold, seed)."""
    keys = tuple(sorted(scores))
    totals = np.stack([scores[key] for key in keys])[:, None, :]
    names = tuple(f"i{number:02}" for number in range(totals.shape[2]))
    return Repeats(names, keys, totals, np.ones((len(keys), 1)), ("",))


def test_what_varies_is_told_apart():
    """Each fold has its own ranking, which all seeds share: seeds are stable, folds are not."""
    rng = np.random.default_rng(4)
    own = {fold: rng.random(40) for fold in ("a", "b", "c")}
    repeats = repeats_of({(fold, seed): own[fold] for fold in own for seed in ("0", "1", "2")})
    rows = {(row["over"], row["index"]): row for row in of_repeats(repeats, [10])}
    assert set(rows) == {
        (way, index) for way in ("folds", "seeds", "all") for index in ("nogueira", "kuncheva")
    }
    assert rows["seeds", "nogueira"]["value"] == 1
    assert rows["folds", "nogueira"]["value"] < 0.4
    assert rows["folds", "kuncheva"]["value"] == pytest.approx(rows["folds", "nogueira"]["value"])
    assert rows["all", "nogueira"]["repeats"] == 9
    assert rows["folds", "nogueira"]["repeats"] == 3
    pairs = [kuncheva(choose(np.stack([own[a], own[b]]), 10)) for a, b in combinations(own, 2)]
    assert rows["folds", "kuncheva"]["value"] == pytest.approx(np.mean(pairs))


def test_orders_are_compared_within_a_fold():
    rng = np.random.default_rng(5)
    own = {order: rng.random(40) for order in ("", "1", "2")}
    keys = [(fold, seed) for fold in ("a", "b") for seed in ("0", "1000", "1001")]
    orders = ["", "1", "2", "", "1", "2"]
    scores = {key: own[order] for key, order in zip(keys, orders, strict=True)}
    repeats = repeats_of(scores)
    rows = {row["over"]: row for row in of_repeats(repeats, [10], orders) if row["index"] == "nogueira"}
    assert set(rows) == {"orders", "all"} | ({"folds"} if "folds" in rows else set())
    assert rows["orders"]["value"] < 0.4
    assert rows["orders"]["repeats"] == 3
    assert rows["folds"]["value"] == 1


def test_one_repeat_gives_no_row():
    assert list(of_repeats(repeats_of({("a", "0"): np.arange(9.0)}), [3])) == []


def test_lengths_are_at_most_half_of_the_items():
    assert lengths_at("feature", 1582) == [5, 10, 20, 50, 100]
    assert lengths_at("feature", 88) == [5, 10, 20]
    assert lengths_at("contour", 38) == [5, 10]
    assert lengths_at("family", 7) == [3]
