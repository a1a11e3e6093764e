"""The synthetic demo corpus: what is said about it is true of its sound."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("espeakng_loader", reason="the extra 'demo' is not installed")

from msfl import corpora
from msfl.corpora.demo import effects, make, rules, speech
from msfl.corpora.demo.espeak import speak
from msfl.corpora.demo.planting import planted
from msfl.corpora.demo.speakers import SENTENCES, SPEAKERS
from msfl.errors import DataError, UsageError
from msfl.features.grammar import parse
from msfl.features.sets import feature_names

SR = effects.SAMPLING_RATE
SIZE = 2  # sentences that the small corpus of these tests has


def utterance(speaker, emotion, sentence=0):
    return speech.Utterance(next(s for s in SPEAKERS if s.name == speaker), emotion, sentence)


def small():
    chosen = ("de-f1", "zh-m1")
    emotions = ("anger", "neutral")
    return [utterance(s, e, i) for s in chosen for e in emotions for i in range(SIZE)]


@pytest.fixture
def small_corpus(monkeypatch):
    monkeypatch.setattr(speech, "utterances", small)


def median_f0(signal):
    """Median F0 in Hz by autocorrelation over the loud frames."""
    size = SR // 25
    frames = np.lib.stride_tricks.sliding_window_view(signal / 32768, size)[:: SR // 100]
    frames = frames[np.sqrt(np.mean(frames**2, axis=1)) > 0.02] * np.hanning(size)
    spectrum = np.abs(np.fft.rfft(frames, 4 * size)) ** 2
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 4 * size)) ** 2)[: size // 2]
    correlation = np.fft.irfft(spectrum)[:, : size // 2] / window
    low, high = SR // 450, SR // 65
    correlation = correlation[:, low:high] / correlation[:, :1] - 0.0003 * np.arange(low, high)
    voiced = correlation.max(axis=1) > 0.5
    return float(np.median(SR / (low + correlation[voiced].argmax(axis=1))))


def test_the_corpus_has_the_promised_size_and_balance():
    everything = speech.utterances()
    assert len(everything) == 600 == len({u.name for u in everything})
    for language in ("de", "zh", "en"):
        mine = [s for s in SPEAKERS if s.language == language]
        assert sorted(s.gender for s in mine) == ["female", "female", "male", "male"]
        assert len(set(SENTENCES[language])) == 10
    voices = {language: {s.variant for s in SPEAKERS if s.language == language} for language in SENTENCES}
    assert voices["de"] == voices["zh"] == voices["en"]  # else the voice would tell the language


def test_speech_does_not_depend_on_what_was_spoken_before():
    target = utterance("zh-f2", "fear", 3)
    first = speech.synthesise(target)
    speech.synthesise(utterance("en-m2", "sadness", 1))
    assert np.array_equal(first, speech.synthesise(target))
    assert not np.array_equal(first, speech.synthesise(target, seed=1))


def test_a_corpus_is_written_continued_and_replaced(tmp_path, small_corpus, monkeypatch):
    root = make(tmp_path / "demo", progress=False)
    files = {file: file.read_bytes() for file in sorted(root.rglob("*.wav"))}
    assert len(files) == len(small())

    first = next(iter(files))
    first.unlink()
    spoken = []
    monkeypatch.setattr(
        speech,
        "synthesise",
        lambda u, *, seed, _do=speech.synthesise: spoken.append(u.name) or _do(u, seed=seed),
    )
    make(root, progress=False)
    assert spoken == [first.stem]
    assert {file: file.read_bytes() for file in files} == files

    make(root, seed=1, progress=False)
    assert all(file.read_bytes() != files[file] for file in files)
    assert json.loads((root / "planted.json").read_text(encoding="utf-8"))["seed"] == 1


def test_sound_is_16_khz_mono_in_range_and_long_enough(tmp_path, small_corpus):
    root = make(tmp_path / "demo", progress=False)
    for file in root.rglob("*.wav"):
        info = soundfile.info(file)
        assert (info.samplerate, info.channels, info.subtype) == (SR, 1, "PCM_16")
        signal, _ = soundfile.read(file)
        assert 0.1 < np.abs(signal).max() < 0.99
        assert 1.0 < len(signal) / SR < 7.0


def test_the_reader_gives_a_synthetic_table(tmp_path, small_corpus):
    table = corpora.load(f"demo={make(tmp_path / 'demo', progress=False)}")
    assert len(table) == len(small())
    assert set(table.naturalness) == {"synthetic"}
    assert set(table.language) == {"de", "zh"}
    assert set(table.speaker) == {"demo/de-f1", "demo/zh-m1"}
    assert set(table.gender) == {"female", "male"}
    assert table.text.nunique() == 2 * SIZE
    assert "SYNTHETIC" in corpora.get_reader("demo").title


def test_every_corpus_says_that_it_is_synthetic(tmp_path, small_corpus):
    root = make(tmp_path / "demo", progress=False)
    facts = json.loads((root / "planted.json").read_text(encoding="utf-8"))
    assert facts["synthetic"] is True
    readme = (root / "README.txt").read_text(encoding="utf-8")
    assert "SYNTHETIC" in readme
    assert "may be concluded" in readme


def test_planted_names_are_families_and_contours_of_the_feature_set():
    facts = planted(0)
    names = [parse(name) for name in feature_names("IS10")]
    families = {name.family for name in names}
    contours = {name.contour for name in names}
    claims = [facts["shared"], *facts["language_specific"].values()]
    for claim in claims:
        assert claim["families"]
        assert set(claim["families"]) <= families
        assert set(claim["contours"]) <= contours
    only = [set(claim["families"]) for claim in facts["language_specific"].values()]
    for families_of_one in only:
        assert not families_of_one & set(facts["shared"]["families"])


@pytest.mark.parametrize("emotion", rules.EMOTIONS)
def test_cues_of_one_language_are_silent_in_the_others(emotion):
    for cue in ("tilt", "loudness", "jitter"):
        for language, cues in rules.LANGUAGE_CUES.items():
            if cue not in cues:
                assert rules.effect(language, emotion, cue) == 0.0
    for cue in rules.SHARED_CUES:
        assert len({rules.effect(language, emotion, cue) for language in rules.LANGUAGE_CUES}) == 1


@pytest.mark.parametrize(
    ("speaker", "low", "high"),
    [("de-f1", 165, 215), ("de-m1", 90, 130), ("zh-f1", 150, 215), ("en-m2", 90, 130)],
)
def test_pitch_fits_the_gender_and_rises_with_fear(speaker, low, high):
    neutral = median_f0(speech.synthesise(utterance(speaker, "neutral")))
    assert low < neutral < high
    assert median_f0(speech.synthesise(utterance(speaker, "fear"))) > 1.25 * neutral


@pytest.mark.parametrize("speaker", ["de-f2", "zh-f1", "en-m1"])
def test_sad_speech_is_slower_than_fearful_speech(speaker):
    lengths = {
        emotion: sum(len(speech.synthesise(utterance(speaker, emotion, i))) for i in range(3))
        for emotion in ("sadness", "fear")
    }
    assert lengths["sadness"] > 1.25 * lengths["fear"]


def test_level_separates_anger_from_sadness_in_mandarin_only():
    def level(speaker, emotion):
        return effects.loudness_level(speech.synthesise(utterance(speaker, emotion)) / 32768)

    assert level("zh-f1", "anger") - level("zh-f1", "sadness") > 7
    for speaker in ("de-f1", "en-f1"):
        assert abs(level(speaker, "anger") - level(speaker, "sadness")) < 6


def test_anger_and_happiness_differ_in_another_contour_in_each_language():
    """Pitch level and range are alike in these two; what is left is what was planted in one language only."""
    from msfl.features.sets import smile as opensmile

    smile = opensmile("IS10")
    watched = {
        "de": "mfcc_sma[1]_amean",
        "zh": "pcm_loudness_sma_amean",
        "en": "jitterLocal_sma_amean",
    }

    def measure(language, emotion):
        signals = [speech.synthesise(utterance(f"{language}-f1", emotion, i)) / 32768 for i in range(5)]
        return np.stack([smile.process_signal(x, SR)[list(watched.values())].to_numpy()[0] for x in signals])

    distance = {}
    for language in watched:
        angry, happy = measure(language, "anger"), measure(language, "happiness")
        spread = np.sqrt((angry.var(axis=0, ddof=1) + happy.var(axis=0, ddof=1)) / 2)
        distance[language] = dict(
            zip(watched, np.abs(angry.mean(axis=0) - happy.mean(axis=0)) / spread, strict=True)
        )
    for planted_in in watched:
        elsewhere = max(distance[language][planted_in] for language in watched if language != planted_in)
        assert distance[planted_in][planted_in] > max(1.5, 1.5 * elsewhere)


def test_tilt_reaches_its_gain_and_keeps_the_lows():
    frequencies = np.array([50.0, 7000.0])
    for gain in (-9.0, 9.0):
        for frequency, expected in zip(frequencies, (0.0, gain), strict=True):
            tone = np.sin(2 * np.pi * frequency * np.arange(SR) / SR)
            change = 20 * np.log10(np.std(effects.tilt(tone, gain=gain)[SR // 2 :]) / np.std(tone[SR // 2 :]))
            assert change == pytest.approx(expected, abs=0.5)


def test_warp_moves_formants_by_the_tract_and_jitter_only_scatters_the_cycles():
    rng = np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 100 * np.arange(2 * 22050) / 22050)
    shorter = effects.warp(tone, 22050, tract=1.05, jitter=0.0, period=0.01, rng=rng)
    spectrum = np.abs(np.fft.rfft(shorter[:SR]))
    assert int(spectrum.argmax()) == 105

    def cycles(signal):
        rising = np.flatnonzero((signal[:-1] < 0) & (signal[1:] >= 0))
        exact = rising - signal[rising] / (signal[rising + 1] - signal[rising])
        return np.diff(exact)

    steady, shaky = (
        cycles(effects.warp(tone, 22050, tract=1.0, jitter=j, period=0.01, rng=rng)[100:-400])
        for j in (0.0, 0.02)
    )
    assert np.std(steady) / np.mean(steady) < 0.001
    assert 0.01 < np.std(shaky) / np.mean(shaky) < 0.025
    assert np.mean(shaky) == pytest.approx(np.mean(steady), rel=0.01)


def test_shimmer_scatters_the_amplitude_by_its_amount():
    rng = np.random.default_rng(0)
    gains = effects.shimmer(np.ones(10 * SR), amount=0.1, period=0.01, rng=rng)
    assert np.std(gains[:: SR // 100]) == pytest.approx(0.1, rel=0.15)


def test_level_is_set_and_peaks_are_never_clipped():
    noise = np.random.default_rng(0).standard_normal(SR)
    assert effects.loudness_level(effects.set_level(noise, level=-30.0)) == pytest.approx(-30, abs=0.01)
    assert np.abs(effects.set_level(noise, level=0.0)).max() <= 0.95 + 1e-9


def test_a_foreign_folder_is_refused(tmp_path, small_corpus):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="is not empty and holds no demo corpus"):
        make(tmp_path, progress=False)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    (tmp_path / "planted.json").write_text("[]")
    with pytest.raises(DataError, match="not that of a demo corpus"):
        make(tmp_path, progress=False)


def test_without_the_extra_the_user_is_told_what_to_install(tmp_path, small_corpus, monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(UsageError, match=r"pip install 'msfl\[demo\]'"):
        make(tmp_path / "demo", progress=False)


def test_an_unknown_voice_is_a_sentence():
    with pytest.raises(DataError, match="no voice 'xx'"):
        speak("Hallo.", voice="xx", rate=170, pitch=50, pitch_range=50)


def test_a_data_folder_with_a_long_path_is_read(tmp_path, monkeypatch):
    from msfl.corpora.demo import espeak

    library, data = espeak._locate()
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)
    (deep / "espeak-ng-data").symlink_to(Path(data), target_is_directory=True)
    arguments = {"voice": "de+f2", "rate": 170, "pitch": 50, "pitch_range": 50}
    expected, _ = speak("Guten Tag.", **arguments)
    monkeypatch.setattr(espeak, "_locate", lambda: (library, str(deep / "espeak-ng-data")))
    found, _ = speak("Guten Tag.", **arguments)
    assert np.array_equal(found, expected)


def test_ctrl_c_in_the_middle_of_a_sentence_is_not_lost(monkeypatch):
    """Python prints an exception in a callback from C and goes on, without that piece of the sentence."""
    arguments = {"voice": "de+f2", "rate": 170, "pitch": 50, "pitch_range": 50}
    expected, _ = speak("Guten Tag.", **arguments)
    with monkeypatch.context() as patched:
        copy = np.ctypeslib.as_array
        patched.setattr(np.ctypeslib, "as_array", lambda *a: signal.raise_signal(signal.SIGINT) or copy(*a))
        with pytest.raises(KeyboardInterrupt):
            speak("Guten Tag.", **arguments)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    found, _ = speak("Guten Tag.", **arguments)
    assert np.array_equal(found, expected)
