"""Speech-like sound made on the spot, and utterance tables over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.typing import NDArray

Voice = Callable[..., NDArray[np.float64]]


def _voice(
    pitch: float = 120.0, rate: int = 16000, seconds: float = 0.4, level: float = 0.3
) -> NDArray[np.float64]:
    """A buzz with vibrato below 6 kHz: the same band-limited sound at any rate above 12 kHz."""
    time = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * (pitch * time + 0.5 * np.sin(2 * np.pi * 5 * time))
    harmonics = range(1, int(6000 / (pitch + 16)))
    sound = np.sum([np.cos(k * phase) / k for k in harmonics], axis=0)
    envelope = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * time)
    return np.asarray(level * envelope * sound / np.abs(sound).max())


@pytest.fixture(scope="session")
def voice() -> Voice:
    return _voice


@pytest.fixture
def recordings(tmp_path: Path) -> pd.DataFrame:
    """Utterance table of six short recordings."""
    folder = tmp_path / "wav"
    folder.mkdir()
    files = [folder / f"u{number}.wav" for number in range(6)]
    for number, file in enumerate(files):
        soundfile.write(file, _voice(100 + 20 * number), 16000)
    return table_of(files)


def table_of(files: list[Path]) -> pd.DataFrame:
    index = pd.Index([f"made/{file.stem}" for file in files], name="utterance", dtype="string")
    return pd.DataFrame(
        {"file": [str(file) for file in files], "corpus": "made", "speaker": "made/a"}, index=index
    ).astype("string")


@pytest.fixture(scope="session")
def tabulate() -> Callable[[list[Path]], pd.DataFrame]:
    return table_of
