"""What the sound process computes: the picture of a recording, and its contours. The server never imports this."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.sound.content import Contour, Picture
from dashboard.sound.levels import LEVELS, Level
from msfl.audio import SAMPLING_RATE, Sound, load
from msfl.errors import DataError

LONGEST = 120.0
"""Seconds; longer recordings are played, not drawn."""
COLUMNS, ROWS = 400, 128
"""Largest size of a spectrogram in pixels."""
WAVE = 600
"""Points of a waveform."""
RANGE_DB = 60.0
"""A pixel this far below the loudest one is white."""
STEP = 0.01
"""Seconds from one frame to the next, in all sets."""
_WINDOW = (
    0.02  # seconds: between wide-band, which shows the pulses of the voice, and narrow-band, its harmonics
)
_TRANSFORM = 1024


def picture(file: str) -> Picture:
    """Return waveform and spectrogram of a recording.

    Raises:
        DataError: The recording cannot be decoded, or is longer than `LONGEST`.
    """
    sound = _sound(file, Path(file).stat().st_mtime_ns)
    low, high = _envelope(sound.signal)
    return Picture(sound.duration, SAMPLING_RATE / 2, low, high, spectrogram(sound.signal))


def contours(file: str, configuration: str, names: tuple[str, ...]) -> dict[str, Contour]:
    """Return contours of a recording, as openSMILE's functionals see them; names that a set lacks are left out.

    Args:
        file: The recording.
        configuration: Key of `dashboard.sound.levels.LEVELS`.
        names: openSMILE names, such as ``F0final_sma``.

    Raises:
        DataError: The recording cannot be decoded, or is longer than `LONGEST`.
    """
    sound = _sound(file, Path(file).stat().st_mtime_ns)
    found: dict[str, Contour] = {}
    for level in LEVELS.get(configuration, ()):
        here = [name for name in names if name in _columns(configuration, level.name) and name not in found]
        if here:
            found |= _contours(sound, configuration, level, here)
    return found


def spectrogram(signal: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the spectrogram, uint8 (rows, columns): 255 the loudest pixel, 0 what is 60 dB or more below it.

    The highest frequency is the first row. Before the transform, high frequencies are raised by 6 dB per octave,
    as phoneticians are used to.
    """
    size = int(_WINDOW * SAMPLING_RATE)
    raised = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
    raised = np.pad(raised, (size // 2, size))
    columns = min(COLUMNS, max(1, 2 * len(signal) // size))
    starts = np.linspace(0, max(0, len(signal) - 1), columns).astype(int)
    frames = raised[starts[:, None] + np.arange(size)] * np.hanning(size).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, _TRANSFORM))[:, : _TRANSFORM // 2] ** 2
    bands = power.reshape(columns, ROWS, -1).mean(axis=2)
    decibels = 10 * np.log10(bands + 1e-12)
    shares = (decibels - decibels.max() + RANGE_DB) / RANGE_DB
    image: NDArray[np.uint8] = (255 * np.clip(shares, 0, 1)).astype(np.uint8).T[::-1]
    return image


def _envelope(signal: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the lowest and the highest sample in each of at most `WAVE` pieces."""
    edges = np.unique(np.linspace(0, len(signal), WAVE + 1).astype(int))[:-1]
    return np.minimum.reduceat(signal, edges), np.maximum.reduceat(signal, edges)


@lru_cache(maxsize=8)
def _sound(file: str, changed: int) -> Sound:
    sound = load(file)
    if sound.duration > LONGEST:
        raise DataError(f"The recording lasts {sound.duration:.0f} s; up to {LONGEST:.0f} s are drawn.")
    return sound


@lru_cache(maxsize=64)
def _extractor(configuration: str, level: str) -> Any:
    """Return openSMILE with the output of one level of a shipped configuration."""
    from msfl.features.sets import load_opensmile

    opensmile = load_opensmile()
    root = Path(str(opensmile.__file__)).parent / "core" / "config"
    file = root / f"{opensmile.FeatureSet[configuration].value}.conf"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return opensmile.Smile(feature_set=str(file), feature_level=level)


@lru_cache(maxsize=64)
def _columns(configuration: str, level: str) -> frozenset[str]:
    return frozenset(_extractor(configuration, level).feature_names)


def _contours(sound: Sound, configuration: str, level: Level, names: list[str]) -> dict[str, Contour]:
    with warnings.catch_warnings():  # "Segment too short": the table is then one row of NaN
        warnings.simplefilter("ignore")
        table = _extractor(configuration, level.name).process_signal(sound.signal, SAMPLING_RATE)
    times = _middles(table)
    found = {}
    for name in names:
        values = table[name].to_numpy(dtype=np.float32)
        counted = np.isfinite(values)
        counted[len(values) - min(level.unseen, len(values)) :] = False
        if level.nonzero:
            counted &= values != 0
        found[name] = Contour(name, times, values, counted, level.nonzero)
    return found


def _middles(table: Any) -> NDArray[np.float32]:
    """Return the middle of each frame in seconds: from the second frame, as the package overwrites the outer times."""
    second = min(1, len(table) - 1)
    start, end = (table.index.get_level_values(side)[second].total_seconds() for side in ("start", "end"))
    middles: NDArray[np.float32] = ((start + end) / 2 + STEP * (np.arange(len(table)) - second)).astype(
        np.float32
    )
    return middles
