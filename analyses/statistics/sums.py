"""Sufficient statistics: what effect sizes need to know of the recordings, per speaker and emotion.

A resample of speakers then costs one small matrix product for all features, and no recording is looked at twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """Counts, sums and sums of squares of the recordings of one language.

    Attributes:
        speakers: The S speakers.
        emotions: The K emotions.
        n: Number of recordings, shape (S, K).
        total: Sum of the values, shape (S, K, D).
        square: Sum of their squares, shape (S, K, D).
    """

    speakers: tuple[str, ...]
    emotions: tuple[str, ...]
    n: Floats
    total: Floats
    square: Floats

    def columns(self, part: slice) -> Sums:
        """Return the sums of some of the features."""
        return Sums(self.speakers, self.emotions, self.n, self.total[:, :, part], self.square[:, :, part])

    def speaking(self, *emotions: int) -> int:
        """Return how many speakers have at least one recording of one of these emotions."""
        return int((self.n[:, list(emotions)].sum(axis=1) > 0).sum())


def speaker_sums(values: NDArray[np.float32], speaker: pd.Series, emotion: pd.Series) -> Sums:
    """Sum up recordings per speaker and emotion.

    Args:
        values: Features, shape (n, D); of magnitude around one (z-scores), so that squares lose no digits.
        speaker: Speaker of each recording, shape (n,).
        emotion: Emotion of each recording, shape (n,); none missing.
    """
    who, speakers = pd.factorize(speaker, sort=True)
    what, emotions = pd.factorize(emotion, sort=True)
    shape = (len(speakers), len(emotions))
    cell = who * shape[1] + what
    total = np.zeros((shape[0] * shape[1], values.shape[1]))
    square = np.zeros_like(total)
    for one in np.unique(cell):
        rows = values[cell == one].astype(np.float64)
        total[one], square[one] = rows.sum(axis=0), np.square(rows).sum(axis=0)
    return Sums(
        tuple(map(str, speakers)),
        tuple(map(str, emotions)),
        np.bincount(cell, minlength=len(total)).reshape(shape).astype(float),
        total.reshape(*shape, -1),
        square.reshape(*shape, -1),
    )
