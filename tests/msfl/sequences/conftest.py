"""Recordings, and tables of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.typing import NDArray

RATE = 16000


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Write a recording of noise, or of samples given; return its file."""

    def write(name: str, seconds: float = 0.5, samples: NDArray[np.float64] | None = None) -> Path:
        if samples is None:
            seed = int.from_bytes(name.encode(), "little") % 2**32
            samples = np.random.default_rng(seed).normal(0, 0.1, max(1, round(seconds * RATE)))
        soundfile.write(tmp_path / name, samples, RATE)
        return tmp_path / name

    return write


@pytest.fixture
def table() -> Callable[..., pd.DataFrame]:
    """Return the utterance table of some files."""

    def make(*files: Path | str, speakers: tuple[str, ...] = ("x/s",)) -> pd.DataFrame:
        names = [f"x/{Path(file).stem}" for file in files]
        owners = [speakers[place % len(speakers)] for place in range(len(files))]
        return pd.DataFrame(
            {"file": [str(file) for file in files], "corpus": "x", "speaker": owners, "language": "de"},
            index=pd.Index(names, name="utterance"),
        )

    return make
