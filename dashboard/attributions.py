"""The attributions of one utterance: which features spoke for and against a class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from msfl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.data import RunData
    from msfl.manifest import JobRecord

_METHOD = re.compile(r"[A-Za-z0-9_-]{1,60}")
KEYS = (
    "utterance",
    "corpus",
    "language",
    "speaker",
    "language_set",
    "model",
    "fold",
    "seed",
    "task",
    "class",
    "samples",
    "standard_error",
    "completeness_error",
)
"""Columns of an attribution table that are no feature."""
WEIGHTS = "attention"
"""The method whose values are weights: they have no sign and no class, and sum to one."""


@dataclass(frozen=True)
class Explained:
    """The attributions of one utterance, averaged over the seeds.

    Attributes:
        method: The method.
        level: What the values are about: ``feature``, ``contour`` or ``family``.
        of_class: The output that is explained; empty where the method does not tell classes apart.
        names: The items.
        values: Their values, float64, in points of the probability of `of_class` (attention: weights).
    """

    method: str
    level: str
    of_class: str
    names: tuple[str, ...]
    values: NDArray[np.float64]

    @property
    def signed(self) -> bool:
        """Whether a value below zero means that an item speaks against the class."""
        return self.method != WEIGHTS


def methods_of(run: RunData) -> tuple[str, ...]:
    """Return the methods that have values for single utterances; attention comes last, as it has no sign."""
    folder = run.run.path / "attributions"
    found = sorted(
        entry.name for entry in folder.glob("*") if entry.is_dir() and _METHOD.fullmatch(entry.name)
    )
    found = [name for name in found if name != WEIGHTS]
    found.sort(key=lambda name: (name != "shap", name))
    return (*found, *([WEIGHTS] if run.run.has_attention else []))


def explained(
    run: RunData, utterance: str, method: str, *, language_set: str, model: str, task: str, of_class: str
) -> Explained | None:
    """Return the attributions of one utterance, or None where the method has none for it.

    Args:
        run: The run.
        utterance: Id of a test utterance.
        method: One of `methods_of`.
        language_set: Language set of the model.
        model: The model.
        task: The task that is explained.
        of_class: The class that is explained; another one takes its place where the table lacks it.

    Raises:
        DataError: A table is damaged.
    """
    rows = [
        found
        for job in _jobs(run, language_set, model)
        if (found := _row(run, job, utterance, method, task, of_class)) is not None
    ]
    if not rows:
        return None
    first = rows[0]
    same = [row for row in rows if row.names == first.names and row.of_class == first.of_class]
    values = np.mean([row.values for row in same], axis=0)
    return Explained(first.method, first.level, first.of_class, first.names, values)


def classes_explained(
    run: RunData, utterance: str, method: str, *, language_set: str, model: str, task: str
) -> tuple[str, ...]:
    """Return the classes of a task that a method explains for an utterance; empty for attention."""
    if method == WEIGHTS:
        return ()
    for job in _jobs(run, language_set, model):
        file = _file(run, job, method)
        if file is not None:
            table = _keys(file, file.stat().st_mtime_ns)
            rows = table[(table["utterance"] == utterance) & (table["task"] == task)]
            if len(rows):
                return tuple(str(value) for value in rows["class"].fillna("") if value)
    return ()


def utterances_explained(
    run: RunData, method: str, *, language_set: str, model: str, task: str
) -> frozenset[str]:
    """Return the utterances that a method explains; `msfl explain` takes a sample of large runs."""
    found: set[str] = set()
    for job in _jobs(run, language_set, model):
        file = _file(run, job, method)
        if file is not None:
            keys = _keys(file, file.stat().st_mtime_ns)
            rows = keys[keys["task"] == task] if "task" in keys and method != WEIGHTS else keys
            found.update(rows["utterance"])
    return frozenset(found)


@lru_cache(maxsize=256)
def _jobs_of(run: RunData) -> dict[tuple[str, str], tuple[JobRecord, ...]]:
    found: dict[tuple[str, str], list[JobRecord]] = {}
    for job in run.run.jobs:
        if job.status == "done":
            found.setdefault((job.language_set, job.model), []).append(job)
    return {key: tuple(jobs) for key, jobs in found.items()}


def _jobs(run: RunData, language_set: str, model: str) -> tuple[JobRecord, ...]:
    return _jobs_of(run).get((language_set, model), ())


def _file(run: RunData, job: JobRecord, method: str) -> Path | None:
    if not _METHOD.fullmatch(method):
        return None
    if method == WEIGHTS:
        file = run.run.job_folder(job.id) / "attention.parquet"
    else:
        file = run.run.path / "attributions" / method / f"{run.run.job_folder(job.id).name}.parquet"
    return file if file.is_file() and not file.is_symlink() else None


def _row(
    run: RunData, job: JobRecord, utterance: str, method: str, task: str, of_class: str
) -> Explained | None:
    file = _file(run, job, method)
    if file is None:
        return None
    stamp = file.stat().st_mtime_ns
    keys = _keys(file, stamp)
    here = keys["utterance"] == utterance
    if "task" in keys and method != WEIGHTS:
        here &= keys["task"] == task
    rows = keys[here]
    if not len(rows):
        return None
    found_class = ""
    if "class" in keys:
        same = rows[rows["class"].fillna("") == of_class]
        rows = same if len(same) else rows
        found_class = str(rows["class"].fillna("").iloc[0])
    names, level, values = _values(file, stamp)
    return Explained(method, level, found_class, names, values[int(rows.index[0])].astype(np.float64))


@lru_cache(maxsize=64)
def _keys(file: Path, stamp: int) -> pd.DataFrame:
    schema = _schema(file, stamp)
    table: pd.DataFrame = _read(file, [name for name in KEYS if name in schema.names]).to_pandas()
    return table


@lru_cache(maxsize=64)
def _schema(file: Path, stamp: int) -> Any:
    import pyarrow.parquet as pq

    return pq.read_schema(file)


@lru_cache(maxsize=6)  # the whole table: the next utterance is often in it, and one row costs as much to read
def _values(file: Path, stamp: int) -> tuple[tuple[str, ...], str, NDArray[np.float32]]:
    schema = _schema(file, stamp)
    names = tuple(name for name in schema.names if name not in KEYS)
    level = ((schema.metadata or {}).get(b"level") or b"feature").decode()
    table = _read(file, list(names))
    values = np.empty((table.num_rows, len(names)), dtype=np.float32)
    for place, column in enumerate(table.columns):
        values[:, place] = column.to_numpy()
    return names, level, values


def _read(file: Path, columns: list[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(file, columns=columns, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file} is damaged ({str(error).splitlines()[0]}). Repeat `msfl explain`.") from None
