"""From the utterance table to the feature table: parallel, cached, in table order, with bad files as rows.

openSMILE releases the interpreter lock, so threads scale over cores; every thread has its own openSMILE
object. Results are bit-identical for any number of threads. Files are taken up in a bounded window and
every finished one is in the cache before the next is begun, so memory does not grow with the number of
files and a stop at any moment loses at most the files in hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import local

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl import audio
from msfl.errors import DataError, UsageError
from msfl.features.cache import Cache, Entry, default_folder, file_key
from msfl.features.sets import DEFAULT, feature_names, feature_set, smile
from msfl.file_pool import available_cores, file_bar, in_order

MINIMUM_DURATION = 0.07
"""Seconds below which openSMILE has no frame of some contours. One limit for all sets: the sets would
otherwise differ in their utterances, and a smaller set would answer with statistics over a single frame."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What an extraction did.

    Attributes:
        feature_set: Name of the openSMILE set.
        failures: Columns utterance, file, reason; one row per recording without features, in table order.
        hashes: sha256 of the decoded samples by utterance: equal hashes are duplicate recordings.
        extracted: Number of recordings that openSMILE processed.
        cached: Number of recordings whose features came from the cache.
        fingerprint: sha256 over feature names, utterance ids and values.
    """

    feature_set: str
    failures: pd.DataFrame
    hashes: pd.Series[str]
    extracted: int
    cached: int
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Extraction(Summary):
    """Features of all recordings that have some, and what was done for them.

    Attributes:
        features: float32, index `utterance` in table order, one column per feature; failed recordings are
            left out.
    """

    features: pd.DataFrame


@dataclass(frozen=True)
class Outcome:
    """What became of one recording: an entry, or the reason why there is none."""

    entry: Entry | None
    cached: bool = False
    reason: str = ""


def extract(
    table: pd.DataFrame,
    feature_set: str = DEFAULT,
    *,
    cache: Path | str | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Extraction:
    """Extract the features of every recording of an utterance table.

    Args:
        table: Utterance table: index `utterance`, column `file`.
        feature_set: Name of an openSMILE set, see `msfl.features.sets.FEATURE_SETS`.
        cache: Folder of the cache; by default `msfl.features.cache.default_folder()`.
        jobs: Number of threads; by default one per core that this process may use.
        progress: Whether to show a bar on stderr.

    Raises:
        UsageError: There is no such feature set, or `jobs` is below one.
        DataError: The folder of the cache cannot be made.
        OSError: The cache cannot be written to; what was extracted before is kept.
    """
    names = feature_names(feature_set)
    matrix = np.empty((len(table), len(names)), dtype=np.float32)
    kept: list[str] = []

    def keep(utterance: str, values: NDArray[np.float32]) -> None:
        matrix[len(kept)] = values
        kept.append(utterance)

    summary = extract_into(keep, table, feature_set, cache=cache, jobs=jobs, progress=progress)
    index = pd.Index(kept, name="utterance", dtype="string")
    features = pd.DataFrame(matrix[: len(kept)], index=index, columns=list(names), copy=False)
    return Extraction(features=features, **vars(summary))


def extract_into(
    sink: Callable[[str, NDArray[np.float32]], None],
    table: pd.DataFrame,
    feature_set: str = DEFAULT,
    *,
    cache: Path | str | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Summary:
    """Extract as `extract` does, handing each utterance and its values to `sink` in table order.

    Memory stays flat if the sink's does: this is the way to tables that do not fit in it.
    """
    fingerprint = hashlib.sha256("\n".join(feature_names(feature_set)).encode())
    failures: list[tuple[str, str, str]] = []
    hashes: dict[str, str] = {}
    utterances = [str(utterance) for utterance in table.index]
    files = ["" if pd.isna(file) else str(file) for file in table["file"]]
    cached = 0
    outcomes = stream(files, feature_set, cache=cache, jobs=jobs)
    with closing(outcomes), file_bar(f"{feature_set} features", len(files), progress) as advance:
        for utterance, file, outcome in zip(utterances, files, outcomes, strict=True):
            if outcome.entry is None:
                failures.append((utterance, file, outcome.reason))
            else:
                cached += outcome.cached
                hashes[utterance] = outcome.entry.sound_hash
                fingerprint.update(f"\n{utterance}\n".encode())
                fingerprint.update(outcome.entry.values.astype("<f4", copy=False).tobytes())
                sink(utterance, outcome.entry.values)
            advance()
    return Summary(
        feature_set=feature_set,
        failures=pd.DataFrame(failures, columns=["utterance", "file", "reason"], dtype="string"),
        hashes=pd.Series(hashes, name="sound_hash", dtype="string").rename_axis("utterance"),
        extracted=len(utterances) - len(failures) - cached,
        cached=cached,
        fingerprint=fingerprint.hexdigest(),
    )


def stream(
    files: Iterable[str],
    feature_set: str = DEFAULT,
    *,
    cache: Path | str | None = None,
    jobs: int | None = None,
) -> Generator[Outcome, None, None]:
    """Yield the outcome of every file in the order given, working on `jobs` of them at a time.

    Raises:
        UsageError: There is no such feature set, or `jobs` is below one.
        DataError: The folder of the cache cannot be made.
        OSError: The cache cannot be written to.
    """
    threads = available_cores() if jobs is None else jobs
    if threads < 1:
        raise UsageError(f"The number of jobs must be 1 or more, not {jobs}.")
    work = _Extractor(feature_set, Cache(Path(cache) if cache else default_folder(), feature_set))
    return in_order(work, files, threads)


class _Extractor:
    """Turns one file into its outcome; shared by all threads."""

    def __init__(self, name: str, cache: Cache) -> None:
        self.name = name
        self.cache = cache
        self.size = feature_set(name).size
        self._thread = local()

    def __call__(self, file: str) -> Outcome:
        """Return the entry from the cache or a new one; what is wrong with the file becomes the reason."""
        if not file:
            return Outcome(None, reason="The table names no file for this utterance; fill the column 'file'.")
        try:
            key = file_key(Path(file), self.name)
            entry = self.cache.get(key)
            if entry is not None:
                return Outcome(entry, cached=True)
            sound = audio.load(file)
            entry = Entry(self._values(file, sound), audio.content_hash(sound))
        except DataError as error:
            return Outcome(None, reason=str(error))
        self.cache.put(key, entry)
        return Outcome(entry)

    def _values(self, file: str, sound: audio.Sound) -> NDArray[np.float32]:
        """Run openSMILE; refuse a signal for which its numbers would mean nothing."""
        if sound.duration < MINIMUM_DURATION:
            raise DataError(
                f"'{file}' is too short ({sound.duration:.3f} s): openSMILE needs {MINIMUM_DURATION} s; "
                "remove it."
            )
        integers = (sound.signal * 32768).astype(np.int16)  # what openSMILE will see
        if integers.min() == integers.max():
            raise DataError(f"'{file}' is digital silence: all its samples are equal; remove it.")
        if not hasattr(self._thread, "smile"):
            self._thread.smile = smile(self.name)
        try:
            values = np.asarray(
                self._thread.smile(sound.signal, sound.sampling_rate), dtype=np.float32
            ).ravel()
        except (
            Exception
        ) as error:  # openSMILE's own errors have no common base; one file must not stop the rest
            raise DataError(f"openSMILE cannot process '{file}': {error}") from error
        if values.shape != (self.size,):
            raise DataError(f"openSMILE gave {values.size} values for '{file}', not {self.size}.")
        if not np.isfinite(values).all():
            missing = self.size - int(np.isfinite(values).sum())
            raise DataError(
                f"openSMILE has no value for {missing} of {self.size} features of '{file}' "
                f"({sound.duration:.3f} s); remove it."
            )
        return values
