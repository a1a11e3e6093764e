"""Measuring the recordings: level, clipping, length, and a hash that finds duplicates."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.atomic import write_parquet
from msfl.errors import DataError

if TYPE_CHECKING:
    from msfl.audio import Sound

FRAME = 400
"""Samples of one frame for the level: 25 ms at 16 kHz."""
RUN = 3
"""So many equal samples in a row at full scale are a flattened peak; a single one is only a recording
normalised to its peak."""
FULL_SCALE = 0.98
"""Share of the largest possible amplitude from which a flattened peak is counted (8-bit sound ends at
127/128)."""
CLIPPED_PEAK = 0.5
"""Recordings that stay below this after mixing and resampling are not decoded again to look for clipping."""
SAVE_EVERY = 30.0
"""Seconds between two writes of the measurements that an interrupted audit continues from."""

DTYPES = {
    "file": "string",
    "problem": "string",
    "duration": "float64",
    "sampling_rate": "Int64",
    "channels": "Int64",
    "encoding": "string",
    "peak": "float64",
    "level": "float64",
    "clipped": "float64",
    "hash": "string",
    "size": "Int64",
    "modified": "Int64",
}
"""Columns of the table of measurements; see `measure`."""


def measure(
    table: pd.DataFrame, *, jobs: int | None = None, progress: bool = True, saved: Path | None = None
) -> pd.DataFrame:
    """Decode every recording once, and measure it. A recording that cannot be read is a row with its problem.

    Threads do the work (decoding, resampling and hashing leave Python's lock alone); a signal is forgotten as
    soon as it is measured, so memory does not grow with the number of recordings.

    Args:
        table: Utterance table.
        jobs: Number of threads; None for one per core.
        progress: Show a progress bar on stderr.
        saved: A Parquet file that keeps the measurements: what is in it, of a recording that has not changed
            since, is not measured again. It is written now and then, at the end, and after Ctrl-C.

    Returns:
        Index utterance, in the order of the table; columns: file; problem (why it cannot be read; missing if
        it can); duration (s), sampling_rate (Hz), channels and encoding of the original; peak (dBFS: decibels
        below the largest possible amplitude) and level (dBFS, see `speech_level`) of the 16 kHz signal, -inf
        for digital silence; clipped (share of the original samples that stand in flattened peaks); hash
        (sha256 of the 16 kHz samples); size (bytes) and modified (ns) of the file.
    """
    files = {str(key): str(file) for key, file in table["file"].items()}
    done = _still_valid(saved, files) if saved is not None and saved.is_file() else {}
    todo = {key: file for key, file in files.items() if key not in done}
    last = time.monotonic()
    try:
        with _bar(len(files), len(done), progress) as advance:
            for key, row in _measured(todo, jobs):
                done[key] = row
                advance()
                if saved is not None and time.monotonic() - last > SAVE_EVERY:
                    write_parquet(saved, _frame(done))
                    last = time.monotonic()
    finally:
        if saved is not None and todo:
            _keep(saved, done)
    return _frame({key: done[key] for key in files})


def with_formats(table: pd.DataFrame, recordings: pd.DataFrame) -> pd.DataFrame:
    """Return the utterance table with duration, rate, channels and encoding filled in where missing."""
    filled = table.copy()
    for column in ("duration", "sampling_rate", "channels", "encoding"):
        filled[column] = filled[column].fillna(recordings[column].reindex(filled.index))
    return filled


def speech_level(signal: NDArray[np.float32]) -> float:
    """Return how loud the loud parts of a recording are, in dBFS; -inf for digital silence.

    It is the 95th percentile of the level (root mean square) of frames of 25 ms. Silence before and after the
    speech does not lower it, and a single click does not raise it, as they do the mean level and the peak.

    Args:
        signal: Samples in [-1, 1] at 16 kHz, shape (n,).
    """
    whole = len(signal) // FRAME * FRAME
    frames = signal[:whole].reshape(-1, FRAME) if whole else signal.reshape(1, -1)
    powers = np.square(frames, dtype=np.float64).mean(axis=1)
    return decibels(math.sqrt(float(np.percentile(powers, 95))))


def decibels(amplitude: float) -> float:
    """Return an amplitude (1 is full scale) in dBFS."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def flattened(samples: NDArray[np.float32]) -> int:
    """Count the samples of one channel that stand in flattened peaks.

    A flattened peak is a run of at least `RUN` samples of one and the same value at or above `FULL_SCALE`.

    Args:
        samples: One channel at its original rate, shape (n,).
    """
    if len(samples) < RUN:
        return 0
    full = np.abs(samples) >= FULL_SCALE
    same = np.ones(len(samples) - RUN + 1, dtype=bool)  # same[i]: a run of RUN begins at i
    for offset in range(RUN):
        ahead = slice(offset, offset + len(same))
        same &= full[ahead] & (samples[ahead] == samples[: len(same)])
    covered = np.zeros(len(samples), dtype=bool)
    for offset in range(RUN):
        covered[offset : offset + len(same)] |= same
    return int(covered.sum())


def measure_file(file: str) -> dict[str, Any]:
    """Return one row of `measure`; never raises for a fault of the file."""
    from msfl.audio import content_hash, load

    row: dict[str, Any] = {"file": file}
    with suppress(OSError):
        stat = Path(file).stat()
        row |= {"size": stat.st_size, "modified": stat.st_mtime_ns}
    try:
        sound = load(file)
    except DataError as error:
        return row | {"problem": str(error)}
    peak = float(np.abs(sound.signal).max())
    original = sound.original
    return row | {
        "duration": original.duration if math.isfinite(original.duration) else sound.duration,
        "sampling_rate": original.sampling_rate,
        "channels": original.channels,
        "encoding": original.encoding,
        "peak": decibels(peak),
        "level": speech_level(sound.signal),
        "clipped": _clipped_share(file, sound) if peak >= CLIPPED_PEAK or original.channels > 1 else 0.0,
        "hash": content_hash(sound),
    }


def _clipped_share(file: str, sound: Sound) -> float:
    """Return the share of the original samples in flattened peaks: resampling would round peaks off."""
    import soundfile

    flat = total = 0
    for block in soundfile.blocks(file, blocksize=1 << 18, dtype="float32", always_2d=True):
        total += block.size
        flat += sum(flattened(np.ascontiguousarray(block[:, channel])) for channel in range(block.shape[1]))
    return flat / total if total else 0.0


def _measured(files: dict[str, str], jobs: int | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield id and measurements of every file, in the order in which they get ready."""
    from joblib import Parallel, delayed

    def one(key: str, file: str) -> tuple[str, dict[str, Any]]:
        return key, measure_file(file)

    parallel = Parallel(
        n_jobs=-1 if jobs is None else jobs, prefer="threads", return_as="generator_unordered"
    )
    yield from parallel(delayed(one)(key, file) for key, file in files.items())


def _frame(rows: dict[str, dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(DTYPES)).astype(DTYPES)
    frame.index = pd.Index([str(key) for key in frame.index], name="utterance", dtype="str")
    return frame


def _keep(file: Path, rows: dict[str, dict[str, Any]]) -> None:
    """Write the measurements even if Ctrl-C comes while they are being written."""
    try:
        write_parquet(file, _frame(rows))
    except KeyboardInterrupt:
        write_parquet(file, _frame(rows))
        raise


def _still_valid(saved: Path, files: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the saved measurements of readable recordings whose file has the same size and age still."""
    try:
        frame = pd.read_parquet(saved).astype(DTYPES)
    except (OSError, ValueError, KeyError):  # written by something else, or damaged: measure anew
        return {}
    valid = {}
    for key, row in zip(frame.index, frame.to_dict("records"), strict=True):
        if pd.notna(row["problem"]) or files.get(key) != row["file"]:
            continue
        with suppress(OSError):
            stat = Path(row["file"]).stat()
            if (stat.st_size, stat.st_mtime_ns) == (row["size"], row["modified"]):
                valid[str(key)] = {str(column): value for column, value in row.items()}
    return valid


@contextmanager
def _bar(total: int, done: int, shown: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as bar:
        task = bar.add_task("Listening to the recordings", total=total, completed=done)
        yield lambda: bar.advance(task)
