from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score

from msfl.errors import DataError
from msfl.evaluation import class_table, confusion, confusion_table, ensemble, macro_f1, score_table, uar, war
from msfl.evaluation.intervals import draw_weights, percentile_interval, resample
from msfl.evaluation.metrics import count, counts_of
from msfl.evaluation.predictions import count_speakers
from msfl.evaluation.tables import ENSEMBLE, MEAN_OVER_CORPORA

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
CLASSES = ("anger", "fear", "neutral")
labels = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=40)


def make_predictions(
    corpora: dict[str, str],
    *,
    model: str = "svm",
    language_set: str = "all",
    seeds: tuple[int, ...] = (0,),
    speakers: int = 6,
    each: int = 4,
    right: float = 0.7,
    rng_seed: int = 0,
) -> pd.DataFrame:
    """Predictions right with a given probability; corpora maps names to languages."""
    rng = np.random.default_rng(rng_seed)
    rows = []
    for corpus, language in corpora.items():
        for s in range(speakers):
            for i, truth in enumerate(np.repeat(CLASSES, each)):
                for seed in seeds:
                    p = rng.dirichlet(np.ones(3) * 0.5)
                    best = CLASSES.index(truth) if rng.random() < right else rng.integers(3)
                    p = np.sort(p)[[0, 1, 2] if best == 2 else [0, 2, 1] if best == 1 else [2, 0, 1]]
                    rows.append(
                        {
                            "utterance": f"{corpus}/{s}-{i}",
                            "corpus": corpus,
                            "language": language,
                            "speaker": f"{corpus}/{s}",
                            "language_set": language_set,
                            "model": model,
                            "fold": f"fold-{s % 2}",
                            "seed": seed,
                            "task": "emotion",
                            "truth": truth,
                            "predicted": CLASSES[int(best)],
                            **dict(zip((f"p_{c}" for c in CLASSES), p, strict=True)),
                        }
                    )
    return pd.DataFrame(rows)


@settings(max_examples=60, deadline=None, phases=QUICK)
@given(pairs=labels)
def test_scores_equal_scikit_learn(pairs):
    truth, predicted = map(list, zip(*pairs, strict=True))
    counts, _ = counts_of(truth, predicted)
    seen = sorted(set(truth))
    assert uar(counts) == pytest.approx(
        np.mean([np.mean([p == c for t, p in pairs if t == c]) for c in seen])
    )
    if set(predicted) <= set(truth):
        assert uar(counts) == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert war(counts) == pytest.approx(accuracy_score(truth, predicted))
    expected = f1_score(truth, predicted, labels=seen, average="macro", zero_division=0)
    assert macro_f1(counts) == pytest.approx(expected)
    np.testing.assert_array_equal(
        confusion(truth, predicted, CLASSES), confusion_matrix(truth, predicted, labels=CLASSES)
    )


@settings(max_examples=30, deadline=None, phases=QUICK)
@given(pairs=labels, groups=st.integers(1, 5))
def test_counts_add_up_over_speakers(pairs, groups):
    truth, predicted = (np.array([CLASSES.index(x) for x in side]) for side in zip(*pairs, strict=True))
    group = np.arange(len(truth)) % groups
    parts = count(truth, predicted, group, (groups, 3))
    whole = count(truth, predicted, np.zeros_like(group), (1, 3))
    np.testing.assert_array_equal(parts.sum(axis=0), whole[0])
    for g in range(groups):
        assert parts[g, 1].sum() == (group == g).sum()


def test_uar_of_a_constant_answer_is_chance():
    counts, _ = counts_of(["anger"] * 90 + ["fear"] * 9 + ["neutral"], ["anger"] * 100)
    assert uar(counts) == pytest.approx(1 / 3)
    assert war(counts) == pytest.approx(0.9)


def test_headline_is_the_mean_over_seeds_of_pooled_folds():
    predictions = make_predictions({"aa": "de"}, seeds=(0, 1, 5))
    table = score_table(predictions, resamples=200).query("level == 'corpus'").set_index("seed")
    by_hand = {
        str(seed): balanced_accuracy_score(rows["truth"], rows["predicted"])
        for seed, rows in predictions.groupby("seed")
    }
    for seed, value in by_hand.items():
        assert table.loc[seed, "uar"] == pytest.approx(value)
    assert table.loc["mean", "uar"] == pytest.approx(np.mean(list(by_hand.values())))
    assert table.loc["mean", "uar_sd"] == pytest.approx(np.std(list(by_hand.values()), ddof=1))
    assert table.loc["mean", ["speakers", "utterances", "classes"]].tolist() == [6, 72, 3]
    assert table.loc["mean", "uar_low"] < table.loc["mean", "uar"] < table.loc["mean", "uar_high"]


def test_overall_is_the_mean_over_corpora_not_over_utterances():
    large = make_predictions({"aa": "de"}, speakers=40, right=1.0)
    small = make_predictions({"bb": "de", "cc": "it"}, speakers=3, right=0.2)
    table = score_table(pd.concat([large, small]), resamples=100).query("seed == 'mean'")
    uars = table.set_index(["level", "group"])["uar"]
    of_corpora = uars["corpus"]
    assert uars["overall", MEAN_OVER_CORPORA] == pytest.approx(of_corpora.mean())
    assert uars["language", "de"] == pytest.approx(of_corpora[["aa", "bb"]].mean())
    assert uars["language", "it"] == pytest.approx(of_corpora["cc"])


def test_corpus_of_two_languages_is_scored_in_each():
    predictions = make_predictions({"aa": "de"})
    half = predictions["speaker"].isin([f"aa/{s}" for s in range(3)])
    predictions.loc[half, "language"] = "it"
    table = score_table(predictions, resamples=50).query("seed == 'mean' and level == 'language'")
    it = predictions[half]
    assert table.set_index("group").loc["it", "uar"] == pytest.approx(
        balanced_accuracy_score(it["truth"], it["predicted"])
    )
    assert table["speakers"].tolist() == [3, 3]


def test_ensemble_averages_probabilities_over_seeds():
    predictions = make_predictions({"aa": "de"}, seeds=(0, 1, 2))
    averaged = ensemble(predictions).set_index("utterance")
    for utterance, rows in predictions.groupby("utterance"):
        means = rows[[f"p_{c}" for c in CLASSES]].mean()
        assert averaged.loc[utterance, "predicted"] == means.idxmax().removeprefix("p_")
        assert averaged.loc[utterance, "p_fear"] == pytest.approx(means["p_fear"])
    assert (averaged["seed"] == ENSEMBLE).all()
    table = score_table(predictions, resamples=50)
    row = table.query("level == 'corpus' and seed == 'ensemble'").iloc[0]
    assert row["uar"] == pytest.approx(balanced_accuracy_score(averaged["truth"], averaged["predicted"]))
    assert "ensemble" not in set(score_table(make_predictions({"aa": "de"}), resamples=50)["seed"])


def test_ensemble_ignores_the_classes_of_other_tasks_and_models():
    predictions = make_predictions({"aa": "de"}, seeds=(0, 1)).assign(p_de=np.nan, p_boredom=np.nan)
    averaged = ensemble(predictions)
    assert set(averaged["predicted"]) <= set(CLASSES)
    assert averaged["p_de"].isna().all()


def test_interval_contains_what_a_loop_over_speakers_finds():
    predictions = make_predictions({"aa": "de"}, speakers=8, seeds=(0, 1))
    counted = count_speakers(predictions)
    weights = draw_weights(8, "aa", resamples=30)
    drawn = resample(counted.counts, weights, {"uar": uar})["uar"]
    for b, times in enumerate(weights.astype(int)):
        again = pd.concat(
            [
                predictions[predictions["speaker"] == s]
                for s, n in zip(counted.speakers, times, strict=True)
                for _ in range(n)
            ]
        )
        by_hand = [balanced_accuracy_score(r["truth"], r["predicted"]) for _, r in again.groupby("seed")]
        assert drawn[b] == pytest.approx(np.mean(by_hand))


def test_a_class_that_a_resample_misses_is_skipped():
    counts = np.zeros((1, 2, 3, 2))
    counts[0, 0, :, 0] = (3, 4, 4)  # the only speaker of the first class: recall .75
    counts[0, 1, :, 1] = (1, 4, 4)  # of the second: .25
    drawn = resample(counts, np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), {"uar": uar})["uar"]
    np.testing.assert_allclose(drawn, [0.75, 0.25, 0.5])


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    speakers, trials, hit = 30, 150, 0
    weights = draw_weights(speakers, "x", resamples=400)
    for _ in range(trials):
        skill = rng.beta(6, 4, size=(speakers, 2))  # speakers differ; the mean recall is .6
        counts = np.zeros((1, speakers, 3, 2))
        counts[0, :, 1] = 10
        counts[0, :, 0] = rng.binomial(10, skill)
        low, high = percentile_interval(resample(counts, weights, {"uar": uar})["uar"])
        hit += low <= 0.6 <= high
    assert 0.87 <= hit / trials <= 0.99


def test_one_speaker_has_no_interval():
    table = score_table(make_predictions({"aa": "de", "bb": "it"}, speakers=1), resamples=50)
    assert table["uar_low"].isna().all()
    assert table["uar"].notna().all()


def test_scores_do_not_depend_on_what_else_is_in_the_table_or_on_row_order():
    first, other = make_predictions({"aa": "de"}), make_predictions({"bb": "it"}, model="other")
    alone = score_table(first, resamples=100)
    beside = score_table(pd.concat([other, first]).sample(frac=1, random_state=0), resamples=100)
    beside = beside.query("model == 'svm'").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, beside)


def test_missing_truth_is_not_scored_and_missing_speakers_stand_alone():
    predictions = make_predictions({"aa": "de"})
    predictions.loc[0, "truth"] = None
    predictions["speaker"] = None
    row = score_table(predictions, resamples=50).iloc[0]
    assert row["utterances"] == 71
    assert row["speakers"] == 71


def test_recalls_and_confusions_by_class():
    predictions = make_predictions({"aa": "de"}, seeds=(0, 1))
    recalls = class_table(predictions).set_index("class")
    shares = confusion_table(predictions).set_index(["truth", "predicted"])
    for name, rows in predictions.groupby("truth"):
        assert recalls.loc[name, "recall"] == pytest.approx((rows["predicted"] == name).mean())
        assert recalls.loc[name, "utterances"] == 24
        assert shares.loc[(name, name), "share"] == pytest.approx(recalls.loc[name, "recall"])
        assert shares.loc[name, "count"].sum() == pytest.approx(24)


def test_damaged_tables_are_refused():
    predictions = make_predictions({"aa": "de"})
    with pytest.raises(DataError, match="no column 'speaker'"):
        score_table(predictions.drop(columns="speaker"))
    with pytest.raises(DataError, match="'aa/0-0' is predicted twice"):
        score_table(pd.concat([predictions, predictions.iloc[:1].assign(fold="other")]))
    predictions.loc[3, "predicted"] = None
    with pytest.raises(DataError, match="prediction for 'aa/0-3' is missing"):
        score_table(predictions)
