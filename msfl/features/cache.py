"""The content-addressed cache of feature vectors: one small file per recording, feature set and version.

The key is the sha256 of the *file's bytes*, not of its path, date or decoded samples. A path or date misses
a recording that was replaced in place; decoded samples would have to be decoded and resampled first, which
costs more than reading the file. A hit therefore costs one read of the recording. Two files with the same
sound in different containers are extracted twice, and both know the hash of their samples.

An entry is written beside its final name and moved there, so that a kill at any moment leaves whole entries
only; an entry that is damaged all the same (full disk, bad copy) fails its checksum and is extracted anew.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from msfl import audio
from msfl.atomic import naming
from msfl.errors import DataError
from msfl.features.sets import feature_set, opensmile_version

_MAGIC = b"msflfv1\n"
_DIGEST = 32  # bytes of a sha256


@dataclass(frozen=True)
class Entry:
    """What the cache keeps of one recording.

    Attributes:
        values: Features, float32, shape (D,).
        sound_hash: sha256 of the decoded 16 kHz samples, in hexadecimal (`msfl.audio.content_hash`).
    """

    values: NDArray[np.float32]
    sound_hash: str


def default_folder() -> Path:
    """Return `$MSFL_CACHE`, else `$XDG_CACHE_HOME/msfl`, else `~/.cache/msfl`."""
    own = os.environ.get("MSFL_CACHE")
    if own:
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "msfl"


@lru_cache(maxsize=1)
def _versions() -> str:
    """Everything besides the recording and the set that decides about the values."""
    resampler, decoder = version("audresample"), version("soundfile")
    return f"opensmile-{opensmile_version()}/{audio.OPTIONS}/audresample-{resampler}/soundfile-{decoder}"


def file_key(file: Path, name: str) -> str:
    """Return the key of a recording under a set: changes with a byte of the file, the set or a version.

    Raises:
        DataError: The file cannot be read.
    """
    audio.require_file(file)
    try:
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:  # a network drive that goes away
        raise DataError(f"'{file}' cannot be read: {error.strerror or error}.") from error
    return hashlib.sha256(f"{content}/{feature_set(name).opensmile}/{_versions()}".encode()).hexdigest()


class Cache:
    """Feature vectors of one set in a folder, spread over 256 sub-folders.

    Several threads and processes may use one folder at the same time.

    Raises:
        DataError: The folder cannot be made.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / "features" / feature_set(name).opensmile
        self.size = feature_set(name).size
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"The cache folder '{folder}' cannot be made: {error.strerror}. "
                "Set MSFL_CACHE to a folder that you can write to."
            ) from error

    def path(self, key: str) -> Path:
        """Return where the entry of a key stands."""
        return self.folder / key[:2] / f"{key[2:]}.fv"

    def get(self, key: str) -> Entry | None:
        """Return an entry, or None where there is none or it is damaged."""
        try:
            content = self.path(key).read_bytes()
        except OSError:
            return None
        start = len(_MAGIC) + _DIGEST
        if len(content) != start + 4 * self.size + _DIGEST or not content.startswith(_MAGIC):
            return None
        if hashlib.sha256(content[:-_DIGEST]).digest() != content[-_DIGEST:]:
            return None
        values = np.frombuffer(content[start:-_DIGEST], dtype="<f4").astype(np.float32)
        return Entry(values, content[len(_MAGIC) : start].hex())

    def put(self, key: str, entry: Entry) -> None:
        """Write an entry, whole or not at all.

        Raises:
            OSError: The folder cannot be written to (full, read-only); entries written before stay.
        """
        body = _MAGIC + bytes.fromhex(entry.sound_hash) + entry.values.astype("<f4").tobytes()
        final = self.path(key)
        partial = final.parent / f".{uuid4().hex}"  # unique, since two threads may meet the same recording
        with naming(final):
            try:
                final.parent.mkdir(parents=True, exist_ok=True)
                partial.write_bytes(body + hashlib.sha256(body).digest())
                partial.replace(final)
            finally:
                partial.unlink(missing_ok=True)
