"""What the sound process sends to the server."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """A recording to look at.

    Attributes:
        duration: Seconds.
        highest: Upper edge of the spectrogram in Hz.
        low, high: Lowest and highest sample in equal pieces of the recording, float32 (pieces,).
        spectrogram: uint8 (rows, columns), at most 128 x 400; the first row is the highest frequency.
    """

    duration: float
    highest: float
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    spectrogram: NDArray[np.uint8]


@dataclass(frozen=True)
class Contour:
    """A low-level descriptor over time.

    Attributes:
        name: openSMILE's name.
        times: Middle of each frame in seconds, float32 (n,).
        values: float32 (n,).
        counted: Whether the functionals count a frame, bool (n,).
        nonzero: Whether zeros stand for "not there" (no pitch) and are not counted.
    """

    name: str
    times: NDArray[np.float32]
    values: NDArray[np.float32]
    counted: NDArray[np.bool_]
    nonzero: bool
