from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from msfl.errors import DataError, UsageError
from msfl.evaluation import Contender, compare
from msfl.evaluation.comparison import sign_flip_p

CLASSES = ("anger", "fear", "neutral")


def predictions_of(
    model: str,
    right: float,
    *,
    corpora: tuple[str, ...] = ("aa",),
    language_set: str | None = "all",
    seeds: tuple[int, ...] = (0,),
    speakers: int = 8,
    rng_seed: int = 0,
) -> pd.DataFrame:
    rng = np.random.default_rng(rng_seed)
    keys = list(product(corpora, range(speakers), CLASSES, range(6), seeds))
    frame = pd.DataFrame(keys, columns=["corpus", "s", "truth", "i", "seed"])
    frame["utterance"] = (
        frame["corpus"] + "/" + frame["s"].astype(str) + frame["truth"] + frame["i"].astype(str)
    )
    frame["speaker"] = frame["corpus"] + "/" + frame["s"].astype(str)
    frame["language"] = "l" + frame["corpus"]
    frame["language_set"] = language_set or frame["language"]
    frame["model"], frame["fold"], frame["task"] = model, "f", "emotion"
    wrong = rng.choice(CLASSES, len(frame))
    frame["predicted"] = np.where(rng.random(len(frame)) < right, frame["truth"], wrong)
    for name in CLASSES:
        frame[f"p_{name}"] = np.where(frame["predicted"] == name, 0.8, 0.1)
    return frame.drop(columns=["s", "i"])


def test_difference_is_that_of_the_scores_and_is_antisymmetric():
    table = pd.concat([predictions_of("good", 0.9), predictions_of("poor", 0.3, rng_seed=1)])
    result = compare(table, "good@all", "poor@all", resamples=500)
    scores = {m: balanced_accuracy_score(r["truth"], r["predicted"]) for m, r in table.groupby("model")}
    row = result.overall
    assert row["uar_a"] == pytest.approx(scores["good"])
    assert row["difference"] == pytest.approx(scores["good"] - scores["poor"])
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert row["p"] == pytest.approx(2 / 2**8)  # every speaker agrees: only both extremes are as extreme
    back = compare(table, "poor@all", "good@all", resamples=500).overall
    assert back["difference"] == pytest.approx(-row["difference"])
    assert (back["low"], back["high"]) == pytest.approx((-row["high"], -row["low"]))
    assert back["p"] == row["p"]


def test_a_model_does_not_differ_from_itself():
    row = compare(predictions_of("m", 0.6), "m@all", "m@all").overall
    assert (row["difference"], row["low"], row["high"], row["p"]) == (0, 0, 0, 1)


def test_mean_over_corpora_against_the_monolingual_models():
    corpora = ("aa", "bb", "cc")
    table = pd.concat(
        [
            predictions_of("net", 0.85, corpora=corpora, seeds=(0, 1)),
            predictions_of("svm", 0.5, corpora=corpora, language_set=None, rng_seed=1),
        ]
    )
    result = compare(table, "net@all", "svm", resamples=300)
    assert result.table["group"].tolist() == ["aa", "bb", "cc", "mean over corpora"]
    parts = result.table.iloc[:3]
    assert result.overall["difference"] == pytest.approx(parts["difference"].mean())
    assert result.overall["speakers"] == 24
    assert result.overall["p"] < 0.001
    # Averages of three corpora are known better than one.
    assert result.overall["high"] - result.overall["low"] < (parts["high"] - parts["low"]).mean()
    assert compare(table, "net@all", "svm", corpora=["bb"]).table["group"].tolist() == ["bb"]


def test_seeds_are_averaged_or_ensembled():
    table = pd.concat([predictions_of("net", 0.6, seeds=(0, 1, 2, 3, 4)), predictions_of("svm", 0.6)])
    single = compare(table, "net@all", "svm@all").overall["uar_a"]
    together = compare(table, "net@all:ensemble", "svm@all").overall["uar_a"]
    assert together > single + 0.05
    with pytest.raises(UsageError, match="one seed only"):
        compare(table, "svm@all:ensemble", "net@all")


def test_only_common_utterances_are_compared_and_the_rest_is_counted():
    a, b = predictions_of("a", 0.7), predictions_of("b", 0.7)
    result = compare(pd.concat([a, b.iloc[10:]]), "a@all", "b@all")
    assert result.unmatched == 10
    assert result.overall["utterances"] == len(b) - 10
    with pytest.raises(DataError, match="no common utterance"):
        compare(pd.concat([a, predictions_of("b", 0.7, corpora=("bb",))]), "a@all", "b@all")


def test_sign_flips_are_uniform_when_the_models_are_equal():
    rng = np.random.default_rng(0)
    p = np.array([sign_flip_p(rng.normal(size=9)) for _ in range(400)])
    for level in (0.05, 0.2, 0.5):
        assert (p <= level).mean() == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / 400))


def test_exact_and_random_flips_agree():
    terms = np.random.default_rng(1).normal(0.3, 1, size=13)
    exact = sign_flip_p(terms)
    # A fourteenth term of zero changes no sum, but makes the flips random.
    assert sign_flip_p(np.append(terms, 0.0)) == pytest.approx(exact, abs=0.02)


def test_speakers_of_one_emotion_each_are_compared():
    table = pd.concat([predictions_of("a", 0.9), predictions_of("b", 0.5, rng_seed=1)])
    # As in URDU: speaker 0 and 1 anger only, 2 and 3 fear only, the rest neutral only.
    speaker = table["speaker"].str[-1].astype(int)
    table = table[table["truth"] == np.array(CLASSES)[np.minimum(speaker // 2, 2)]]
    row = compare(table, "a@all", "b@all").overall
    assert row["low"] < row["difference"] < row["high"]
    assert row["difference"] == pytest.approx(row["uar_a"] - row["uar_b"])


def test_unknown_names_are_refused_with_the_nearest():
    table = predictions_of("linear-svm", 0.7)
    with pytest.raises(UsageError, match="Did you mean 'linear-svm'"):
        compare(table, "linear-smv@all", "linear-svm@all")
    with pytest.raises(UsageError, match=r"language set 'monolingual'.*there are all"):
        compare(table, "linear-svm", "linear-svm@all")
    with pytest.raises(UsageError, match="task 'gender'"):
        compare(table, "linear-svm@all", "linear-svm@all", task="gender")
    assert str(Contender.parse("msfl@de+en:ensemble")) == "msfl@de+en:ensemble"
    assert Contender.parse("linear-svm") == Contender("linear-svm", "monolingual")
