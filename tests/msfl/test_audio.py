"""The one door for sound: whatever comes in goes out as 16 kHz mono in range, or as a sentence."""

from __future__ import annotations

import math
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from msfl.audio import MAXIMUM, SAMPLING_RATE, content_hash, load, probe
from msfl.errors import DataError


def tone(rate: int, seconds: float = 0.5, hertz: float = 440.0, level: float = 0.4) -> NDArray[np.float64]:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def write(path: Path, samples: NDArray[Any], rate: int = SAMPLING_RATE, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_16_khz_mono_pcm_passes_unchanged(tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path / f"a.{suffix}", tone(SAMPLING_RATE))
    expected, _ = soundfile.read(file, dtype="float32")
    sound = load(file)
    assert sound.signal.dtype == np.float32
    assert sound.sampling_rate == SAMPLING_RATE
    np.testing.assert_array_equal(sound.signal, expected)


def test_full_scale_never_reaches_plus_one(tmp_path: Path) -> None:
    samples = np.array([1.0, 1.5, 32767 / 32768, -1.0, -3.0, 0.25])
    sound = load(write(tmp_path / "loud.wav", samples, subtype="FLOAT"))
    assert sound.signal.max() == MAXIMUM
    assert sound.signal.min() == -1
    assert (sound.signal * 32768).astype(np.int16).tolist() == [32767, 32767, 32767, -32768, -32768, 8192]


def test_overshoot_of_the_resampler_is_clipped(tmp_path: Path) -> None:
    square = np.sign(tone(44100, hertz=300.0))
    sound = load(write(tmp_path / "square.wav", square, 44100, "FLOAT"))
    assert sound.signal.max() == MAXIMUM
    assert sound.signal.min() == -1


def test_channels_are_averaged_not_dropped(tmp_path: Path) -> None:
    left, right = tone(SAMPLING_RATE), tone(SAMPLING_RATE, hertz=1000.0)
    sound = load(write(tmp_path / "stereo.wav", np.stack([left, right], axis=1), subtype="FLOAT"))
    np.testing.assert_allclose(sound.signal, (left + right) / 2, atol=1e-6)
    assert sound.original.channels == 2


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_every_rate_arrives_as_the_same_16_khz_signal(tmp_path: Path, rate: int) -> None:
    sound = load(write(tmp_path / "a.wav", tone(rate), rate, "FLOAT"))
    inner = slice(800, -800)  # the resampling filter sees no signal beyond the ends
    assert abs(sound.duration - 0.5) < 0.001
    np.testing.assert_allclose(
        sound.signal[inner], tone(SAMPLING_RATE)[: len(sound.signal)][inner], atol=0.01
    )
    assert sound.original.sampling_rate == rate


def test_probe_reads_the_header(tmp_path: Path) -> None:
    file = write(tmp_path / "a.flac", np.stack([tone(22050)] * 2, axis=1), 22050)
    info = probe(file)
    assert info == load(file).original
    assert (info.duration, info.sampling_rate, info.channels, info.encoding) == (0.5, 22050, 2, "FLAC/PCM_16")


def test_hash_knows_the_sound_not_the_container(tmp_path: Path) -> None:
    samples = (tone(SAMPLING_RATE) * 32767).astype(np.int16)
    wav, flac = write(tmp_path / "a.wav", samples), write(tmp_path / "b.flac", samples)
    other = samples.copy()
    other[100] += 1
    assert content_hash(load(wav)) == content_hash(load(flac))
    assert content_hash(load(wav)) != content_hash(load(write(tmp_path / "c.wav", other)))


def damaged(folder: Path, kind: str) -> Path:
    """One file of each kind that a corpus on a shared drive collects."""
    whole = write(folder / "whole.wav", tone(SAMPLING_RATE))
    match kind:
        case "missing":
            return folder / "missing.wav"
        case "folder":
            return folder
        case "0 bytes":
            (folder / "empty.wav").touch()
            return folder / "empty.wav"
        case "text":
            (folder / "text.wav").write_text("no sound in here " * 50)
            return folder / "text.wav"
        case "headerless":
            (folder / "x.raw").write_bytes(b"\x00\x01" * 500)
            return folder / "x.raw"
        case "no samples":
            return write(folder / "none.wav", np.zeros(0))
        case "NaN":
            return write(folder / "nan.wav", np.array([0.1, np.nan, 0.2, np.inf]), subtype="FLOAT")
        case "integers":
            return write(folder / "int.wav", tone(SAMPLING_RATE) * 32767, subtype="FLOAT")
        case "cut wav":
            (folder / "cut.wav").write_bytes(whole.read_bytes()[:9000])
            return folder / "cut.wav"
        case _:
            flac = write(folder / "whole.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 20_000))
            (folder / "cut.flac").write_bytes(flac.read_bytes()[:20_000])
            return folder / "cut.flac"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("missing", "does not exist"),
        ("folder", "is a folder"),
        ("0 bytes", "empty file"),
        ("text", "not an audio file"),
        ("headerless", "not an audio file"),
        ("no samples", "without a single sample"),
        ("NaN", "2 samples that are not numbers"),
        ("integers", "integers were stored as floats"),
        ("cut wav", "damaged or cut off"),
        ("cut flac", "damaged or cut off"),
    ],
)
def test_damaged_files_are_refused_in_words(tmp_path: Path, kind: str, sentence: str) -> None:
    file = damaged(tmp_path, kind)
    with pytest.raises(DataError, match=sentence) as caught:
        load(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("kind", ["missing", "folder", "0 bytes", "text", "headerless"])
def test_probe_refuses_what_has_no_header(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError):
        probe(damaged(tmp_path, kind))


def test_streamed_wav_with_placeholder_length_is_read(tmp_path: Path) -> None:
    file = tmp_path / "streamed.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLING_RATE)
        out.writeframes((tone(SAMPLING_RATE) * 32767).astype("<i2").tobytes())
    content = bytearray(file.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    file.write_bytes(content)
    assert len(load(file).signal) == SAMPLING_RATE // 2
    assert not math.isnan(probe(file).duration)


def test_a_file_that_resampling_leaves_nothing_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="shorter than one sample"):
        load(write(tmp_path / "click.wav", np.array([0.1]), 44100))


@settings(max_examples=25, deadline=None)
@given(
    samples=st.lists(st.floats(-4, 4, width=32), min_size=4, max_size=200),
    rate=st.sampled_from([8000, 16000, 44100]),
    channels=st.integers(1, 3),
)
def test_whatever_comes_in_goes_out_in_range(
    tmp_path_factory: pytest.TempPathFactory, samples: list[float], rate: int, channels: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.wav"
    write(file, np.stack([np.array(samples)] * channels, axis=1), rate, "FLOAT")
    signal = load(file).signal
    assert signal.ndim == 1
    assert np.isfinite(signal).all()
    assert signal.min() >= -1
    assert signal.max() <= MAXIMUM
