"""The kinds of frame-level input that a model can ask for, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msfl import audio
from msfl.audio import SAMPLING_RATE
from msfl.errors import UsageError, nearest
from msfl.sequences import log_mel

Frames = NDArray[np.float32]
FEATURES = "features"
"""The input that is no sequence: one row of utterance-level features."""


@dataclass(frozen=True)
class SequenceKind:
    """One kind of frame-level input.

    Attributes:
        name: Name, as in `System.inputs`, and name of the network's input.
        title: What it is, in words.
        width: Values F per frame.
        rate: Frames per second.
        stored: What the cache stores a value as.
        unit: Size of one step of an integer store, in the values' unit; 1 for floats.
        how: Everything besides the recording and the audio door that decides about the values.
        compute: Signal (n,) at 16 kHz -> frames (T, F), T at least one.
    """

    name: str
    title: str
    width: int
    rate: float
    stored: str
    unit: float
    how: Callable[[], str]
    compute: Callable[[NDArray[np.float32]], Frames]


_smiles = local()


def _lld(signal: NDArray[np.float32]) -> Frames:
    """Return the low-level descriptors of eGeMAPSv02; a thread has its own openSMILE."""
    if not hasattr(_smiles, "egemaps"):
        _smiles.egemaps = _smile()
    return np.asarray(_smiles.egemaps.process_signal(signal, SAMPLING_RATE), dtype=np.float32)


def _smile() -> Any:
    from msfl.features.sets import smile

    return smile("eGeMAPSv02", level="LowLevelDescriptors")


def _lld_how() -> str:
    from msfl.features.sets import opensmile_version

    return f"egemaps-lld/eGeMAPSv02/opensmile-{opensmile_version()}"


def _wave(signal: NDArray[np.float32]) -> Frames:
    return signal[:, None]


KINDS = {
    kind.name: kind
    for kind in (
        SequenceKind(
            "log-mel",
            "log-mel spectrogram: 64 bands, frames of 25 ms every 10 ms",
            log_mel.BANDS,
            SAMPLING_RATE / log_mel.HOP,
            "<f2",
            1.0,
            lambda: log_mel.OPTIONS,
            log_mel.log_mel,
        ),
        SequenceKind(
            "egemaps-lld",
            "25 low-level descriptors of eGeMAPS every 10 ms",
            25,
            100.0,
            "<f4",
            1.0,
            _lld_how,
            _lld,
        ),
        SequenceKind(
            "wave",
            "raw wave, 16 kHz",
            1,
            float(SAMPLING_RATE),
            "<i2",
            1 / 32768,
            lambda: "wave/1",
            _wave,
        ),
    )
}


def sequence_kind(name: str) -> SequenceKind:
    """Return a kind of input.

    Raises:
        UsageError: There is none of this name.
    """
    if name not in KINDS:
        raise UsageError(
            f"There is no input '{name}'.{nearest(name, list(KINDS))} There are {FEATURES}, {', '.join(KINDS)}."
        )
    return KINDS[name]


def title_of(name: str) -> str:
    """Return an input in words."""
    return "utterance-level features" if name == FEATURES else sequence_kind(name).title


@cache
def cache_options(kind: SequenceKind) -> str:
    """Return what the key of a cached sequence depends on, besides the recording."""
    resampler, decoder = version("audresample"), version("soundfile")
    return f"{kind.how()}/{audio.OPTIONS}/audresample-{resampler}/soundfile-{decoder}"
