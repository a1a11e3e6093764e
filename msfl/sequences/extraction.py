"""From recordings to a table of cached sequences: where each lies, how long it is, its mean and deviation.

The frames stay in the cache, in one small file per recording, and are read batch by batch: memory does not grow with
the corpora, and a run folder holds no speech that could be heard again.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl import audio
from msfl.content_cache import default_folder
from msfl.errors import DataError
from msfl.file_pool import available_cores, file_bar, in_order
from msfl.sequences.cache import SequenceCache, SequenceEntry
from msfl.sequences.kinds import sequence_kind

MEAN, DEVIATION = "mean_", "deviation_"
"""Prefixes of the columns that hold an utterance's mean and standard deviation of each value of a frame."""


@dataclass(frozen=True)
class SequenceTable:
    """The sequences of the recordings that have some.

    Attributes:
        kind: Name of the kind.
        table: Index ``utterance`` in table order; columns key (of the cache), frames (T), and per value of a frame
            ``mean_<place>`` and ``deviation_<place>``.
        failures: Columns utterance, file, reason.
        extracted: Number of recordings that were not in the cache.
    """

    kind: str
    table: pd.DataFrame
    failures: pd.DataFrame
    extracted: int


def extract_sequences(
    table: pd.DataFrame,
    kind: str,
    *,
    cache: Path | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> SequenceTable:
    """Bring the sequences of every recording of an utterance table into the cache.

    Args:
        table: Utterance table: index ``utterance``, column ``file``.
        kind: Name of a kind, see `msfl.sequences.kinds.KINDS`.
        cache: Folder of the cache; by default `msfl.content_cache.default_folder()`.
        jobs: Number of threads; by default one per core that this process may use.
        progress: Whether to show a bar on stderr.

    Raises:
        UsageError: There is no such kind.
        DataError: The folder of the cache cannot be made.
        OSError: The cache cannot be written to; what was extracted before is kept.
    """
    work = _Extractor(cache or default_folder(), kind)
    files = ["" if pd.isna(file) else str(file) for file in table["file"]]
    found: dict[str, tuple[str, int]] = {}
    moments: list[NDArray[np.float32]] = []
    failures: list[tuple[str, str, str]] = []
    extracted = 0
    threads = available_cores() if jobs is None else jobs
    outcomes = in_order(work, files, threads)
    with closing(outcomes), file_bar(f"{kind} frames", len(files), progress) as advance:
        for utterance, file, outcome in zip(map(str, table.index), files, outcomes, strict=True):
            if outcome.moments is None:
                failures.append((utterance, file, outcome.reason))
            else:
                found[utterance] = (outcome.key, outcome.frames)
                moments.append(outcome.moments)
                extracted += outcome.extracted
            advance()
    width = sequence_kind(kind).width
    columns = [f"{prefix}{place}" for prefix in (MEAN, DEVIATION) for place in range(width)]
    index = pd.Index(list(found), name="utterance", dtype="string")
    places = pd.DataFrame(list(found.values()), columns=["key", "frames"], index=index)
    values = pd.DataFrame(np.array(moments).reshape(-1, 2 * width), columns=columns, index=index)
    return SequenceTable(
        kind,
        pd.concat([places, values], axis=1),
        pd.DataFrame(failures, columns=["utterance", "file", "reason"], dtype="string"),
        extracted,
    )


@dataclass(frozen=True)
class _Outcome:
    """What became of one recording: mean and deviation (2F), or the reason why there are none."""

    moments: NDArray[np.float32] | None
    key: str = ""
    frames: int = 0
    extracted: bool = False
    reason: str = ""


class _Extractor:
    """Turns one file into its outcome; shared by all threads."""

    def __init__(self, cache: Path, kind: str) -> None:
        self.kind = sequence_kind(kind)
        self.cache = SequenceCache(cache, self.kind)

    def __call__(self, file: str) -> _Outcome:
        if not file:
            return _Outcome(
                None, reason="The table names no file for this utterance; fill the column 'file'."
            )
        try:
            key = self.cache.key(Path(file))
            entry = self.cache.get(key)
            extracted = entry is None
            if entry is None:
                entry = self.cache.put(key, self._compute(file))
        except DataError as error:
            return _Outcome(None, reason=str(error))
        frames = entry.frames
        moments = np.concatenate([frames.mean(0, dtype=np.float64), frames.std(0, dtype=np.float64)])
        return _Outcome(moments.astype(np.float32), key, len(frames), extracted)

    def _compute(self, file: str) -> SequenceEntry:
        sound = audio.load(file)
        try:
            frames = self.kind.compute(sound.signal)
        except (
            Exception
        ) as error:  # openSMILE's own errors have no common base; one file must not stop the rest
            raise DataError(f"'{file}' gives no {self.kind.name}: {error}") from error
        if len(frames) == 0 or not np.isfinite(frames).all():
            raise DataError(
                f"'{file}' ({sound.duration:.2f} s) gives no {self.kind.name} that is made of numbers; remove it."
            )
        return SequenceEntry(frames, audio.content_hash(sound))
