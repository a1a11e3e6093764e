"""The log-mel spectrogram against closed form."""

import numpy as np
import pytest

from msfl.audio import SAMPLING_RATE
from msfl.sequences.log_mel import BANDS, HIGHEST, HOP, LOWEST, WINDOW, log_mel, mel_filters

RNG = np.random.default_rng(0)


def _mel(frequency):
    return 2595 * np.log10(1 + frequency / 700)


def _sine(frequency, seconds=0.5, level=0.3):
    time = np.arange(int(seconds * SAMPLING_RATE)) / SAMPLING_RATE
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


@pytest.mark.parametrize("frequency", [300, 1000, 2500, 6000])
def test_a_sine_is_loudest_in_the_band_with_the_nearest_centre(frequency):
    centres = np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS + 2)[1:-1]
    frames = log_mel(_sine(frequency))
    wanted = np.abs(centres - _mel(frequency)).argmin()
    assert np.abs(frames.argmax(axis=1) - wanted).max() <= 1
    assert (frames.max(axis=1) - np.median(frames, axis=1) > 5).all()


def test_the_level_rises_by_twice_the_logarithm_of_the_gain():
    noise = RNG.normal(0, 0.1, SAMPLING_RATE).astype(np.float32)
    difference = log_mel(3 * noise) - log_mel(noise)
    np.testing.assert_allclose(difference, 2 * np.log(3), atol=1e-3)


@pytest.mark.parametrize("samples", [1, 399, 400, 559, 560, 16000, 700_001])
def test_number_of_frames(samples):
    frames = log_mel(np.zeros(samples, np.float32))
    assert frames.shape == (1 + max(0, samples - WINDOW) // HOP, BANDS)
    assert frames.dtype == np.float32
    np.testing.assert_allclose(frames, np.log(1e-8), rtol=1e-6)  # silence is the floor, not minus infinity


def test_a_frame_depends_on_its_own_samples_only_however_long_the_recording():
    noise = RNG.normal(0, 0.1, 50 * SAMPLING_RATE).astype(np.float32)  # several blocks
    whole = log_mel(noise)
    for place in (0, 1, 4095, 4096, len(whole) - 1):
        alone = log_mel(noise[place * HOP : place * HOP + WINDOW])
        np.testing.assert_allclose(whole[place], alone[0], rtol=1e-5)


def test_filters_are_triangles_that_hand_over_to_their_neighbours():
    filters = mel_filters()
    assert (filters >= 0).all()
    assert (filters.max(axis=0) > 0).all()  # no band is empty: the lowest are narrower than a bin
    edges = 700 * (10 ** (np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS + 2) / 2595) - 1)
    bins = np.arange(len(filters)) * SAMPLING_RATE / 512
    inside = (bins >= edges[1]) & (bins <= edges[-2])
    np.testing.assert_allclose(filters[inside].sum(axis=1), 1, atol=1e-9)
