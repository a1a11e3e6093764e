"""Equal items: as numbers they share a rank, in lists they stand in an order that favours no name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyses.cells import collect
from analyses.overlap import overlap
from analyses.rank_aggregation import aggregate, fair_ranks
from analyses.rankings import rank
from analyses.stability import choose, nogueira
from analyses.ties import lots, places, shared_ranks

FEATURES = tuple(
    f"{name}_sma_{what}"
    for name in ("F0final", "jitterLocal", "mfcc[1]", "mfcc[2]")
    for what in ("amean", "stddev")
)
LEADER = "jitterLocal_sma_amean"
ITEMS = tuple(f"item{number:04}" for number in range(1000))


def test_equal_items_share_ranks_and_differ_in_place() -> None:
    scores = pd.Series({"b": 1.0, "a": 1.0, "c": 3.0, "d": 0.0, "e": 1.0 + 1e-15})
    assert shared_ranks(scores.to_frame().T).iloc[0].to_dict() == {"c": 1, "a": 3, "b": 3, "e": 3, "d": 5}
    found = places(scores, "x")
    assert sorted(found) == [1, 2, 3, 4, 5]
    assert (found["c"], found["d"]) == (1, 5)


def test_the_order_of_equal_items_is_reproducible_and_that_of_no_alphabet() -> None:
    equal = pd.Series(0.0, index=list(ITEMS))
    found = places(equal, "all")
    pd.testing.assert_series_equal(places(equal[::-1], "all")[found.index], found)
    assert abs(np.corrcoef(np.arange(1000), found)[0, 1]) < 0.1
    assert lots(("F0final_sma_amean",), "all")[0] == 2515578060919940386  # on every machine, in every version


def test_lists_that_know_nothing_overlap_as_chance_says() -> None:
    """Ordered by name, or by a hash of the name alone, they would be the same list."""
    equal = pd.Series(0.0, index=list(ITEMS))
    found = []
    for pair in range(200):
        lists = {side: list(places(equal, f"{side} {pair}").nsmallest(100).index) for side in ("de", "it")}
        found.append(overlap("feature", lists, 1000).observed)
    assert np.mean(found) == pytest.approx(10, abs=0.7)  # 100 * 100 / 1000, standard error .2


def attention(*, language_set: str = "de", fold: str = "f1") -> pd.DataFrame:
    """Return the attention to four utterances: one feature leads, and the others are as training began."""
    weights = np.array([9.0 if name == LEADER else 1.0 for name in FEATURES], dtype=np.float32)
    keys = {"corpus": "c", "language": "de", "speaker": "c/1", "language_set": language_set, "model": "msfl"}
    frame = pd.DataFrame([weights / weights.sum()] * 4, columns=list(FEATURES))
    return frame.assign(utterance=[f"{fold}{number}" for number in range(4)], **keys, fold=fold, seed=0)


def test_features_that_attention_never_moved_are_not_listed_by_name() -> None:
    """One leader, and the rest alike: over many lists each of them is second about as often."""
    tables = [attention(language_set=f"set {number}") for number in range(140)]
    second = [rank(collect([table])).table.index[1] for table in tables]
    counts = pd.Series(second).value_counts()
    assert len(counts) == len(FEATURES) - 1
    assert counts.max() < 40  # 20 expected, standard deviation 4


def test_spreads_of_equal_items_are_alike() -> None:
    found = rank(collect([attention(fold=f"f{number}") for number in range(3)]), top=3).table
    rest = found.drop(index=LEADER)
    assert (rest["mean_rank"] == 5).all()  # places 2 to 8
    assert (rest["sd_rank"] == 0).all()
    assert rest["in_top"].to_numpy() == pytest.approx(2 / 7)  # two places for seven
    assert found["in_top"].sum() == pytest.approx(3)


def test_aggregated_items_that_are_equal_share_a_rank() -> None:
    scores = pd.DataFrame({"de": [3.0, 0, 0, 0], "it": [3.0, 0, 0, 0]}, index=list("wabc"))
    found = aggregate(fair_ranks(scores))
    assert found.index[0] == "w"
    assert found["shared_rank"].tolist() == [1, 3, 3, 3]
    orders = {tuple(aggregate(fair_ranks(scores), f"list {number}").index) for number in range(60)}
    assert len(orders) == 6


def test_lists_that_know_nothing_are_not_stable() -> None:
    """In the tables of repeats, ties are ties, so that the index breaks them anew in every repeat."""
    nothing = pd.DataFrame(0.0, index=range(40), columns=list(ITEMS))
    chosen = choose(-shared_ranks(nothing).to_numpy(), 10)
    assert abs(nogueira(chosen).value) < 0.02
