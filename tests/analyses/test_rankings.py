"""Rankings on planted attention: known orders, balance between corpora, and what must not change them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.cells import collect
from analyses.rankings import balanced, rank
from msfl.errors import DataError

FEATURES = (
    "F0final_sma_amean",
    "F0final_sma_stddev",
    "F0final_sma_de_amean",
    "jitterLocal_sma_amean",
    "mfcc_sma[1]_amean",
    "mfcc_sma[1]_stddev",
    "mfcc_sma[2]_amean",
    "mfcc_sma[2]_stddev",
)


def planted(
    weights,
    *,
    language="de",
    corpus="emodb",
    utterances=4,
    fold="f1",
    seed=0,
    language_set="de",
    model="msfl",
):
    """Return an attention table in which every utterance has the same weights (feature -> raw weight)."""
    raw = np.array([weights.get(name, 1.0) for name in FEATURES])
    frame = pd.DataFrame([raw / raw.sum()] * utterances, columns=list(FEATURES)).astype("float32")
    keys = {"corpus": corpus, "language": language, "speaker": f"{corpus}/1", "language_set": language_set}
    keys |= {"model": model, "fold": fold, "seed": seed}
    frame.insert(0, "utterance", [f"{corpus}/{fold}{n}" for n in range(utterances)])
    for position, (key, value) in enumerate(keys.items(), start=1):
        frame.insert(position, key, value)
    return frame


def test_the_planted_order_comes_back():
    table = planted({"mfcc_sma[2]_amean": 8.0, "jitterLocal_sma_amean": 4.0, "F0final_sma_amean": 2.0})
    ranking = rank(collect([table]), top=3)
    assert ranking.leaders == ["mfcc_sma[2]_amean", "jitterLocal_sma_amean", "F0final_sma_amean"]
    assert ranking.table["importance"].sum() == pytest.approx(1, abs=1e-6)
    assert ranking.table.loc["mfcc_sma[2]_amean", "lift"] == pytest.approx(8 / 19 * 8, rel=1e-5)
    assert ranking.table.loc["jitterLocal_sma_amean", "in_words"].startswith("mean of jitter")


def test_pieces_of_the_table_give_the_same_cells():
    table = pd.concat(
        [planted({"jitterLocal_sma_amean": 3.0}, fold=f"f{n}") for n in range(5)], ignore_index=True
    )
    whole = collect([table])
    pieces = collect(table.iloc[start : start + 3] for start in range(0, len(table), 3))
    pd.testing.assert_frame_equal(whole.means, pieces.means)
    pd.testing.assert_series_equal(whole.counts, pieces.counts)


def test_a_large_language_does_not_drown_a_small_one():
    large = planted({"F0final_sma_amean": 9.0}, utterances=1000, language_set="all")
    small = planted(
        {"mfcc_sma[1]_amean": 11.0}, language="zh", corpus="casia", utterances=2, language_set="all"
    )
    ranking = rank(collect([large, small]), top=1)
    assert ranking.leaders == ["mfcc_sma[1]_amean"]


def test_a_second_corpus_of_a_language_does_not_double_its_voice():
    tables = [
        planted({"F0final_sma_amean": 5.0}, corpus="a", language_set="all"),
        planted({"F0final_sma_amean": 5.0}, corpus="b", language_set="all"),
        planted({"mfcc_sma[1]_amean": 5.0}, language="zh", corpus="c", language_set="all"),
    ]
    weights = balanced(collect(tables))
    assert weights["F0final_sma_amean"] == pytest.approx(weights["mfcc_sma[1]_amean"])


def test_families_are_ranked_by_weight_per_feature_and_not_by_size():
    """Cepstrum has half of the features and the largest sum; pitch gets more than its share."""
    ranking = rank(collect([planted({"F0final_sma_amean": 2.0, "mfcc_sma[1]_amean": 1.2})]), level="family")
    table = ranking.table
    assert table["importance"].idxmax() == "cepstrum"
    assert table.index[0] == "pitch"
    assert table["share"].to_dict() == {"pitch": 3 / 8, "cepstrum": 4 / 8, "voice quality": 1 / 8}
    assert (table["importance"] / table["share"]).to_numpy() == pytest.approx(table["lift"].to_numpy())


def test_a_contour_holds_its_change():
    ranking = rank(collect([planted({})]), level="contour")
    assert ranking.table["size"].to_dict() == {"F0final": 3, "jitterLocal": 1, "mfcc[1]": 2, "mfcc[2]": 2}
    assert ranking.table.loc["F0final", "in_words"] == "the pitch contour"
    assert ranking.nearly_uniform


def test_the_spread_over_repeats_is_that_of_the_ranks():
    tables = [
        planted({"jitterLocal_sma_amean": 9.0, "F0final_sma_amean": 5.0}, fold="f1", seed=0),
        planted({"jitterLocal_sma_amean": 9.0, "F0final_sma_amean": 5.0}, fold="f2", seed=0),
        planted({"jitterLocal_sma_amean": 5.0, "F0final_sma_amean": 9.0}, fold="f1", seed=1),
    ]
    ranking = rank(collect(tables), top=1)
    first = ranking.table.loc["jitterLocal_sma_amean"]
    assert first["mean_rank"] == pytest.approx(4 / 3)
    assert first["sd_rank"] == pytest.approx(np.std([1, 1, 2], ddof=1))
    assert (first["min_rank"], first["max_rank"]) == (1, 2)
    assert first["in_top"] == pytest.approx(2 / 3)
    assert list(ranking.repeats.index) == [("f1", "0"), ("f1", "1"), ("f2", "0")]


def test_one_repeat_has_no_spread():
    assert rank(collect([planted({"jitterLocal_sma_amean": 9.0})])).table["sd_rank"].isna().all()


def test_under_leave_one_speaker_out_each_language_counts_the_same():
    tables = [planted({"F0final_sma_amean": 9.0}, fold=f"de{n}", language_set="all") for n in range(9)]
    tables.append(
        planted({"mfcc_sma[1]_amean": 9.0}, fold="zh", language="zh", corpus="casia", language_set="all")
    )
    ranking = rank(collect(tables), top=1)
    assert ranking.table.loc["F0final_sma_amean", "in_top"] == pytest.approx(0.5)
    assert ranking.table.loc["mfcc_sma[1]_amean", "in_top"] == pytest.approx(0.5)


def random_tables(seed):
    rng = np.random.default_rng(seed)
    tables = []
    for corpus, language in (("a", "de"), ("b", "de"), ("c", "zh")):
        for fold in ("f1", "f2"):
            weights = dict(zip(FEATURES, rng.uniform(0.5, 3, len(FEATURES)), strict=True))
            tables.append(
                planted(weights, corpus=corpus, language=language, fold=fold, language_set="all",
                        utterances=int(rng.integers(1, 9)))
            )  # fmt: skip
    return pd.concat(tables, ignore_index=True)


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_and_columns_changes_nothing(seed, random):
    table = random_tables(seed)
    keys = [name for name in table.columns if name not in FEATURES]
    features = list(FEATURES)
    random.shuffle(features)
    shuffled = table.sample(frac=1, random_state=seed)[features + keys]
    expected, found = rank(collect([table])), rank(collect([shuffled]))
    assert list(expected.table.index) == list(found.table.index)
    pd.testing.assert_frame_equal(expected.table, found.table)


@given(st.integers(0, 10_000), st.sampled_from(["a", "b", "c"]), st.integers(2, 5))
@settings(max_examples=8, deadline=None)
def test_repeating_the_utterances_of_a_corpus_changes_nothing(seed, corpus, times):
    table = random_tables(seed)
    repeated = pd.concat([table, *[table[table["corpus"] == corpus]] * (times - 1)])
    pd.testing.assert_series_equal(balanced(collect([table])), balanced(collect([repeated])))


def test_emotions_are_told_apart():
    angry = planted({"F0final_sma_amean": 9.0}, fold="a")
    sad = planted({"mfcc_sma[1]_amean": 9.0}, fold="s")
    table = pd.concat([angry, sad], ignore_index=True)
    emotions = pd.Series(["anger"] * 4 + ["sadness"] * 4, index=table["utterance"])
    cells = collect([table], emotions)
    assert cells.values("emotion") == ["anger", "sadness"]
    assert rank(cells.select(emotion="anger"), top=1).leaders == ["F0final_sma_amean"]
    assert rank(cells.select(emotion="sadness"), top=1).leaders == ["mfcc_sma[1]_amean"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1])
def test_damaged_weights_are_a_sentence(value):
    table = planted({})
    table.loc[2, FEATURES[3]] = value
    with pytest.raises(DataError, match="emodb/f12 has missing or negative weights"):
        collect([table])


def test_missing_columns_and_empty_tables_are_sentences():
    with pytest.raises(DataError, match="no column fold"):
        collect([planted({}).drop(columns="fold")])
    with pytest.raises(DataError, match="empty"):
        collect([])
    with pytest.raises(DataError, match="one model"):
        rank(collect([planted({}), planted({}, model="paper")]))
