"""Statistics per feature: formulas against references, intervals against simulated truth, words for the limits."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analyses.statistics import mixed_model, notes, tables
from analyses.statistics.bootstrap import Resamples, interval, tail
from analyses.statistics.directions import directions
from analyses.statistics.effect_sizes import Group, eta_squared, hedges_g
from analyses.statistics.kruskal import kruskal_wallis, p_value
from analyses.statistics.multiplicity import benjamini_hochberg, holm
from analyses.statistics.sums import speaker_sums
from msfl.errors import DataError, UsageError
from msfl.evaluation.intervals import draw_weights


def group(values):
    values = np.asarray(values, dtype=float)
    return Group(np.array(float(len(values))), values.sum(), np.square(values).sum())


def test_hedges_g_by_hand():
    # means 3 and 1, sums of squares 2 and 2, pooled variance (2 + 2) / 4 = 1, correction 1 - 3 / 15 = 0.8
    assert hedges_g(group([2, 3, 4]), group([0, 1, 2])) == pytest.approx(2 * 0.8)


def test_the_correction_is_close_to_the_exact_one():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 7), rng.normal(0, 1, 5)
    pooled = math.sqrt((6 * a.var(ddof=1) + 4 * b.var(ddof=1)) / 10)
    exact = math.gamma(5) / (math.sqrt(5) * math.gamma(4.5))
    assert hedges_g(group(a), group(b)) == pytest.approx(exact * (a.mean() - b.mean()) / pooled, rel=1e-3)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-5, 5), min_size=4, max_size=20),
    st.floats(0.1, 100),
    st.floats(-10, 10),
)
def test_effect_sizes_ignore_scale_and_common_offset(values, scale, offset):
    values = np.round(values, 2)
    if np.ptp(values[:2]) + np.ptp(values[2:]) < 0.1:
        return
    moved = scale * values + offset
    before, after = (
        hedges_g(group(values[:2]), group(values[2:])),
        hedges_g(group(moved[:2]), group(moved[2:])),
    )
    assert after == pytest.approx(before, rel=1e-4, abs=1e-6)
    assert hedges_g(group(values[2:]), group(values[:2])) == pytest.approx(-before, abs=1e-9)


def test_no_effect_size_without_variation_or_recordings():
    assert np.isnan(hedges_g(group([1, 1]), group([2, 2])))
    assert np.isnan(hedges_g(group([]), group([1, 2, 3])))
    assert np.isnan(hedges_g(group([1]), group([2])))


def test_eta_squared_follows_from_the_f_test():
    rng = np.random.default_rng(1)
    parts = [rng.normal(mean, 1, size) for mean, size in ((0, 9), (1, 14), (0.5, 6))]
    n = np.array([float(len(part)) for part in parts])
    found = eta_squared(n, np.array([p.sum() for p in parts]), np.array([np.square(p).sum() for p in parts]))
    f = stats.f_oneway(*parts).statistic
    assert found == pytest.approx(2 * f / (2 * f + n.sum() - 3))


def test_kruskal_wallis_as_in_scipy_with_ties():
    rng = np.random.default_rng(2)
    values = rng.integers(0, 6, size=(40, 5)).astype(np.float32)
    values[:, 4] = 3
    groups = np.repeat([0, 1, 2], [10, 20, 10])
    found = kruskal_wallis(values, groups)
    for feature in range(4):
        expected = stats.kruskal(*(values[groups == code, feature].astype(float) for code in range(3)))
        assert found[feature] == pytest.approx(expected.statistic, rel=1e-9)
        assert p_value(found, 2)[feature] == pytest.approx(expected.pvalue, rel=1e-9)
    assert np.isnan(found[4])


def test_corrections_by_hand():
    p = np.array([0.01, np.nan, 0.04, 0.03])
    np.testing.assert_allclose(holm(p), [0.03, np.nan, 0.06, 0.06])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.03, np.nan, 0.04, 0.04])


def test_corrections_as_in_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(3).uniform(size=200) ** 3
    np.testing.assert_allclose(holm(p), multitest.multipletests(p, method="holm")[1])
    np.testing.assert_allclose(benjamini_hochberg(p), multitest.multipletests(p, method="fdr_bh")[1])
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))


def sums_of(values, speakers, emotions):
    return speaker_sums(np.asarray(values, dtype=np.float32), pd.Series(speakers), pd.Series(emotions))


def test_a_resample_is_what_repeating_the_recordings_gives():
    rng = np.random.default_rng(4)
    speakers = np.repeat(["a", "b", "c"], 8)
    emotions = np.tile(["anger", "neutral", "sadness", "sadness"], 6)
    values = rng.normal(size=(24, 2)).astype(np.float32)
    weights = np.array([[2.0, 0.0, 1.0]])
    drawn = Resamples(sums_of(values, speakers, emotions), weights)
    rows = np.concatenate([np.flatnonzero(speakers == s) for s in ("a", "a", "c")])
    for feature in range(2):
        chosen, labels = values[rows, feature].astype(float), emotions[rows]
        parts = [chosen[labels == name] for name in ("anger", "neutral", "sadness")]
        rest = np.concatenate(parts[1:])
        expected = hedges_g(group(parts[0]), group(rest))
        assert drawn.hedges_g(0, (1, 2))[feature, 0] == pytest.approx(expected, rel=1e-6)
        f = stats.f_oneway(*parts).statistic
        assert drawn.eta_squared()[feature, 0] == pytest.approx(2 * f / (2 * f + len(rows) - 3), rel=1e-6)


def test_resampling_speakers_covers_better_than_resampling_recordings():
    """Six speakers who differ in how they do anger: every feature is a problem of its own, with no effect."""
    rng = np.random.default_rng(5)
    problems, people, takes = 400, 6, 10
    own = rng.normal(0, 0.7, size=(people, problems))
    speakers = np.repeat(np.arange(people), 2 * takes)
    emotions = np.tile(np.repeat(["anger", "neutral"], takes), people)
    values = rng.normal(size=(len(speakers), problems)) + own[speakers] * (emotions == "anger")[:, None]

    def covered(who, clusters):
        sums = sums_of(values, who, emotions)
        weights = draw_weights(len(sums.speakers), "de", resamples=300)
        low, high = interval(Resamples(sums, weights).hedges_g(0, (1,)), clusters)
        return ((low <= 0) & (high >= 0)).mean()

    by_speaker = covered(speakers, people)
    plain = covered(speakers, 10**6)  # no correction for the number of speakers
    naive = covered(np.arange(len(speakers)), 10**6)
    assert naive < 0.75
    assert naive < plain < by_speaker
    assert 0.90 < by_speaker < 0.99


def test_the_cut_is_the_plain_one_for_many_speakers():
    assert tail(10**6) == pytest.approx(0.025, rel=1e-3)
    assert tail(4) < 0.001 < tail(10) < tail(50) < 0.025


class Recordings(SimpleNamespace):
    """What `tables` needs of a run."""

    def features(self, columns=None):
        return self.values if columns is None else self.values[list(columns)]


def make_run(
    *,
    people=5,
    takes=6,
    kind="speaker",
    languages=("de", "it"),
    offset=0.0,
    emotions=("anger", "neutral", "sadness"),
):
    """Feature `up` rises with anger everywhere, `mixed` rises in de and falls elsewhere, `noise`, `flat`."""
    rng = np.random.default_rng(7)
    rows = []
    for language in languages:
        for person in range(people):
            for emotion in emotions:
                for take in range(takes):
                    angry = float(emotion == "anger")
                    sign = 1 if language == "de" else -1
                    level = offset * person
                    noise = rng.normal(size=3)
                    rows.append(
                        {
                            "utterance": f"{language}{person}{emotion}{take}",
                            "language": language,
                            "corpus": f"corpus-{language}",
                            "speaker": f"{language}/{person}",
                            "emotion": emotion,
                            "normalisation": kind,
                            "up": 2 * angry + level + noise[0],
                            "mixed": 2 * sign * angry + level + noise[1],
                            "noise": level + noise[2],
                            "flat": 1.0,
                        }
                    )
    table = pd.DataFrame(rows).set_index("utterance")
    names = ("up", "mixed", "noise", "flat")
    values = table[list(names)].astype("float32")
    return Recordings(
        path=Path("run"), utterances=table.drop(columns=list(names)), feature_names=names, values=values
    )


def one(table, **wanted):
    for key, value in wanted.items():
        table = table[table[key] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_the_tables_find_what_was_planted():
    found = tables(make_run(), draws=200)
    effects, tests, agreed = found["effects"], found["tests"], found["directions"]
    assert list(effects.columns) == [
        "name", "language", "emotion", "contrast", "hedges_g", "low", "high", "n", "n_other", "speakers",
    ]  # fmt: skip
    up = one(effects, name="up", language="de", emotion="anger", contrast="neutral")
    assert 0 < up["low"] < up["hedges_g"] < up["high"]
    assert (up["n"], up["n_other"], up["speakers"]) == (30, 30, 5)
    mean = one(effects, name="up", language="all", emotion="anger", contrast="neutral")
    parts = [
        one(effects, name="up", language=tag, emotion="anger", contrast="neutral")["hedges_g"]
        for tag in ("de", "it")
    ]
    assert mean["hedges_g"] == pytest.approx(np.mean(parts))
    assert one(tests, name="up", language="all")["p_holm"] < 0.001
    assert one(tests, name="noise", language="de")["p_bh"] > 0.05
    assert np.isnan(one(tests, name="flat", language="de")["p_value"])
    shared = one(agreed, name="up", emotion="anger", contrast="rest")
    assert (shared["languages"], shared["agreeing"], shared["direction"], shared["shared"]) == (2, 2, 1, True)
    mixed = one(agreed, name="mixed", emotion="anger", contrast="neutral")
    assert (mixed["agreeing"], mixed["direction"], mixed["shared"]) == (1, 0, False)


def test_an_effect_equals_that_of_the_recordings():
    run = make_run(kind="train", languages=("de",))
    found = one(tables(run, draws=20)["effects"], name="mixed", emotion="sadness", contrast="rest")
    values, sad = run.values["mixed"], run.utterances["emotion"] == "sadness"
    assert found["hedges_g"] == pytest.approx(
        float(hedges_g(group(values[sad]), group(values[~sad]))), rel=1e-4
    )
    assert found["language"] == "de"


def test_the_level_of_a_speaker_counts_unless_it_is_taken_away():
    key = {"name": "up", "language": "de", "emotion": "anger", "contrast": "neutral"}
    plain = one(tables(make_run(kind="speaker"), draws=20)["effects"], **key)["hedges_g"]
    taken = one(tables(make_run(kind="speaker", offset=5.0), draws=20)["effects"], **key)["hedges_g"]
    left = one(tables(make_run(kind="train", offset=5.0), draws=20)["effects"], **key)["hedges_g"]
    assert taken == pytest.approx(plain, rel=1e-3)
    assert left < plain / 2


def test_one_speaker_gives_no_interval_and_no_sharing():
    run = make_run(people=1)
    found = tables(run, draws=50)
    assert found["effects"][["low", "high"]].isna().all(axis=None)
    assert found["effects"]["hedges_g"].notna().any()
    assert not found["directions"]["shared"].any()
    assert any("one speaker" in sentence for sentence in notes(run))


def test_recordings_without_a_speaker_are_one_speaker_of_their_corpus():
    run = make_run(languages=("de",))
    run.utterances["speaker"] = None
    found = tables(run, draws=20)["effects"]
    assert set(found["speakers"]) == {1}


def test_one_language_has_no_mean_and_nothing_to_share():
    found = tables(make_run(languages=("de",)), draws=50)
    assert set(found["effects"]["language"]) == {"de"}
    assert found["directions"].empty
    assert list(found["directions"].columns) == list(
        directions(tables(make_run(), draws=20)["effects"]).columns
    )


def test_the_same_seed_gives_the_same_tables():
    first, second = tables(make_run(), draws=50), tables(make_run(), draws=50)
    for name in first:
        pd.testing.assert_frame_equal(first[name], second[name])
    other = tables(make_run(), draws=50, seed=1)["effects"]
    assert not other["low"].equals(first["effects"]["low"])


def test_limits_are_said_in_words():
    run = make_run(emotions=("anger", "sadness"))
    text = " ".join(notes(run))
    assert "de has 5 speakers: its intervals are rough." in text
    assert "de has no neutral speech" in text
    with pytest.raises(DataError, match="nothing to compare"):
        tables(make_run(emotions=("anger",)))


def test_the_mixed_model_finds_emotions_and_speakers():
    pytest.importorskip("statsmodels")
    fit = mixed_model(make_run(offset=3.0, people=6), "mixed", language="de")
    run = make_run(offset=3.0, people=6)
    rows = run.utterances["language"] == "de"
    means = run.values.loc[rows, "mixed"].groupby(run.utterances.loc[rows, "emotion"]).mean()
    deviation = run.values.loc[rows, "mixed"].std(ddof=0)
    # in a balanced design the estimates are plain differences of the means
    assert fit.effects.loc["anger", "estimate"] == pytest.approx(
        (means["anger"] - means["neutral"]) / deviation, rel=1e-3
    )
    assert fit.effects.loc["anger", "low"] > 0
    assert fit.speaker_share > 0.8
    assert fit.converged
    assert math.isnan(fit.interaction_p)
    assert mixed_model(run, "mixed").interaction_p < 0.001


def test_the_mixed_model_says_what_is_missing(monkeypatch):
    run = make_run()
    with pytest.raises(UsageError, match=r"no feature 'upp'.*'up'"):
        mixed_model(run, "upp")
    with pytest.raises(UsageError, match="no language 'xx'; it has de, it"):
        mixed_model(run, "up", language="xx")
    with pytest.raises(UsageError, match="compare with anger, neutral, sadness"):
        mixed_model(run, "up", reference="calm")
    with pytest.raises(DataError, match="same value"):
        mixed_model(run, "flat")
    monkeypatch.setitem(sys.modules, "statsmodels.regression.mixed_linear_model", None)
    with pytest.raises(UsageError, match="pip install 'msfl\\[mixed\\]'"):
        mixed_model(run, "up")
