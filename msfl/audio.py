"""The one door for sound: decode, check, mix down, resample to 16 kHz, clip.

The same speech at another sampling rate, as a stereo file or at full scale gives other openSMILE features
(loudness -28 % between 48 and 16 kHz; channel 0 only; a sample of +1.0 wraps to -32768). The rate would then
be a hidden label of the corpus, and so of the language. Whatever reads a recording comes through `load`.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import audresample
import numpy as np
import soundfile
from numpy.typing import NDArray

from msfl.errors import DataError

SAMPLING_RATE = 16_000
"""Sampling rate of every signal behind the door, in Hz."""

MAXIMUM = np.float32(32767 / 32768)
"""Largest sample: openSMILE takes 16-bit integers, and +1.0 would wrap around to -32768."""

OPTIONS = f"mono-mean/{SAMPLING_RATE}/resample-high/clip-32767/1"
"""What the door does to a signal, as a key for caches: change it whenever `load` gives other samples."""

_BLOCK = 1 << 18  # frames decoded at once: a long multichannel recording is mixed down piece by piece
_INTEGER_SCALE = 64.0  # no float recording clips by 36 dB; such samples are integers stored as floats
_STREAMED = 1 << 30  # length fields above this are the placeholders of writers that did not know the length
_WAV_LENGTH = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)


@dataclass(frozen=True)
class SoundInfo:
    """What the header of a recording says.

    Attributes:
        duration: Seconds; NaN where the header does not know the length.
        sampling_rate: Hz.
        channels: Number of channels.
        encoding: Container and subtype, such as ``WAV/PCM_16``.
    """

    duration: float
    sampling_rate: int
    channels: int
    encoding: str


@dataclass(frozen=True)
class Sound:
    """A recording as every later step sees it.

    Attributes:
        signal: Mono samples in [-1, 32767/32768], float32, shape (n,).
        sampling_rate: Always `SAMPLING_RATE`.
        original: The format of the file, which the signal no longer shows.
    """

    signal: NDArray[np.float32]
    sampling_rate: int
    original: SoundInfo

    @property
    def duration(self) -> float:
        """Length of the signal in seconds."""
        return len(self.signal) / self.sampling_rate


def probe(file: str | PathLike[str]) -> SoundInfo:
    """Read the header of a recording: duration, rate, channels, encoding.

    Raises:
        DataError: The file is missing, empty, or no audio file that libsndfile reads.
    """
    with _open(Path(file)) as stream:
        return _info(stream)


def load(file: str | PathLike[str]) -> Sound:
    """Decode a recording, average its channels, resample it to 16 kHz and clip it to [-1, 32767/32768].

    Example:
        >>> load("03a01Fa.wav").sampling_rate  # doctest: +SKIP
        16000

    Raises:
        DataError: The file is missing, no audio, cut off, without samples, or its samples are not finite.
    """
    path = Path(file)
    with _open(path) as stream:
        original = _info(stream)
        _refuse_cut_off(path, stream)
        signal = _mixed_down(path, stream)
    if signal.size == 0:
        raise DataError(f"'{path}' is an audio file without a single sample; remove it or record it anew.")
    if not np.isfinite(signal).all():
        bad = signal.size - int(np.isfinite(signal).sum())
        raise DataError(f"'{path}' has {bad} samples that are not numbers (NaN or infinite); export it anew.")
    peak = float(np.abs(signal).max())
    if peak > _INTEGER_SCALE:
        raise DataError(
            f"'{path}' has samples up to {peak:.0f} where full scale is 1: integers were stored as floats; "
            "export it as 16-bit PCM."
        )
    # Clipped on both sides of the resampler: a float file beyond full scale is clipped as its 16-bit copy
    # would be, and the filter overshoots.
    signal = np.clip(signal, np.float32(-1), MAXIMUM)
    if original.sampling_rate != SAMPLING_RATE:
        signal = audresample.resample(signal, original.sampling_rate, SAMPLING_RATE)[0]
        signal = np.clip(signal, np.float32(-1), MAXIMUM)
    if signal.size == 0:
        raise DataError(f"'{path}' is shorter than one sample at {SAMPLING_RATE} Hz; remove it.")
    return Sound(np.ascontiguousarray(signal, dtype=np.float32), SAMPLING_RATE, original)


def content_hash(sound: Sound) -> str:
    """Return the sha256 of the 16 kHz samples: equal for equal sound, whatever the container."""
    return hashlib.sha256(sound.signal.astype("<f4", copy=False).tobytes()).hexdigest()


def require_file(path: Path) -> None:
    """Refuse what is no file with content; libsndfile would call all of it a "System error".

    Raises:
        DataError: The path is missing, a folder, empty, or may not be read.
    """
    try:
        if path.is_dir():
            raise DataError(f"'{path}' is a folder, not a recording.")
        with path.open("rb") as stream:
            if not stream.read(1):
                raise DataError(f"'{path}' is an empty file (0 bytes); copy or download it again.")
    except FileNotFoundError:
        raise DataError(f"'{path}' does not exist; correct the path or the table that names it.") from None
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {error.strerror or error}.") from error


def _open(path: Path) -> soundfile.SoundFile:
    """Open a recording, or say in one sentence why not."""
    require_file(path)
    try:
        return soundfile.SoundFile(path)
    except (RuntimeError, TypeError, ValueError) as error:  # LibsndfileError; TypeError for headerless *.raw
        raise DataError(
            f"'{path}' is not an audio file that can be decoded (wav, flac, ogg, mp3, aiff, ...); "
            "convert it to wav."
        ) from error


def _info(stream: soundfile.SoundFile) -> SoundInfo:
    frames, rate = stream.frames, stream.samplerate
    known = 0 <= frames < 1 << 60  # libsndfile says 2**63 - 1 where the header does not know
    return SoundInfo(
        duration=frames / rate if known else math.nan,
        sampling_rate=rate,
        channels=stream.channels,
        encoding=f"{stream.format}/{stream.subtype}",
    )


def _refuse_cut_off(path: Path, stream: soundfile.SoundFile) -> None:
    """Refuse a WAV file that ends before its header says so: libsndfile shortens it without a word.

    The features of half a sentence look as good as any. One per cent is forgiven, since some corpora were
    written with a wrong length field, and so are the placeholders of writers that streamed.
    """
    found = _WAV_LENGTH.search(stream.extra_info)
    if found:
        promised, present = int(found[1]), int(found[2])
        if present < 0.99 * promised and promised < _STREAMED:
            raise _cut_off(path, f"its header promises {promised} bytes of sound, {present} are there")


def _mixed_down(path: Path, stream: soundfile.SoundFile) -> NDArray[np.float32]:
    """Decode a stream to the mean of its channels, float32, shape (n,)."""
    blocks: list[NDArray[np.float32]] = []
    try:
        while len(block := stream.read(_BLOCK, dtype="float32", always_2d=True)):
            blocks.append(block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32))
    except RuntimeError as error:  # LibsndfileError
        raise _cut_off(
            path, f"decoding stops with '{str(error).removeprefix('Error : ').rstrip('. ')}'"
        ) from error
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.float32)


def _cut_off(path: Path, detail: str) -> DataError:
    return DataError(f"'{path}' is damaged or cut off ({detail}); copy or download it again.")
