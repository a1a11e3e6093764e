"""Log-mel spectrogram: the level of each of 64 mel bands in frames of 25 ms, every 10 ms."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from msfl.audio import SAMPLING_RATE

BANDS = 64
WINDOW, HOP = 400, 160
"""Samples of a frame (25 ms) and from one frame to the next (10 ms)."""
LOWEST, HIGHEST = 50.0, 8000.0
"""Frequencies of the outermost bands' edges, in Hz."""
_FFT = 512
_FLOOR = 1e-8
"""Added to the energies: about the rounding of 16-bit samples."""
_BLOCK = 4096
"""Frames whose spectra are in memory at once, some 60 MB: recordings of hours fit."""
OPTIONS = f"log-mel/{BANDS}/{WINDOW}/{HOP}/{LOWEST:g}-{HIGHEST:g}/{_FFT}/hann/{_FLOOR:g}/1"
"""Key of the cache: change it whenever `log_mel` gives other values."""


def log_mel(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log-mel spectrogram of a 16 kHz signal.

    Args:
        signal: Samples, shape (n,); fewer than a frame are padded with zeros.

    Returns:
        Natural logarithm of the energies, float32, shape (1 + (n - 400) // 160, 64).
    """
    padded = np.pad(signal, (0, max(0, WINDOW - len(signal))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    levels = np.empty((len(frames), BANDS), np.float32)
    window = np.hanning(WINDOW + 1)[:-1]
    for start in range(0, len(frames), _BLOCK):
        power = np.abs(np.fft.rfft(frames[start : start + _BLOCK] * window, _FFT)) ** 2 / WINDOW
        levels[start : start + _BLOCK] = np.log(power @ mel_filters() + _FLOOR)
    return levels


@lru_cache(maxsize=1)
def mel_filters() -> NDArray[np.float64]:
    """Return triangular filters of peak one, evenly spaced in mel, shape (257, 64).

    The mel scale is 2595 log10(1 + f / 700) (O'Shaughnessy, Speech Communication, 1987).
    """
    edges = 700 * (10 ** (np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS + 2) / 2595) - 1)
    frequencies = np.arange(_FFT // 2 + 1)[:, None] * SAMPLING_RATE / _FFT
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))


def _mel(frequency: float) -> float:
    return float(2595 * np.log10(1 + frequency / 700))
