"""The cache of sequences: one small file per recording and kind, beside the cache of feature vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msfl.content_cache import ContentCache, content_key
from msfl.errors import DataError
from msfl.sequences.kinds import Frames, SequenceKind, cache_options

_MAGIC = b"msflsq1\n"
_HASH = 32


@dataclass(frozen=True)
class SequenceEntry:
    """What the cache keeps of one recording.

    Attributes:
        frames: float32, shape (T, F).
        sound_hash: sha256 of the decoded 16 kHz samples, in hexadecimal.
    """

    frames: Frames
    sound_hash: str


class SequenceCache:
    """Sequences of one kind in a folder; see `msfl.content_cache.ContentCache`.

    Raises:
        DataError: The folder cannot be made.
    """

    def __init__(self, folder: Path, kind: SequenceKind) -> None:
        self.kind = kind
        self._entries = ContentCache(folder, f"sequences/{kind.name}", ".seq")
        self._options = cache_options(kind)

    def key(self, file: Path) -> str:
        """Return the key of a recording.

        Raises:
            DataError: The file cannot be read.
        """
        return content_key(file, self._options)

    def get(self, key: str) -> SequenceEntry | None:
        """Return an entry, or None where there is none or it is damaged."""
        content = self._entries.get(key)
        start = len(_MAGIC) + _HASH
        if content is None or len(content) <= start or not content.startswith(_MAGIC):
            return None
        stored = np.frombuffer(content, dtype=self.kind.stored, offset=start)
        frames = stored.reshape(-1, self.kind.width).astype(np.float32) * np.float32(self.kind.unit)
        return SequenceEntry(frames, content[len(_MAGIC) : start].hex())

    def read(self, key: str) -> Frames:
        """Return the frames of an entry that must be there.

        Raises:
            DataError: It is gone or damaged.
        """
        entry = self.get(key)
        if entry is None:
            raise DataError(
                f"The cache no longer holds the {self.kind.name} of a recording ({self._entries.path(key)}). "
                "Repeat the command: it reads the recordings again."
            )
        return entry.frames

    def put(self, key: str, entry: SequenceEntry) -> SequenceEntry:
        """Write an entry, whole or not at all, and return it as `get` will.

        Raises:
            OSError: The folder cannot be written to (full, read-only); entries written before stay.
        """
        values = entry.frames / np.float32(self.kind.unit)
        if np.dtype(self.kind.stored).kind == "i":
            values = np.rint(values)
        stored = values.astype(self.kind.stored)
        self._entries.put(key, _MAGIC + bytes.fromhex(entry.sound_hash) + stored.tobytes())
        return SequenceEntry(stored.astype(np.float32) * np.float32(self.kind.unit), entry.sound_hash)
