"""The grammar of feature names: complete over every openSMILE set, unambiguous, and right about units."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msfl.errors import UsageError
from msfl.features.grammar import LEVELS, parse, parse_or_unknown
from msfl.features.lexicon import FAMILIES, OTHER
from msfl.features.sets import FEATURE_SETS, feature_names


@pytest.fixture(scope="module", params=list(FEATURE_SETS))
def parsed(request):
    return request.param, [parse(name, request.param) for name in feature_names(request.param)]


def test_every_name_of_every_set_parses_into_a_family(parsed):
    name, features = parsed
    assert len(features) == FEATURE_SETS[name].size
    assert {feature.family for feature in features} <= set(FAMILIES)
    assert all(
        feature.description and feature.question.endswith("?") and feature.source for feature in features
    )


def test_no_two_features_of_a_set_share_a_description(parsed):
    same = defaultdict(list)
    for feature in parsed[1]:
        same[feature.description].append(feature.name)
    assert [names for names in same.values() if len(names) > 1] == []


def test_contours_are_nested_in_families(parsed):
    families = defaultdict(set)
    for feature in parsed[1]:
        families[feature.contour].add(feature.family)
    assert {contour for contour, found in families.items() if len(found) > 1} == set()


def test_no_template_is_left_unfilled(parsed):
    text = "".join(feature.description + feature.question + feature.contour_words for feature in parsed[1])
    assert "{" not in text
    assert "None" not in text


def test_the_number_of_contours_is_that_of_the_set():
    # IS10: 38 LLDs, and the voicing pattern, which the two features of the whole utterance count
    assert len({parse(name).contour for name in feature_names("IS10")}) == 39
    # GeMAPSv01b: 18 LLDs (Eyben et al. 2016), four of which are counted once in voiced and once in
    # unvoiced stretches (alpha ratio, Hammarberg index, two slopes), and three patterns in time
    contours = {parse(name).contour for name in feature_names("GeMAPSv01b")}
    assert len(contours) == 18 + 4 + 2


def test_the_words_of_the_slope_of_pitch():
    feature = parse("F0final_sma_linregc1")
    assert feature.description == "slope of a straight line fitted through the pitch contour"
    assert feature.question == "does the voice rise or fall over the utterance?"
    assert (feature.contour, feature.delta, feature.functional) == ("F0final", 0, "linregc1")
    assert (feature.family, feature.unit) == ("pitch", "Hz per frame")


@pytest.mark.parametrize(
    ("name", "feature_set", "unit"),
    [
        ("F0final_sma_amean", "IS10", "Hz"),
        ("F0final_sma_de_amean", "IS10", "Hz per frame"),
        ("F0final_sma_de_linregc1", "IS10", "Hz per frame²"),
        ("F0final_sma_linregerrQ", "IS10", "(Hz)²"),
        ("F0final_sma_skewness", "IS10", None),
        ("F0semitoneFrom27.5Hz_sma3nz_amean", "eGeMAPSv02", "semitones above 27.5 Hz"),
        ("F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2", "eGeMAPSv02", "semitones"),
        ("F0semitoneFrom27.5Hz_sma3nz_meanRisingSlope", "eGeMAPSv02", "semitones per s"),
        ("F0semitoneFrom27.5Hz_sma3nz_stddevNorm", "eGeMAPSv02", None),
        ("jitterLocal_sma_amean", "IS10", "ratio to the mean period"),
        ("shimmerLocaldB_sma3nz_amean", "eGeMAPSv02", "dB"),
        ("pcm_loudness_sma_amean", "IS10", None),
        ("pcm_loudness_sma_upleveltime75", "IS10", "share of the time"),
        ("F0final__Turn_duration", "IS10", "s"),
        ("VoicedSegmentsPerSec", "eGeMAPSv02", "per s"),
        ("slopeUV0-500_sma3nz_amean", "GeMAPSv01b", "dB per Hz"),
        ("pcm_fftMag_spectralRollOff25.0_sma_quartile2", "IS13", "Hz"),
        ("pcm_fftMag_spectralVariance_sma_linregerrQ", "IS13", "(Hz²)²"),
        ("lspFreq_sma[3]_amean", "IS10", "rad"),
        ("pcm_RMSenergy_sma_linregc1", "IS13", "per frame"),
        ("pcm_RMSenergy_sma_linregc1", "ComParE_2016", "range of the contour per s"),
        ("F0final_sma_linregc1", "ComParE_2016", "range of the contour per frame"),
        ("pcm_RMSenergy_sma_maxPos", "IS09", "frames (10 ms)"),
        ("pcm_RMSenergy_sma_maxPos", "IS13", "share of the utterance"),
        ("pcm_loudness_sma_maxPos", None, "frames (10 ms)"),
        ("audspec_lengthL1norm_sma_maxPos", None, "share of the utterance"),
    ],
)
def test_units(name, feature_set, unit):
    assert parse(name, feature_set).unit == unit


def test_positions_agree_with_opensmile():
    """The units of positions hold: a longer recording moves frame numbers beyond 1, and never shares."""
    import numpy as np

    from msfl.features.sets import smile

    time = np.arange(16000) / 16000
    signal = (np.sin(2 * np.pi * 150 * time) * np.exp(-((time - 0.7) ** 2) / 0.01) / 2).astype("float32")
    for feature_set in ("IS10", "IS13"):
        values = smile(feature_set).process_signal(signal, 16000).iloc[0]
        for name in (name for name in feature_names(feature_set) if name.endswith("_sma_maxPos")):
            if parse(name, feature_set).unit == "share of the utterance":
                assert 0 <= values[name] <= 1
    level = smile("IS10").process_signal(signal, 16000).iloc[0]["mfcc_sma[0]_maxPos"]
    assert 60 < level < 80  # 0.7 s in frames of 10 ms
    assert "carries the duration" in parse("mfcc_sma[0]_maxPos", "IS10").note


def test_loudness_of_is10_rests_on_one_sample_per_frame():
    """What the note on pcm_loudness warns of: cIntensity reads only the first sample of each frame."""
    import numpy as np
    import opensmile

    signal = (0.1 * np.random.default_rng(0).standard_normal(16000)).astype("float32")
    descriptors = opensmile.Smile(opensmile.FeatureSet.IS10, opensmile.FeatureLevel.LowLevelDescriptors)
    found = descriptors.process_signal(signal, 16000)["pcm_loudness_sma"].to_numpy()
    samples = (signal * 32768).astype("int16") / 32767
    first = (np.hamming(400)[0] * samples[:-400:160] ** 2 / np.hamming(400).sum() / 1e-6) ** 0.3
    smoothed = np.convolve(first, np.ones(3) / 3, "valid")
    assert np.allclose(found[1:90], smoothed[:89], atol=1e-4)
    assert "first sample of each frame" in parse("pcm_loudness_sma_amean").note


def test_bands_carry_their_frequency():
    assert "band 1 of 26" in parse("audSpec_Rfilt_sma[0]_quartile2").description
    centres = [
        int(parse(f"logMelFreqBand_sma[{n}]_amean").description.split(" Hz")[0].split()[-1]) for n in range(8)
    ]
    assert centres == sorted(centres)
    assert 20 < centres[0] < centres[-1] < 6500


def test_groups():
    feature = parse("mfcc_sma_de[3]_iqr1-2")
    assert [feature.group_key(level) for level in LEVELS] == [
        "mfcc_sma_de[3]_iqr1-2",
        "mfcc[3]",
        "iqr1-2",
        "cepstrum",
    ]
    assert parse("mfcc_sma[3]_amean").group_key("contour") == "mfcc[3]"
    with pytest.raises(UsageError, match="Did you mean 'family'"):
        feature.group_key("famly")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("F0finl_sma_amean", "F0final_sma_amean"),
        ("F0final_sma_amaen", "F0final_sma_amean"),
        ("logMelFreqBand_sma[9]_amean", "logMelFreqBand_sma"),
        ("VoicedSegmentPerSec", "VoicedSegmentsPerSec"),
    ],
)
def test_a_mistyped_name_brings_the_nearest(wrong, right):
    with pytest.raises(UsageError, match="is no feature") as caught:
        parse(wrong)
    assert f"Did you mean '{right}" in str(caught.value)


@given(st.text(min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_column_of_a_user_has_a_place(name):
    feature = parse_or_unknown(name)
    assert feature.name == name
    assert feature.family in (*FAMILIES, OTHER)
    assert feature.group_key("feature") == name


def test_a_users_column_keeps_its_name():
    feature = parse_or_unknown("my_feature")
    assert (feature.family, feature.contour, feature.description) == (OTHER, "my_feature", "my_feature")
