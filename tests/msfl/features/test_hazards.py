"""What goes wrong with plain openSMILE, and that it does not go wrong here (docs/features.md, "Hazards").

Where plain `opensmile.Smile` shows the hazard, the test shows it first: it fails when a new version of the
package makes our guard pointless.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import opensmile
import pandas as pd
import pytest
import soundfile
from numpy.typing import NDArray

import msfl as package
from msfl.features.extraction import extract
from msfl.features.normalisation import Scaler
from msfl.features.sets import feature_names, smile

SET = "eGeMAPSv02"
LOUDNESS = "loudness_sma3_amean"
Tabulate = Callable[[list[Path]], pd.DataFrame]
Voice = Callable[..., NDArray[np.float64]]


@pytest.fixture(scope="module")
def plain() -> opensmile.Smile:
    return opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)


def ours(files: list[Path], tabulate: Tabulate, cache: Path, name: str = SET) -> pd.DataFrame:
    result = extract(tabulate(files), name, cache=cache, progress=False)
    assert result.failures.empty
    return result.features


def test_a_full_scale_does_not_wrap(
    tmp_path: Path, tabulate: Tabulate, voice: Voice, plain: opensmile.Smile
) -> None:
    clipped = np.clip(voice(level=2.0), -1, 1)
    wrapped, safe = tmp_path / "wrapped.wav", tmp_path / "safe.wav"
    soundfile.write(wrapped, clipped, 16000, subtype="FLOAT")
    soundfile.write(safe, np.minimum(clipped, 32767 / 32768), 16000, subtype="FLOAT")
    hazard = plain.process_files([str(wrapped), str(safe)])[LOUDNESS]
    assert hazard.iloc[0] > 1.05 * hazard.iloc[1]
    features = ours([wrapped, safe], tabulate, tmp_path)
    np.testing.assert_array_equal(features.iloc[0], features.iloc[1])


def test_b_both_channels_count(
    tmp_path: Path, tabulate: Tabulate, voice: Voice, plain: opensmile.Smile
) -> None:
    left, right = voice(110, level=0.05), voice(220, level=0.5)
    stereo, first, mean = (tmp_path / f"{name}.wav" for name in ("stereo", "first", "mean"))
    soundfile.write(stereo, np.stack([left, right], axis=1), 16000, subtype="FLOAT")
    soundfile.write(first, left, 16000, subtype="FLOAT")
    soundfile.write(mean, (left + right) / 2, 16000, subtype="FLOAT")
    hazard = plain.process_files([str(stereo), str(first)])
    np.testing.assert_allclose(hazard.iloc[0], hazard.iloc[1], rtol=1e-3, atol=1e-3)
    features = ours([stereo, first, mean], tabulate, tmp_path)
    np.testing.assert_allclose(features.iloc[0], features.iloc[2], rtol=0.01, atol=0.01)
    assert features[LOUDNESS].iloc[0] > 1.5 * features[LOUDNESS].iloc[1]


def test_c_the_sampling_rate_leaves_no_trace(
    tmp_path: Path, tabulate: Tabulate, voice: Voice, plain: opensmile.Smile
) -> None:
    files = [tmp_path / f"{rate}.wav" for rate in (16000, 22050, 48000)]
    for file in files:
        soundfile.write(file, voice(150, rate=int(file.stem), seconds=1.0), int(file.stem), subtype="FLOAT")
    hazard = plain.process_files([str(file) for file in files])[LOUDNESS]
    assert abs(hazard.iloc[2] / hazard.iloc[0] - 1) > 0.15
    features = ours(files, tabulate, tmp_path)
    for column in (LOUDNESS, "F0semitoneFrom27.5Hz_sma3nz_amean", "mfcc1_sma3_amean"):
        assert features[column].max() - features[column].min() < 0.02 * abs(features[column].mean())


def test_d_nothing_is_measured_where_nothing_can_be(
    tmp_path: Path, tabulate: Tabulate, voice: Voice, plain: opensmile.Smile
) -> None:
    good, short, silent, constant = (
        tmp_path / f"{name}.wav" for name in ("good", "short", "silent", "constant")
    )
    soundfile.write(good, voice(), 16000)
    soundfile.write(short, voice(seconds=0.05), 16000)
    soundfile.write(silent, np.zeros(8000), 16000)
    soundfile.write(constant, np.full(8000, 0.25), 16000)
    assert np.isfinite(plain.process_files([str(silent)]).to_numpy()).all()  # without a warning
    result = extract(tabulate([short, good, silent, constant]), "IS10", cache=tmp_path, progress=False)
    assert list(result.features.index) == ["made/good"]
    assert list(result.failures["utterance"]) == ["made/short", "made/silent", "made/constant"]
    reasons = result.failures["reason"]
    assert "too short (0.050 s)" in reasons[0]
    assert reasons[1:].str.contains("digital silence").all()


@pytest.mark.parametrize("name", ["IS09", "IS10", "IS13", "eGeMAPSv02"])
def test_d_the_shortest_recording_allowed_has_a_value_for_every_feature(
    tmp_path: Path, tabulate: Tabulate, voice: Voice, name: str
) -> None:
    soundfile.write(tmp_path / "a.wav", voice(seconds=0.07), 16000)
    features = ours([tmp_path / "a.wav"], tabulate, tmp_path, name)
    assert features.shape == (1, len(feature_names(name)))
    assert np.isfinite(features.to_numpy()).all()


def test_e_one_corrupt_file_does_not_stop_the_batch(
    recordings: pd.DataFrame, tmp_path: Path, plain: opensmile.Smile
) -> None:
    Path(recordings["file"].iloc[2]).write_bytes(b"RIFF but no sound")
    Path(recordings["file"].iloc[4]).unlink()
    with pytest.raises((RuntimeError, OSError)):
        plain.process_files(list(recordings["file"]))
    result = extract(recordings, SET, cache=tmp_path, progress=False)
    assert list(result.features.index) == [f"made/u{number}" for number in (0, 1, 3, 5)]
    assert list(result.failures["utterance"]) == ["made/u2", "made/u4"]
    assert list(result.failures["file"]) == list(recordings["file"].iloc[[2, 4]])
    assert "not an audio file" in result.failures["reason"][0]
    assert "does not exist" in result.failures["reason"][1]
    assert result.extracted == 4


def test_f_a_replaced_recording_is_noticed(recordings: pd.DataFrame, tmp_path: Path, voice: Voice) -> None:
    before = extract(recordings, SET, cache=tmp_path, progress=False)
    file = Path(recordings["file"].iloc[0])
    stamp = file.stat()
    soundfile.write(file, voice(300.0), 16000)
    assert file.stat().st_size == stamp.st_size
    times = (stamp.st_atime_ns, stamp.st_mtime_ns)
    os.utime(file, ns=times)  # same path, size and date: only the content tells
    after = extract(recordings, SET, cache=tmp_path, progress=False)
    assert (after.extracted, after.cached) == (1, 5)
    assert not np.allclose(before.features.iloc[0], after.features.iloc[0])
    np.testing.assert_array_equal(before.features.iloc[1:], after.features.iloc[1:])
    assert after.hashes.iloc[0] != before.hashes.iloc[0]


def test_f_another_set_gives_its_own_columns(recordings: pd.DataFrame, tmp_path: Path) -> None:
    extract(recordings, SET, cache=tmp_path, progress=False)
    other = extract(recordings, "GeMAPSv01b", cache=tmp_path, progress=False)
    assert other.extracted == len(recordings)
    assert tuple(other.features.columns) == feature_names("GeMAPSv01b")
    np.testing.assert_array_equal(
        other.features, extract(recordings, "GeMAPSv01b", cache=tmp_path / "new", progress=False).features
    )


def test_g_constant_features_become_zero(recordings: pd.DataFrame, tmp_path: Path) -> None:
    features = extract(recordings, SET, cache=tmp_path, progress=False).features
    features["constant"] = np.float32(0.1)
    features["rounding"] = (1e4 + np.float32(1e-3) * np.arange(6)).astype(np.float32)
    scaled = Scaler("train").fit(features, recordings).transform(features, recordings)
    assert np.isfinite(scaled).all()
    np.testing.assert_array_equal(scaled[:, -2:], 0)
    assert np.abs(scaled[:, :-2]).max() > 1


AFTER_TENSORFLOW = """
import sys, tensorflow, numpy as np
from msfl.features.sets import smile
signal = np.load(sys.argv[1])
np.save(sys.argv[2], [smile(name).process_signal(signal, 16000).to_numpy()[0, :88] for name in sys.argv[3:]])
"""


def test_h_tensorflow_imported_first_changes_nothing(tmp_path: Path, voice: Voice) -> None:
    """In a process of its own, since the test session has loaded openSMILE first (tests/conftest.py)."""
    names = (SET, "IS09", "IS10")
    np.save(tmp_path / "signal.npy", voice(seconds=2.0).astype(np.float32))
    command = [sys.executable, "-c", AFTER_TENSORFLOW, "signal.npy", "after.npy", *names]
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    signal = np.load(tmp_path / "signal.npy")
    expected = [smile(name).process_signal(signal, 16000).to_numpy()[0, :88] for name in names]
    np.testing.assert_array_equal(np.load(tmp_path / "after.npy"), expected)
