"""Faithfulness against a model whose true order is known: a softmax over a weighted sum of independent features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.explanations import (
    ExplanationManifest,
    Explanations,
    of_run,
    open_explanations,
    write_manifest,
    write_tables,
)
from analyses.faithfulness import tables
from analyses.faithfulness.chance import against_random, random_orders
from analyses.faithfulness.curves import BETTER, area, at, curves, figures
from analyses.faithfulness.held_out import OTHER_FOLDS, SAME_FOLD, fold_weights, held_out_order
from analyses.faithfulness.outcomes import Labels, Outcome, outcome
from analyses.faithfulness.plan import Effort
from analyses.faithfulness.removal import both_ways, cuts, removals
from analyses.faithfulness.retraining import by_system, least_squares, roar
from msfl.errors import DataError
from msfl.models.baselines import LogisticRegression
from msfl.models.contract import Dataset
from msfl.runs import open_run
from msfl.tasks import Task

D, CLASSES = 40, 3
ALONE = np.arange(D)
"""Codes of features that are each an item."""


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    """Feature j has the weight of its place from the end: the true order is D-1, D-2, ..., 0."""
    rng = np.random.default_rng(1)
    signs = rng.choice([-1.0, 1.0], size=(D, CLASSES))
    return signs * (np.arange(D)[:, None] / D) ** 3


@pytest.fixture(scope="module")
def speech(weights: np.ndarray) -> tuple[np.ndarray, Labels]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(240, D)).astype(np.float32)
    truth = (features @ weights + 0.3 * rng.normal(size=(240, CLASSES))).argmax(axis=1)
    return features, Labels(truth, rng.integers(0, 4, 240), (4, CLASSES))


def softmax(scores: np.ndarray) -> np.ndarray:
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def judged(
    weights: np.ndarray, speech: tuple[np.ndarray, Labels], orders: np.ndarray, codes: np.ndarray = ALONE
) -> dict[str, np.ndarray]:
    """Figures of each ranking by the linear model."""
    sets = removals(both_ways(orders), codes)
    found = outcome(lambda x, rows: softmax(x @ weights), speech[0], sets.kept, speech[1])
    whole = curves(found.pooled(np.ones((1, 4))).take(sets.index), sets.shares)
    half = len(orders)
    parts = [replace_rows(whole, slice(0, half)), replace_rows(whole, slice(half, None)).reversed()]
    return figures(*parts)


def replace_rows(whole, rows: slice):
    return replace(
        whole, **{name: getattr(whole, name)[rows] for name in ("shares", "uar", "truth", "first")}
    )


def test_the_true_ranking_beats_random_ones_and_its_reverse_loses(weights, speech) -> None:
    true = ALONE[::-1]
    orders = np.stack([true, true[::-1], *random_orders(D, 100, seed=2)])
    found = judged(weights, speech, orders)
    for test, better in BETTER.items():
        if test == "roar":
            continue
        right = against_random(found[test][0], found[test][2:], better)
        wrong = against_random(found[test][1], found[test][2:], better)
        assert right.p_value == pytest.approx(1 / 101), test
        assert right.p_normal < 0.001, test
        assert wrong.p_value > 0.95, test
        assert wrong.p_normal > 0.95, test


def test_a_planted_group_is_found_by_removing_groups_whole(weights, speech) -> None:
    codes = np.arange(D) // 10  # group 3 holds the features that count
    orders = np.array([[3, 2, 1, 0], [0, 1, 2, 3]])
    found = judged(weights, speech, orders, codes)
    assert found["deletion"][0] < found["deletion"][1] - 0.1
    assert found["insertion"][0] > found["insertion"][1] + 0.1


def test_a_model_that_reads_nothing_judges_nothing(speech) -> None:
    """Every ranking has the same figure then, and none is better than random."""
    found = judged(np.zeros((D, CLASSES)), speech, random_orders(D, 12, seed=0))
    for values in found.values():
        chance = against_random(values[0], values[1:], "lower")
        assert chance.p_value == 1.0
        assert np.isnan(chance.p_normal)


def test_p_values_of_random_rankings_are_spread_evenly(weights, speech) -> None:
    found = judged(weights, speech, random_orders(D, 300, seed=5))["deletion"]
    p = [against_random(found[row], found[100:], "lower") for row in range(100)]
    assert 0.4 < np.mean([one.p_value for one in p]) < 0.6
    assert 0.4 < np.mean([one.p_normal for one in p]) < 0.6
    assert np.mean([one.p_value < 0.1 for one in p]) < 0.2


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60))
def test_cuts_go_from_none_to_all_and_are_their_own_mirror(items: int) -> None:
    found = cuts(items)
    assert found[0] == 0
    assert found[-1] == items
    assert (np.sort(items - found) == found).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 30))
def test_removed_sets_are_nested_and_as_large_as_they_say(seed: int, items: int) -> None:
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(items), rng.integers(0, items, 20)])
    orders = random_orders(items, 5, seed)
    found = removals(orders, codes)
    kept = found.kept[found.index]
    assert (kept[:, 1:] <= kept[:, :-1]).all()
    assert kept[:, 0].all()
    assert not kept[:, -1].any()
    np.testing.assert_allclose(found.shares, 1 - kept.mean(axis=2), atol=1e-12)
    assert len(np.unique(found.kept, axis=0)) == len(found.kept)


def test_insertion_is_removal_in_the_other_order(speech) -> None:
    order = random_orders(D, 1, seed=3)
    there, back = removals(order, ALONE), removals(order[:, ::-1], ALONE)
    kept_back = back.kept[back.index[0]][::-1]
    for step, share in enumerate(1 - back.shares[0][::-1]):
        leaders = order[0][: round(share * D)]
        assert set(np.flatnonzero(kept_back[step])) == set(leaders)
    assert there.shares[0] == pytest.approx(1 - back.shares[0][::-1])


def test_calls_are_filled_across_sets_and_change_nothing(weights, speech) -> None:
    sets = removals(random_orders(D, 3, seed=1), ALONE)
    sizes: list[int] = []

    def predict(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        sizes.append(len(x))
        return softmax(x @ weights)

    small = outcome(predict, speech[0], sets.kept, speech[1], values=100 * D)
    assert max(sizes[:-1]) == 100
    large = outcome(predict, speech[0], sets.kept, speech[1])
    np.testing.assert_allclose(small.truth, large.truth)
    np.testing.assert_array_equal(small.hits, large.hits)


def test_uar_is_averaged_over_corpora_and_ignores_classes_that_a_corpus_lacks() -> None:
    support = np.array([[10.0, 10.0, 0.0], [0.0, 4.0, 4.0]])
    hits = np.array([[5.0, 10.0, 0.0], [0.0, 4.0, 0.0]])
    found = Outcome(hits, np.array([12.0, 4.0]), np.array([20.0, 8.0]), support)
    assert found.uar() == pytest.approx((0.75 + 0.5) / 2)
    assert found.probability("truth") == pytest.approx((12 / 20 + 4 / 8) / 2)


def test_area_and_reading_between_the_cuts() -> None:
    shares, values = np.array([[0.0, 0.5, 1.0]]), np.array([[1.0, 0.5, 0.5]])
    assert area(shares, values) == pytest.approx([0.625])
    assert at((0.25, 0.75), shares, values) == pytest.approx(np.array([[0.75, 0.5]]))


def test_a_fold_is_judged_by_the_ranking_of_the_others() -> None:
    index = pd.MultiIndex.from_product([["f1", "f2"], [0, 1]], names=["fold", "seed"])
    repeats = pd.DataFrame(
        {"a": [9, 9, 0, 0], "b": [1, 1, 1, 1], "c": [0, 0, 9, 9]}, index=index, dtype=float
    )
    weights = pd.Series({"f1": 0.5, "f2": 0.5})
    order, source = held_out_order(repeats, ("a", "b", "c"), "f1", weights)
    assert (order.tolist(), source) == ([2, 1, 0], OTHER_FOLDS)
    order, source = held_out_order(repeats.loc[["f1"]], ("a", "b", "c", "new"), "f1", weights)
    assert (order.tolist(), source) == ([0, 1, 2, 3], SAME_FOLD)


def dataset(features: np.ndarray, truth: np.ndarray) -> Dataset:
    n = len(features)
    return Dataset(
        utterances=np.array([f"u{row}" for row in range(n)]),
        features=features.astype(np.float32),
        feature_names=tuple(f"f{column}" for column in range(features.shape[1])),
        tasks=(Task("emotion", ("a", "b", "c")),),
        targets={"emotion": truth.astype(np.int64)},
        language=np.full(n, "de"),
        corpus=np.full(n, "toy"),
        speaker=np.array([f"s{row % 4}" for row in range(n)]),
    )


def test_retraining_without_the_leaders_costs_more_than_without_others(weights, speech) -> None:
    features, labels = speech
    train, test = (dataset(features[rows], labels.truth[rows]) for rows in (slice(0, 160), slice(160, None)))
    own = Labels(labels.truth[160:], labels.groups[160:], labels.shape)
    orders = np.stack([ALONE[::-1], ALONE, *random_orders(D, 40, seed=1)])
    for retrain in (least_squares(train, test), by_system(LogisticRegression(C=0.1), train, test, seed=0)):
        counts, shares = roar(retrain, orders[:6], ALONE, own)
        found = curves(counts.pooled(np.ones((1, 4))), shares)
        areas = area(found.shares, found.uar)
        assert areas[0] < areas[2:].min()
        assert areas[1] > areas[2:].max()
    counts, shares = roar(least_squares(train, test), orders, ALONE, own)
    areas = area(shares, counts.pooled(np.ones((1, 4))).uar())
    assert against_random(areas[0], areas[2:], "lower").p_normal < 0.02  # retraining makes up for much


@pytest.mark.parametrize("size", [60, 12])
def test_least_squares_solves_the_weighted_ridge_whichever_way_is_shorter(size: int) -> None:
    """More features than utterances, or fewer: the same coefficients as the textbook formula."""
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 30, p=[0.6, 0.3, 0.1])
    train = dataset(rng.normal(size=(30, size)), truth)
    test = dataset(rng.normal(size=(500, size)), np.zeros(500))
    kept = rng.random(size) < 0.8
    weight = 30 / (3 * np.bincount(truth, minlength=3))[truth]
    x, z, y = train.features[:, kept].astype(float), test.features[:, kept].astype(float), np.eye(3)[truth]
    mean, level = np.average(x, axis=0, weights=weight), np.average(y, axis=0, weights=weight)
    left = (x - mean).T @ ((x - mean) * weight[:, None]) + kept.sum() * np.eye(kept.sum())
    scores = (z - mean) @ np.linalg.solve(left, (x - mean).T @ ((y - level) * weight[:, None])) + level
    assert (least_squares(train, test)(kept) == scores.argmax(axis=1)).mean() > 0.995


FEATURES = tuple(
    f"{contour}_{functional}"
    for contour in (
        "F0final_sma",
        "jitterLocal_sma",
        "pcm_loudness_sma",
        "mfcc_sma[1]",
        "mfcc_sma[2]",
        "mfcc_sma[3]",
    )
    for functional in ("amean", "stddev", "skewness")
)
CUES = ("F0final_sma_amean", "F0final_sma_stddev")
TOML = """
[training]
models = ["linear-svm"]
language_sets = "monolingual+all"
"""
EFFORT = Effort(
    per_language=24, draws=20, draws_of_few=60, all_seeds=True, roar_draws=10,
    roar_levels=("feature", "contour"), roar_monolingual=False, resamples=20,
)  # fmt: skip


@pytest.fixture(scope="module")
def found(make_toy: Callable[..., Path]) -> Explanations:
    """A run in which two features of pitch carry the emotion, and its ranking by the linear baseline."""
    from analyses.attributions import cells, compute
    from analyses.cells import of_table
    from analyses.ranking_tables import tables as rankings_of

    planted = {CUES[0]: (0, 5, 10), CUES[1]: (0, 5, 0)}
    run = open_run(make_toy(TOML, FEATURES, takes=4, planted=planted))
    compute(run, "linear", workers=1, progress=False)
    rankings, repeats = rankings_of(
        of_table(cells(run, "linear")), method="linear", features=run.feature_names
    )
    write_manifest(run, ExplanationManifest(run=of_run(run), models={"linear": "linear-svm"}))
    write_tables(run, {"rankings/linear": rankings, "repeats/linear": repeats})
    return open_explanations(run)


def test_the_tables_of_a_run_in_which_pitch_was_planted(found: Explanations) -> None:
    told: list[float] = []
    figures_, _ = tables(found, found.run, settings=EFFORT, jobs=1, progress=told.append)
    assert told[-1] == 1.0
    assert not figures_.duplicated(["method", "language_set", "model", "level", "test"]).any()
    assert set(figures_["language_set"]) == {"all", "de", "it"}
    assert set(figures_["ranked_by"]) == {"other folds"}
    together = figures_[figures_["language_set"] == "all"].set_index(["level", "test"])
    assert set(together.index.get_level_values("level")) == {"feature", "contour", "family"}
    assert together.loc[("feature", "deletion"), "utterances"] == 48
    assert together.loc[("feature", "roar"), "utterances"] == 96
    assert together.loc[("feature", "roar"), "model"] == "least-squares"
    for test in ("deletion", "insertion", "comprehensiveness", "sufficiency"):
        assert together.loc[("feature", test), "p_value"] == pytest.approx(1 / 21), test
        assert together.loc[("feature", test), "p_normal"] < 0.05, test
    assert (
        together.loc[("feature", "roar"), "p_value"] < 0.2
    )  # at most one of ten random rankings does as well
    assert "roar" not in set(figures_.loc[figures_["language_set"] == "de", "test"])


def test_curves_start_and_end_alike_for_every_ranking_and_hold_their_intervals(found: Explanations) -> None:
    _, frame = tables(found, found.run, settings=EFFORT, jobs=1)
    assert set(frame["method"]) == {"linear", "random"}
    keys = ["language_set", "model", "level", "test"]
    for key, curve in frame.groupby(keys):
        own = curve[curve["method"] == "linear"]
        assert own["share"].is_monotonic_increasing
        assert ((own["low"] <= own["value"] + 0.15) & (own["high"] >= own["value"] - 0.15)).all(), key
        ends = curve.groupby("method")[["share", "value"]].agg(["first", "last"])
        assert np.ptp(ends["value"]["first"]) < 1e-9, key  # nothing removed, nothing kept
        if "roar" not in key:
            assert np.ptp(ends["value"]["last"]) < 1e-9, key
    pick = frame[
        (frame["language_set"] == "all") & (frame["level"] == "feature") & (frame["method"] == "linear")
    ]
    by_test = {test: own.set_index("share")["value"] for test, own in pick.groupby("test")}
    assert by_test["deletion"].iloc[0] == pytest.approx(by_test["insertion"].iloc[-1])
    assert by_test["deletion"].iloc[-1] == pytest.approx(by_test["insertion"].iloc[0])


def test_results_do_not_depend_on_the_call(found: Explanations) -> None:
    first, second = (tables(found, found.run, settings=EFFORT, jobs=1)[0] for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_every_language_has_the_same_weight_in_a_ranking_of_other_folds(found: Explanations) -> None:
    weights = fold_weights(found.run, "all")
    assert weights.sum() == pytest.approx(1.0)
    assert weights.tolist() == pytest.approx([0.5, 0.5])


def test_explanations_without_rankings_are_refused(found: Explanations, tmp_path: Path) -> None:
    empty = Explanations(replace(found.run, path=tmp_path), found.manifest)
    with pytest.raises(DataError, match="has no ranking that could be judged"):
        tables(empty, found.run, jobs=1)
