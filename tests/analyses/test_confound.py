"""The language confound, planted: features that are the recording chain, and rankings that use them or do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f_oneway, ks_2samp

from analyses.cells import Cells
from analyses.confound import (
    AS_TRAINED,
    LANGUAGE_TASK,
    MEANS,
    SHAPES,
    WITHIN_CORPUS,
    by_level,
    in_common,
    of_level,
    separations_of,
    strength,
)
from analyses.rank_agreement import compare
from analyses.repeats import Source
from analyses.separation import balanced_weights, distribution_distance, eta_squared

NAMES = tuple(f"f{number:02}" for number in range(40))
CHANNEL = 12
"""So many features carry the recording chain."""


class Run:
    """What `separations_of` needs of a run."""

    def __init__(self, normalisation="train", seed=0):
        rng = np.random.default_rng(seed)
        rows = 60
        self.utterances = pd.DataFrame(
            {
                "language": np.repeat(["de", "zh"], rows),
                "corpus": np.repeat(["emodb", "casia"], rows),
                "speaker": np.tile([f"s{number}" for number in range(6)], 2 * rows // 6),
                "normalisation": normalisation,
            },
            index=pd.Index([f"u{number}" for number in range(2 * rows)], name="utterance"),
        )
        self.utterances["speaker"] = self.utterances["corpus"] + "/" + self.utterances["speaker"]
        values = rng.normal(size=(2 * rows, len(NAMES)))
        values[:rows, :CHANNEL] += 3
        self.values = pd.DataFrame(
            values.astype(np.float32), index=self.utterances.index, columns=list(NAMES)
        )

    def features(self):
        return self.values


def cells(scores, *, folds=3):
    rng = np.random.default_rng(1)
    places = [("de", "emodb"), ("zh", "casia")]
    keys = [("msfl", "all", f"f{fold}", "0", *place, "") for fold in range(folds) for place in places]
    names = ["model", "language_set", "fold", "seed", "language", "corpus", "emotion"]
    index = pd.MultiIndex.from_tuples(keys, names=names)
    values = scores + 0.01 * rng.normal(size=(len(keys), len(scores)))
    return Cells(pd.DataFrame(values, index=index, columns=list(NAMES)), pd.Series(10, index=index))


def source_of(emotion, language=None):
    found = {"emotion": {"feature": cells(emotion)}}
    if language is not None:
        found["language"] = {"feature": cells(language)}
    return Source("shap", found, {}, None, NAMES)


def table_of(emotion, language=None, run=None):
    separations = separations_of(run, ("de", "zh")) if run else []
    rows = pd.DataFrame(of_level(source_of(emotion, language), "all", "feature", separations))
    return rows.set_index(["normalisation", "against", "measure"])


CHANNEL_FIRST = np.r_[np.linspace(2, 1, CHANNEL), np.linspace(0.5, 0, len(NAMES) - CHANNEL)]


def test_eta_squared_and_distance_are_those_of_the_textbook():
    run = Run()
    language = run.utterances["language"].to_numpy(dtype=str)
    weights = balanced_weights(language, run.utterances["corpus"].to_numpy(dtype=str))
    x = run.values.to_numpy()
    eta, distance = eta_squared(x, language, weights), distribution_distance(x, language, weights)
    for column in (0, 20, 39):
        a, b = x[language == "de", column], x[language == "zh", column]
        f = f_oneway(a, b).statistic
        assert eta[column] == pytest.approx(f / (f + len(x) - 2), rel=1e-4)
        assert distance[column] == pytest.approx(ks_2samp(a, b).statistic, abs=1e-9)


def test_ties_and_constant_features():
    language = np.array(["a", "a", "b", "b"])
    weights = balanced_weights(language, language)
    x = np.array([[1, 5, 0], [1, 5, 1], [1, 5, 0], [1, 5, 1]], dtype=np.float32)
    assert eta_squared(x, language, weights).tolist() == [0, 0, 0]
    assert distribution_distance(x, language, weights) == pytest.approx([0, 0, 0])


@given(st.integers(2, 6), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_repeating_the_utterances_of_a_corpus_changes_nothing(times, seed):
    rng = np.random.default_rng(seed)
    language = np.array(["a"] * 8 + ["a"] * 5 + ["b"] * 6)
    corpus = np.array(["a1"] * 8 + ["a2"] * 5 + ["b"] * 6)
    x = rng.normal(size=(19, 4))
    rows = np.r_[np.arange(19), np.tile(np.arange(8, 13), times)]
    for measure in (eta_squared, distribution_distance):
        one = measure(x, language, balanced_weights(language, corpus))
        more = measure(x[rows], language[rows], balanced_weights(language[rows], corpus[rows]))
        assert one == pytest.approx(more)
        assert ((one >= 0) & (one <= 1 + 1e-12)).all()


def test_a_ranking_that_follows_the_recording_chain_is_named():
    rows = table_of(CHANNEL_FIRST, CHANNEL_FIRST, Run())
    top = rows.loc[(AS_TRAINED, LANGUAGE_TASK, "jaccard")]
    assert top["value"] == 1
    assert top["p_value"] < 0.001
    assert "it cannot tell the two apart" in top["verdict"]
    assert "by which the same model tells the languages apart (by chance about 2.5;" in top["verdict"]
    assert top["strength"] == "strong"
    assert "largely one for recognising the corpus" in rows.loc[(AS_TRAINED, MEANS, "jaccard"), "verdict"]
    whole = rows.loc[(AS_TRAINED, LANGUAGE_TASK, "kendall_tau_b")]
    assert whole["low"] <= whole["value"] <= whole["high"]


def test_a_ranking_that_avoids_the_recording_chain_is_cleared():
    rows = table_of(CHANNEL_FIRST[::-1], CHANNEL_FIRST, Run())
    for against in (LANGUAGE_TASK, MEANS, SHAPES):
        found = rows.loc[(AS_TRAINED, against, "jaccard")]
        assert found["value"] == 0
        assert "no more than chance" in found["verdict"]


def test_normalisation_within_corpora_takes_the_means_away_and_says_so():
    rows = table_of(CHANNEL_FIRST, None, Run())
    removed = rows.loc[WITHIN_CORPUS].loc[MEANS]
    assert removed["value"].isna().all()
    assert "z-scores within each corpus the mean of no feature" in removed["verdict"].iloc[0]
    assert rows.loc[(WITHIN_CORPUS, SHAPES, "jaccard"), "chance"] == pytest.approx(10 / 70, abs=0.02)
    assert LANGUAGE_TASK not in rows.index.get_level_values("against")


def test_the_normalisation_of_the_run_is_used():
    removed = table_of(CHANNEL_FIRST, None, Run(normalisation="speaker")).loc[AS_TRAINED].loc[MEANS]
    assert "the normalisation of this run the mean of no feature" in removed["verdict"].iloc[0]


def test_strength_by_numbers():
    rng = np.random.default_rng(0)
    a = rng.random(200)
    half = a.copy()
    half[np.argsort(-a)[:5]] = -1
    tau, _, top = compare(a, half)
    assert in_common(top) == 5
    assert strength(top, tau) == "strong"
    families = np.arange(7.0)
    tau, _, top = compare(families, families[[1, 0, 2, 3, 4, 5, 6]])
    assert top.p_value > 0.01  # the same three of seven: only the whole order is beyond chance
    assert strength(top, tau) == "strong"
    tau, _, top = compare(a, rng.random(200))
    assert strength(top, tau) == "none"
    related = a + 0.5 * rng.random(200)
    related[np.argsort(-a)[:10]] = -1
    tau, _, top = compare(a, related)
    assert strength(top, tau) == "some"


def test_groups_take_the_mean_of_their_features():
    values = pd.Series(
        [1.0, 3.0, 5.0], index=["F0final_sma_amean", "F0final_sma_stddev", "mfcc_sma[1]_amean"]
    )
    assert by_level(values, "family").to_dict() == {"cepstrum": 5.0, "pitch": 2.0}
