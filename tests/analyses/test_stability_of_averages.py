"""Stability of averaged rankings, and of lists whose items stand for each other, where the answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from analyses.consensus import tells_features_apart
from analyses.correlated_stability import Likeness, likeness_of, sechidis
from analyses.rank_aggregation import aggregate, fair_ranks
from analyses.repeats import Repeats, of_scores
from analyses.stability import choose, nogueira
from analyses.stability_of_averages import of_averages, of_consensus, of_method, of_twice

ITEMS = [f"f{number:03}" for number in range(200)]


def repeats_of(truth: np.ndarray, noise: float, count: int, seed: int) -> Repeats:
    """Repeats that are the truth and independent noise."""
    values = truth + noise * np.random.default_rng(seed).normal(size=(count, len(truth)))
    index = pd.MultiIndex.from_product([["a", "b"], range(count // 2)], names=["fold", "seed"])
    return of_scores(pd.DataFrame(values, index=index, columns=ITEMS[: len(truth)]))


def over(repeats: Repeats, k: int = 20) -> dict[str, dict[str, float]]:
    return {row["over"]: row for row in of_averages(of_method(repeats), len(repeats.keys), [k])}


def test_averages_are_steadier_than_single_repeats_and_as_steady_as_the_formula_says() -> None:
    """Eight repeats of a noisy truth, and what really happens with eight others."""
    truth = np.random.default_rng(1).normal(size=200)
    again = [repeats_of(truth, 1.5, 8, seed) for seed in range(30)]
    found = [over(one) for one in again]
    single = np.mean([nogueira(choose(one.each(), 20)).value for one in again])
    halves = np.mean([one["halves"]["value"] for one in found])
    estimate = np.mean([one["average"]["value"] for one in found])
    real = nogueira(choose(np.stack([one.importance() for one in again]), 20)).value
    assert single + 0.1 < halves < real
    assert estimate == pytest.approx(real, abs=0.06)
    assert found[0]["halves"]["repeats"] == 4
    assert found[0]["halves"]["low"] <= found[0]["halves"]["value"] <= found[0]["halves"]["high"]


def test_averages_of_nothing_are_as_steady_as_chance() -> None:
    found = [over(repeats_of(np.zeros(200), 1.0, 8, seed))["halves"]["value"] for seed in range(10)]
    assert np.mean(found) == pytest.approx(0, abs=0.06)


def test_three_repeats_have_no_halves() -> None:
    index = pd.MultiIndex.from_tuples([("a", 0), ("b", 0), ("c", 0)], names=["fold", "seed"])
    values = np.random.default_rng(0).random((3, 20))
    assert over(of_scores(pd.DataFrame(values, index=index, columns=ITEMS[:20]))) == {}


@pytest.mark.parametrize(("value", "twice"), [(1.0, 1.0), (0.5, 2 / 3), (0.0, 0.0), (-0.2, -0.2)])
def test_the_formula_of_spearman_and_brown(value: float, twice: float) -> None:
    assert of_twice(value) == pytest.approx(twice)


def test_the_consensus_of_a_half_is_made_of_the_averages_of_that_half() -> None:
    truth = np.linspace(3, 0, 60)
    shap, linear = repeats_of(truth, 0.0, 8, 0), repeats_of(truth, 0.0, 8, 1)
    linear = linear.where(lambda fold, seed: seed == "0") or linear  # a baseline has one seed
    average, count = of_consensus({"shap": shap, "linear": linear})
    assert count == 8
    both = np.array([key in linear.keys for key in shap.keys])
    scores = average(both)
    assert scores is not None
    assert np.argsort(-scores)[:5].tolist() == [0, 1, 2, 3, 4]
    noisy = {"shap": repeats_of(truth, 2.0, 8, 0), "linear": repeats_of(truth.round(), 0.0, 8, 1)}
    whole = of_consensus(noisy)[0](np.ones(8, dtype=bool))
    lists = {name: pd.Series(one.importance(), index=list(one.names)) for name, one in noisy.items()}
    listed = aggregate(fair_ranks(pd.DataFrame(lists)))["shared_rank"].sort_index().to_numpy()
    assert whole is not None
    np.testing.assert_array_equal(rankdata(-whole), listed)  # as the consensus itself aggregates
    assert average(~both) is None  # none of the baseline is in it
    rows = list(of_averages(average, count, [10]))
    assert {row["over"]: row["value"] for row in rows} == {"halves": 1.0, "average": 1.0}


def trace(chosen: np.ndarray, likeness: np.ndarray) -> float:
    """Return the index of Sechidis et al. as the matrices of the paper say."""
    d = chosen.shape[1]
    z = chosen.astype(float)
    sizes = z.sum(axis=1)
    mean = sizes.mean()
    null = np.full((d, d), ((sizes**2).mean() - mean) / (d**2 - d) - mean**2 / d**2)
    np.fill_diagonal(null, mean / d * (1 - mean / d))
    return 1 - float(np.trace(likeness @ np.cov(z, rowvar=False)) / np.trace(likeness @ null))


def test_sechidis_is_what_the_matrices_of_the_paper_say() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(size=(300, 6))
    values = np.repeat(base, 5, axis=1) + 0.2 * rng.normal(size=(300, 30))
    corpus = np.repeat(["a", "b"], 150)
    values[corpus == "b"] += 100.0  # another microphone makes nothing alike
    likeness = likeness_of(values, corpus)
    matrix = np.abs(
        np.corrcoef(
            np.concatenate([values[:150] - values[:150].mean(0), values[150:] - values[150:].mean(0)]),
            rowvar=False,
        )
    )
    matrix = np.where(matrix >= 0.9, matrix, 0.0)
    assert likeness.among(np.arange(30)) == pytest.approx(matrix, abs=0.01)
    assert (matrix > 0).sum() == 30 * 5
    chosen = choose(rng.random((7, 30)), 8)
    chosen[0, 20:] = True  # lists of different length
    assert sechidis(chosen, likeness) == pytest.approx(trace(chosen, likeness.among(np.arange(30))))


def test_copies_stand_for_each_other_and_strangers_do_not() -> None:
    rng = np.random.default_rng(4)
    copies = np.repeat(rng.normal(size=(100, 10)), 2, axis=1)
    chosen = np.zeros((2, 20), dtype=bool)
    chosen[0, [0, 4, 8]] = chosen[1, [1, 5, 9]] = True  # the same three, and their copies
    assert nogueira(chosen).value < 0
    assert sechidis(chosen, likeness_of(copies, np.full(100, "c"))) == pytest.approx(1)
    strangers = Likeness(np.linalg.qr(rng.normal(size=(100, 20)))[0].astype(np.float32), 0.0)
    assert sechidis(chosen, strangers) == pytest.approx(nogueira(chosen).value)


def test_constant_features_are_like_nothing() -> None:
    values = np.random.default_rng(0).normal(size=(50, 4))
    values[:, 1:3] = 7.0
    assert likeness_of(values, np.full(50, "c")).among(np.arange(4)) == pytest.approx(np.eye(4))


def test_a_method_that_shares_credit_evenly_does_not_tell_features_apart() -> None:
    def ranking(values: np.ndarray) -> pd.DataFrame:
        place = {"task": "emotion", "language_set": "all", "part_kind": "", "part": "", "level": "feature"}
        rank = np.argsort(np.argsort(-values, kind="stable")) + 1
        return pd.DataFrame({"lift": values, "rank": rank}).assign(**place)

    assert not tells_features_apart(ranking(np.repeat([3.0, 2.0, 1.0], 20)))
    assert tells_features_apart(
        ranking(np.r_[np.arange(10.0, 0, -1), np.zeros(50)])
    )  # zeros last are no matter
