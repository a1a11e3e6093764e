"""A folder of small files keyed by the content of recordings: what extraction leaves, whole or not at all.

The key is the sha256 of the *file's bytes*, not of its path, date or decoded samples. A path or date misses
a recording that was replaced in place; decoded samples would have to be decoded and resampled first, which
costs more than reading the file. A hit therefore costs one read of the recording. Two files with the same
sound in different containers are extracted twice.

An entry is written beside its final name and moved there, so that a kill at any moment leaves whole entries
only; an entry that is damaged all the same (full disk, bad copy) fails its checksum and is extracted anew.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from uuid import uuid4

from msfl import audio
from msfl.atomic import naming
from msfl.errors import DataError

_DIGEST = 32  # bytes of a sha256


def default_folder() -> Path:
    """Return `$MSFL_CACHE`, else `$XDG_CACHE_HOME/msfl`, else `~/.cache/msfl`."""
    own = os.environ.get("MSFL_CACHE")
    if own:
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "msfl"


def content_key(file: Path, how: str) -> str:
    """Return the key of a recording: changes with a byte of the file, and with how it is processed.

    Args:
        file: The recording.
        how: Whatever else decides about the values: options, versions.

    Raises:
        DataError: The file cannot be read.
    """
    audio.require_file(file)
    try:
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:  # a network drive that goes away
        raise DataError(f"'{file}' cannot be read: {error.strerror or error}.") from error
    return hashlib.sha256(f"{content}/{how}".encode()).hexdigest()


class ContentCache:
    """Checked bytes by key, spread over 256 sub-folders of a folder.

    Several threads and processes may use one folder at the same time.

    Args:
        root: Folder of all caches, which the error names.
        part: Sub-folder of this cache.
        suffix: End of the names of its files.

    Raises:
        DataError: The folder cannot be made.
    """

    def __init__(self, root: Path, part: str, suffix: str) -> None:
        self.folder = root / part
        self.suffix = suffix
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"The cache folder '{root}' cannot be made: {error.strerror}. "
                "Set MSFL_CACHE to a folder that you can write to."
            ) from error

    def path(self, key: str) -> Path:
        """Return where the entry of a key stands."""
        return self.folder / key[:2] / f"{key[2:]}{self.suffix}"

    def get(self, key: str) -> bytes | None:
        """Return an entry, or None where there is none or it is damaged."""
        try:
            content = self.path(key).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(memoryview(content)[:-_DIGEST]).digest() != content[-_DIGEST:]:
            return None
        return content[:-_DIGEST]

    def put(self, key: str, body: bytes) -> None:
        """Write an entry, whole or not at all.

        Raises:
            OSError: The folder cannot be written to (full, read-only); entries written before stay.
        """
        final = self.path(key)
        partial = final.parent / f".{uuid4().hex}"  # unique, since two threads may meet the same recording
        with naming(final):
            try:
                final.parent.mkdir(parents=True, exist_ok=True)
                partial.write_bytes(body + hashlib.sha256(body).digest())
                partial.replace(final)
            finally:
                partial.unlink(missing_ok=True)
