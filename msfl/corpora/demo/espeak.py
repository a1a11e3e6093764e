"""The voice of the demo corpus: libespeak-ng from the wheel `espeakng-loader`, through its C interface.

Nothing is loaded when this module is imported; espeak-ng is GPL-3.0 and comes as an optional extra.
"""

from __future__ import annotations

import _ctypes
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, current_thread, main_thread
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msfl.errors import DataError, UsageError

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples go to the callback before espeak_Synth returns
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: an error code instead of ending the process
_UTF8 = 1  # espeakCHARS_UTF8
_PARAMETERS = {"rate": 1, "volume": 2, "pitch": 3, "pitch_range": 4}
_NOISE_SEED = 1
_LONGEST_PATH = 140  # espeak-ng cuts its data path at 160 bytes, file names included, and reports success

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_LOCK = Lock()


def speak(
    text: str, *, voice: str, rate: int, pitch: int, pitch_range: int, volume: int = 50
) -> tuple[NDArray[np.float32], int]:
    """Speak a sentence; the same arguments give the same samples, whatever was spoken before.

    Args:
        text: The sentence.
        voice: A voice and a variant, ``de+f2``.
        rate: Words per minute, 80 to 450.
        pitch: Base pitch, 0 to 99: an octave per 50 steps, 50 is the variant's own.
        pitch_range: Range of the pitch, 0 to 99, 0 is monotone.
        volume: 0 to 200; above 60 some Mandarin sounds are clipped inside espeak-ng.

    Returns:
        Samples in [-1, 1), shape (n,), and the sampling rate in Hz.

    Raises:
        UsageError: The wheel `espeakng-loader` is missing or cannot be used here.
        DataError: espeak-ng does not know the voice, or says nothing.
    """
    chunks: list[NDArray[np.int16]] = []

    def collect(samples: Any, count: int, _events: int | None) -> int:
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = _Callback(collect)  # a name of its own: espeak-ng keeps only the pointer

    with _LOCK, _unbroken(), _fresh_library() as (library, sampling_rate):
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise DataError(f"espeak-ng has no voice '{voice}': reinstall it with pip install 'msfl[demo]'.")
        values = {"rate": rate, "volume": volume, "pitch": pitch, "pitch_range": pitch_range}
        for name, value in values.items():
            library.espeak_SetParameter(_PARAMETERS[name], value, 0)
        raw = text.encode() + b"\0"
        library.espeak_Synth(raw, ctypes.c_size_t(len(raw)), 0, 1, 0, _UTF8, None, None)
        library.espeak_Synchronize()
    if not chunks:
        raise DataError(f"espeak-ng said nothing for '{text}' with the voice '{voice}'.")
    return np.concatenate(chunks).astype(np.float32) / np.float32(32768), sampling_rate


@contextmanager
def _unbroken() -> Iterator[None]:
    """Hold Ctrl-C back until the sentence is spoken.

    Python prints an exception in a callback from C and goes on: Ctrl-C would be lost, and a piece of the
    sentence with it.
    """
    before = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or not callable(before):
        yield
        return
    pressed: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        before(*pressed[0])


def _locate() -> tuple[str, str]:
    """Return the paths of the library and of its data folder."""
    try:
        import espeakng_loader
    except ImportError:
        raise UsageError(
            "The demo corpus is spoken by espeak-ng, which is not installed: pip install 'msfl[demo]'."
        ) from None
    library = Path(espeakng_loader.get_library_path())
    data = library.parent / "espeak-ng-data"
    if not library.exists() or not data.is_dir():
        raise UsageError(
            f"The wheel espeakng-loader is damaged ('{library}' or its data is missing): "
            "pip install --force-reinstall espeakng-loader."
        )
    return str(library), str(data)


@contextmanager
def _short_path(data: str) -> Iterator[bytes]:
    """Give the data folder a path that espeak-ng can hold: a temporary link where its own is too long."""
    if len(os.fsencode(data)) <= _LONGEST_PATH:
        yield os.fsencode(data)
        return
    with TemporaryDirectory(prefix="msfl") as folder:
        link = Path(folder) / "espeak-ng-data"
        try:
            link.symlink_to(data, target_is_directory=True)
        except OSError:
            raise UsageError(
                f"espeak-ng cannot read its data in '{data}': the path is too long for it. Install msfl in a "
                "virtual environment with a shorter path."
            ) from None
        yield os.fsencode(link)


@contextmanager
def _fresh_library() -> Iterator[tuple[ctypes.CDLL, int]]:
    """Load the library anew and unload it afterwards.

    espeak-ng keeps static state between utterances (phase of the pitch flutter, noise, phase of the voice),
    which `espeak_Initialize` does not reset: a sentence would depend on what was spoken before. Loading costs
    about 5 ms.
    """
    path, data = _locate()
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise UsageError(
            f"espeak-ng cannot be loaded on this machine ({error}): install another version with "
            "pip install --force-reinstall espeakng-loader."
        ) from None
    try:
        with _short_path(data) as folder:
            sampling_rate = int(library.espeak_Initialize(_SYNCHRONOUS, 0, folder, _DONT_EXIT))
            if sampling_rate <= 0:
                raise UsageError(
                    f"espeak-ng cannot read its data in '{data}': "
                    "pip install --force-reinstall espeakng-loader."
                )
            library.espeak_ng_SetRandSeed(ctypes.c_long(_NOISE_SEED))
            yield library, sampling_rate
            library.espeak_Terminate()
    finally:
        getattr(_ctypes, "FreeLibrary" if sys.platform == "win32" else "dlclose")(library._handle)
