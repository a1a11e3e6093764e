"""Stability indices: the formulas of the papers, computed differently; and what varies in a run."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.cells import of_table
from analyses.repeats import of_scores
from analyses.stability import choose, kuncheva, lengths_at, nogueira, of_repeats, table, with_orders


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


def indices(scores, k=10):
    """Indices of scores by (fold, seed, order)."""
    return {
        (row["over"], row["index"]): row
        for row in of_repeats(np.stack(list(scores.values())), list(scores), [k])
    }


def test_what_varies_is_told_apart():
    """Each fold has its own ranking, which all seeds share: seeds are stable, folds are not."""
    rng = np.random.default_rng(4)
    own = {fold: rng.random(40) for fold in ("a", "b", "c")}
    rows = indices({(fold, seed, ""): own[fold] for fold in own for seed in ("0", "1", "2")})
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


def test_orders_are_compared_within_a_fold_and_are_no_seeds():
    """A ranking that every order changes; the seeds of the run's own order agree and do not count as orders."""
    rng = np.random.default_rng(5)
    own = {order: rng.random(40) for order in ("", "1", "2")}
    run = {(fold, seed, ""): own[""] for fold in ("a", "b") for seed in ("0", "1")}
    rows = indices(run | {(fold, "0", order): own[order] for fold in ("a", "b") for order in ("1", "2")})
    assert rows["orders", "nogueira"]["value"] < 0.4
    assert rows["orders", "nogueira"]["repeats"] == 3
    assert rows["folds", "nogueira"]["value"] == 1
    assert rows["seeds", "nogueira"]["value"] == 1
    assert rows["all", "nogueira"]["repeats"] == 8


def test_repeats_of_other_orders_join_those_of_the_run():
    def repeats(keys, columns, scores):
        index = pd.MultiIndex.from_tuples(keys, names=["fold", "seed"])
        return of_scores(pd.DataFrame(scores, index=index, columns=columns))

    run = repeats([("a", 0), ("b", 0)], list("xyz"), [[3.0, 2, 1], [3, 1, 2]])
    other = repeats([("a", 0)], list("zxy"), [[9.0, 8, 7]])
    scores, keys = with_orders(run, {"1": other})
    assert keys == [("a", "0", ""), ("b", "0", ""), ("a", "0", "1")]
    assert scores.tolist() == [[3, 2, 1], [3, 1, 2], [8, 7, 9]]
    assert with_orders(run, {})[1] == keys[:2]


def test_the_table_reads_the_attention_of_other_orders(tmp_path):
    """The whole way from files: two folds, two orders, four features."""
    rng = np.random.default_rng(0)
    features = [f"f{number}" for number in range(8)]

    def cells(order, scores):
        place = {"method": "attention", "task": "emotion", "model": "msfl", "language_set": "de", "seed": 0}
        rest = {"language": "de", "corpus": "c", "emotion": "", "statistic": "importance", "count": 5}
        rows = [
            place | rest | {"fold": fold, "order": order} | dict(zip(features, scores, strict=True))
            for fold in "ab"
        ]
        return pd.DataFrame(rows)

    own = cells(0, np.arange(8.0))
    (tmp_path / "explanations").mkdir()
    pd.concat([own, *(cells(number, rng.permutation(np.arange(8.0))) for number in (1, 2))]).to_parquet(
        tmp_path / "explanations" / "orders.parquet"
    )
    manifest = SimpleNamespace(features=SimpleNamespace(set="own table"))
    speech = [f"u{number}" for number in range(20)]
    run = SimpleNamespace(
        path=tmp_path,
        manifest=manifest,
        feature_names=tuple(features),
        utterances=pd.DataFrame({"corpus": "c"}, index=speech),
        features=lambda: pd.DataFrame(rng.normal(size=(20, 8)), index=speech, columns=features),
    )
    ranking = own.assign(part_kind="", part="", level="feature", rank=1, lift=1.0)
    found = SimpleNamespace(
        run=run,
        methods=("attention",),
        manifest=SimpleNamespace(models={"attention": "msfl"}),
        has=lambda name: name == "cells/attention",
        cells=lambda method: of_table(own.drop(columns="order")),
        table=lambda name, **chosen: ranking,
    )
    rows = table(found, run)
    feature = rows[(rows["level"] == "feature") & (rows["index"] == "nogueira") & (rows["k"] == 4)]
    values = feature.set_index("over")["value"]
    assert values["folds"] == 1
    assert values["orders"] < 0.9
    assert set(rows["over"]) == {"folds", "orders", "all"}  # two repeats have no halves that are averages
    assert set(rows["index"]) == {"nogueira", "kuncheva", "sechidis"}


def test_one_repeat_gives_no_row():
    assert indices({("a", "0", ""): np.arange(9.0)}, 3) == {}


def test_lengths_are_at_most_half_of_the_items():
    assert lengths_at("feature", 1582) == [5, 10, 20, 50, 100]
    assert lengths_at("feature", 88) == [5, 10, 20]
    assert lengths_at("contour", 38) == [5, 10]
    assert lengths_at("family", 7) == [3]
