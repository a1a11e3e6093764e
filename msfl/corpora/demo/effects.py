"""What espeak-ng has no parameter for: vocal tract length, jitter, shimmer, spectral tilt, level, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

SAMPLING_RATE = 16000
_OVERSAMPLING = 4


def warp(
    signal: NDArray[np.floating], sampling_rate: int, *, tract: float, jitter: float, period: float,
    rng: np.random.Generator,
) -> Signal:  # fmt: skip
    """Resample to 16 kHz on a time axis that runs `tract` times as fast and trembles from cycle to cycle.

    Reading faster raises formants, pitch and rate together; the caller lowers the pitch and the rate of the
    synthesis by the same factor, so that only the formants stay raised. The tremble is one random step per
    period: successive cycles differ in length, which is what jitter is.

    Args:
        signal: Samples, shape (n,).
        sampling_rate: Its sampling rate, Hz.
        tract: Factor on the formant frequencies.
        jitter: Standard deviation of the length of a cycle, as a fraction of the period.
        period: Mean length of a cycle in seconds.
        rng: Source of the random steps.

    Returns:
        Samples at 16 kHz, shape (about n / tract * 16000 / sampling_rate,).
    """
    from math import gcd

    from scipy.signal import resample_poly

    divisor = gcd(SAMPLING_RATE, sampling_rate)
    down = resample_poly(signal.astype(np.float64), SAMPLING_RATE // divisor, sampling_rate // divisor)
    fine = resample_poly(down, _OVERSAMPLING, 1)
    count = int(len(down) / tract)
    cycle = (np.arange(count) / (period * SAMPLING_RATE)).astype(np.int64)
    steps = np.clip(rng.standard_normal(int(cycle[-1]) + 1), -2.5, 2.5) * jitter
    position = np.cumsum(tract * (1 + steps[cycle])) * _OVERSAMPLING
    return np.asarray(np.interp(position, np.arange(len(fine)), fine, right=0.0), dtype=np.float64)


def shimmer(signal: Signal, *, amount: float, period: float, rng: np.random.Generator) -> Signal:
    """Let the amplitude tremble from cycle to cycle with the standard deviation `amount` (a fraction)."""
    cycles = np.arange(len(signal)) / (period * SAMPLING_RATE)
    gains = 1 + amount * np.clip(rng.standard_normal(int(cycles[-1]) + 2), -2.5, 2.5)
    return signal * np.interp(cycles, np.arange(len(gains)), gains)


def tilt(signal: Signal, *, gain: float, corner: float = 1000.0) -> Signal:
    """Raise (dB > 0: bright) or lower (dark) what is above `corner` Hz by a first-order shelf."""
    from scipy.signal import bilinear, lfilter

    root = 10 ** (gain / 40)
    omega = 2 * np.pi * corner
    numerator, denominator = bilinear([root / omega, 1.0], [1.0 / (root * omega), 1.0], fs=SAMPLING_RATE)
    return np.asarray(lfilter(numerator, denominator, signal), dtype=np.float64)


def loudness_level(signal: Signal) -> float:
    """Return the level in dB of the steady sound that is as loud on average as the signal.

    Loudness of a frame of 25 ms is its intensity to the power .3 (the approximation of openSMILE's
    `cIntensity`), so two signals of one level have one mean loudness whatever their spectra are.
    """
    size = SAMPLING_RATE // 40
    frames = signal[: len(signal) // size * size].reshape(-1, size)
    intensity = np.mean(frames**2, axis=1)
    return float(10 / 0.3 * np.log10(np.mean(intensity**0.3) + 1e-12))


def set_level(signal: Signal, *, level: float, ceiling: float = 0.95) -> Signal:
    """Scale to a loudness level in dB; a peak above `ceiling` is scaled down instead of being clipped."""
    scaled = signal * 10 ** ((level - loudness_level(signal)) / 20)
    return scaled * min(1.0, ceiling / float(np.max(np.abs(scaled))))


def trim(signal: Signal, *, threshold: float = 1e-3, margin: float = 0.1) -> Signal:
    """Cut silence off both ends and put `margin` seconds of it back: the duration is that of the speech."""
    loud = np.flatnonzero(np.abs(signal) > threshold * np.max(np.abs(signal)))
    return np.pad(signal[loud[0] : loud[-1] + 1], int(margin * SAMPLING_RATE))


def room_noise(signal: Signal, *, level: float, rng: np.random.Generator) -> Signal:
    """Add white noise of `level` dB: the logarithm of digital silence would rule the features."""
    return signal + 10 ** (level / 20) * rng.standard_normal(len(signal))
