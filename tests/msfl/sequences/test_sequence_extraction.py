"""From an utterance table to cached sequences and back into batches."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from msfl.errors import DataError, UsageError
from msfl.features.normalisation import Scaler
from msfl.sequences.cache import SequenceCache
from msfl.sequences.extraction import extract_sequences
from msfl.sequences.kinds import KINDS, sequence_kind, title_of
from msfl.sequences.log_mel import log_mel
from msfl.sequences.sequences import fit_scaler, make_sequences
from msfl.sequences.source import load_sequences


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def _extract(rows, kind, cache, jobs=2):
    return extract_sequences(rows, kind, cache=cache, jobs=jobs, progress=False)


def test_table_order_is_kept_and_a_bad_file_is_a_row(record, table, tmp_path, cache):
    (tmp_path / "broken.wav").write_text("no sound")
    files = [record("long.wav", 2.0), tmp_path / "broken.wav", record("b.wav", 0.3), "", record("a.wav", 0.4)]
    rows = table(*files)
    rows.index = pd.Index(["x/long", "x/broken", "x/b", "x/none", "x/a"], name="utterance")
    found = _extract(rows, "log-mel", cache)
    assert list(found.table.index) == ["x/long", "x/b", "x/a"]
    assert list(found.table["frames"]) == [198, 28, 38]
    assert found.extracted == 3
    assert list(found.failures["utterance"]) == ["x/broken", "x/none"]
    assert "not an audio file" in found.failures["reason"][0]
    assert "names no file" in found.failures["reason"][1]


def test_moments_are_those_of_the_frames_that_are_read_later(record, table, cache):
    found = _extract(table(record("a.wav", 0.7)), "log-mel", cache)
    frames = SequenceCache(cache, KINDS["log-mel"]).read(found.table["key"].iloc[0]).astype(np.float64)
    row = found.table.iloc[0]
    np.testing.assert_allclose(row.filter(like="mean_").astype(float), frames.mean(0), rtol=1e-5)
    np.testing.assert_allclose(row.filter(like="deviation_").astype(float), frames.std(0), rtol=1e-4)


@pytest.mark.parametrize("seconds", [0.0001, 0.01, 0.05])
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_recording_shorter_than_a_frame_is_padded_or_a_row(record, table, cache, seconds, kind):
    found = _extract(table(record("short.wav", seconds), record("a.wav", 0.5)), kind, cache)
    assert "x/a" in found.table.index
    if kind == "egemaps-lld":  # openSMILE's frame for the pitch is 60 ms
        assert list(found.failures["utterance"]) == ["x/short"]
        assert "short.wav' (0.0" in found.failures["reason"][0]
    else:
        assert found.failures.empty
        assert found.table["frames"].iloc[0] == (
            round(seconds * 16000) if kind == "wave" else 1 + (seconds == 0.05) * 2
        )


def test_nothing_but_bad_recordings_is_one_sentence(tmp_path, table, monkeypatch):
    monkeypatch.setenv("MSFL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "broken.wav").write_text("no sound")
    with pytest.raises(DataError, match=r"None of the 1 recordings gave a log-mel, .*broken.wav"):
        load_sequences(table(tmp_path / "broken.wav"), ["log-mel"], jobs=1, progress=False)


def test_unknown_kinds_are_refused():
    with pytest.raises(UsageError, match=r"There is no input 'logmel'. Did you mean 'log-mel'"):
        sequence_kind("logmel")
    assert "utterance" in title_of("features")


def test_of_a_very_long_recording_the_middle_is_read(table, record, cache):
    ramp = np.repeat(np.linspace(-0.9, 0.9, 180), 16000)
    ramp[::2] *= -1  # silence would be constant in every band
    found = _extract(table(record("long.wav", samples=ramp)), "log-mel", cache, jobs=1)
    assert found.table["frames"].iloc[0] == 17998
    rows = table("long.wav")
    scaler = fit_scaler(Scaler("train"), found.table, rows)
    sequences = make_sequences("log-mel", found.table, scaler, rows, cache)
    values, lengths = sequences.batch([0], longest=10.0)
    assert values.shape == (1, 1000, 64)
    assert lengths.tolist() == [[1000.0]]
    frames = SequenceCache(cache, KINDS["log-mel"]).read(found.table["key"].iloc[0])
    expected = ((frames[8499:9499] - sequences.centre[0]) * sequences.factor[0]).clip(-5, 5)
    np.testing.assert_allclose(values[0], expected, rtol=1e-5)


def test_memory_for_a_long_recording_is_bounded():
    def peak(minutes):
        signal = np.zeros(minutes * 60 * 16000, np.float32)
        tracemalloc.start()
        log_mel(signal)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(6) - peak(3) < 20e6  # the spectrogram itself grows by 4.6 MB of float32


def test_batches_are_padded_with_the_mean(record, table, cache):
    rows = table(record("a.wav", 0.5), record("b.wav", 0.2))
    found = _extract(rows, "log-mel", cache)
    sequences = make_sequences(
        "log-mel", found.table, fit_scaler(Scaler("train"), found.table, rows), rows, cache
    )
    values, lengths = sequences.batch(np.array([1, 0]), longest=10.0, least=60)
    assert values.shape == (2, 60, 64)
    assert lengths[:, 0].tolist() == [18, 48]
    assert not values[0, 18:].any()
    assert values[0, 17].any()
    part, _ = sequences.subset(np.array([False, True])).batch([0], longest=10.0)
    np.testing.assert_array_equal(part[0], values[0, :18])


def test_frames_are_normalised_by_the_pooled_moments_of_their_group(record, table, cache):
    """By hand: every utterance of a speaker has the same weight, whatever its length."""
    files = [record(f"{place}.wav", 0.2 + 0.1 * place) for place in range(24)]
    rows = table(*files, speakers=("x/s", "x/t"))
    found = _extract(rows, "log-mel", cache)
    store = SequenceCache(cache, KINDS["log-mel"])
    scaler = fit_scaler(Scaler("speaker"), found.table, rows)
    sequences = make_sequences("log-mel", found.table, scaler, rows, cache)
    for speaker in ("x/s", "x/t"):
        own = np.flatnonzero((rows["speaker"] == speaker).to_numpy())
        frames = [store.read(found.table["key"].iloc[row]).astype(np.float64) for row in own]
        weights = np.concatenate([np.full(len(one), 1 / len(one) / len(frames)) for one in frames])
        every = np.concatenate(frames)
        mean = weights @ every
        deviation = np.sqrt(weights @ (every - mean) ** 2)
        np.testing.assert_allclose(sequences.centre[own], np.tile(mean, (len(own), 1)), rtol=1e-4)
        np.testing.assert_allclose(1 / sequences.factor[own], np.tile(deviation, (len(own), 1)), rtol=1e-3)


def test_affine_is_transform_where_nothing_is_clipped():
    rng = np.random.default_rng(0)
    index = pd.Index([f"x/{place}" for place in range(60)], name="utterance")
    values = pd.DataFrame(rng.normal(3, 2, (60, 4)).astype(np.float32), index=index, columns=list("abcd"))
    values["d"] = 1.5  # constant
    rows = pd.DataFrame(
        {"corpus": ["x", "y"] * 30, "speaker": [f"s{place % 4}" for place in range(60)]}, index=index
    )
    for kind in ("train", "corpus", "speaker", {"x": "train", "y": "speaker"}):
        scaler = Scaler(kind).fit(values.iloc[:40], rows)
        centre, factor = scaler.affine(values, rows)
        expected = scaler.transform(values, rows)
        inside = np.abs(expected) < 5
        assert inside.mean() > 0.99
        found = (values.to_numpy() - centre) * factor
        np.testing.assert_allclose(found[inside], expected[inside], atol=1e-5)
