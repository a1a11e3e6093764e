"""The cache of feature vectors: one small file per recording, feature set and version."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msfl import audio
from msfl.content_cache import ContentCache, content_key, default_folder
from msfl.features.sets import feature_set, opensmile_version

__all__ = ["Cache", "Entry", "default_folder", "file_key"]

_MAGIC = b"msflfv1\n"
_HASH = 32  # bytes of a sha256


@dataclass(frozen=True)
class Entry:
    """What the cache keeps of one recording.

    Attributes:
        values: Features, float32, shape (D,).
        sound_hash: sha256 of the decoded 16 kHz samples, in hexadecimal (`msfl.audio.content_hash`).
    """

    values: NDArray[np.float32]
    sound_hash: str


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
    return content_key(file, f"{feature_set(name).opensmile}/{_versions()}")


class Cache:
    """Feature vectors of one set in a folder; see `msfl.content_cache.ContentCache`.

    Raises:
        DataError: The folder cannot be made.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.size = feature_set(name).size
        self._entries = ContentCache(folder, f"features/{feature_set(name).opensmile}", ".fv")

    def path(self, key: str) -> Path:
        """Return where the entry of a key stands."""
        return self._entries.path(key)

    def get(self, key: str) -> Entry | None:
        """Return an entry, or None where there is none or it is damaged."""
        content = self._entries.get(key)
        start = len(_MAGIC) + _HASH
        if content is None or len(content) != start + 4 * self.size or not content.startswith(_MAGIC):
            return None
        values = np.frombuffer(content[start:], dtype="<f4").astype(np.float32)
        return Entry(values, content[len(_MAGIC) : start].hex())

    def put(self, key: str, entry: Entry) -> None:
        """Write an entry, whole or not at all.

        Raises:
            OSError: The folder cannot be written to (full, read-only); entries written before stay.
        """
        values = entry.values.astype("<f4").tobytes()
        self._entries.put(key, _MAGIC + bytes.fromhex(entry.sound_hash) + values)
