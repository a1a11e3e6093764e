"""The attributions of one utterance: which features spoke for and against a class."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
    "base_value",
    "level",
)
"""Columns of an attribution table that are no feature."""
MARGINS = "linear"
"""The method whose values are parts of a margin between classes."""
WEIGHTS = "attention"
"""The method whose values are weights: they have no sign and no class, and sum to one."""


@dataclass(frozen=True)
class Explained:
    """The attributions of one utterance, averaged over the seeds.

    Attributes:
        method: The method.
        of_class: The output that is explained; empty where the method does not tell classes apart.
        names: The features.
        values: Their values, float64, in points of the probability of `of_class` (`linear`: of its margin, attention:
            weights).
        base: What the sum starts from; NaN where the method has none.
    """

    method: str
    of_class: str
    names: tuple[str, ...]
    values: NDArray[np.float64]
    base: float = float("nan")

    @property
    def in_probability(self) -> bool:
        """Whether the values are points of a probability."""
        return self.method != MARGINS

    @property
    def signed(self) -> bool:
        """Whether a value below zero means that an item speaks against the class."""
        return self.method != WEIGHTS


def methods_of(run: RunData, language_set: str = "", model: str = "") -> tuple[str, ...]:
    """Return the methods that say which features moved a single prediction; attention comes last, as it has no sign.

    Permutation is none of them: its values belong to contours and families, and do not add up.

    Args:
        run: The run.
        language_set: With `model`: only methods that have values for the model of this language set.
        model: See `language_set`.
    """
    folder = run.run.path / "attributions"
    found = [entry.name for entry in folder.glob("*") if entry.is_dir() and _METHOD.fullmatch(entry.name)]
    found = sorted({*found, *([WEIGHTS] if run.run.has_attention else [])})
    found.sort(key=lambda name: (name == WEIGHTS, name != "shap", name))
    jobs = _jobs(run, language_set, model) if model else run.run.jobs
    return tuple(name for name in found if _by_feature(run, name, jobs))


def _by_feature(run: RunData, method: str, jobs: Iterable[JobRecord]) -> bool:
    file = next((file for job in jobs if (file := _file(run, job, method)) is not None), None)
    if file is None:
        return False
    return (_head(file, file.stat().st_mtime_ns).metadata.get(b"level") or b"feature") == b"feature"


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
        for job in _testing(run, language_set, model, utterance)
        if (found := _row(run, job, utterance, method, task, of_class)) is not None
    ]
    if not rows:
        return None
    first = rows[0]
    same = [row for row in rows if row.names == first.names and row.of_class == first.of_class]
    values = np.mean([row.values for row in same], axis=0)
    base = float(np.mean([row.base for row in same]))
    return Explained(first.method, first.of_class, first.names, values, base)


def classes_explained(
    run: RunData, utterance: str, method: str, *, language_set: str, model: str, task: str
) -> tuple[str, ...]:
    """Return the classes of a task that a method explains for an utterance; empty for attention."""
    if method == WEIGHTS:
        return ()
    for job in _testing(run, language_set, model, utterance):
        file = _file(run, job, method)
        if file is not None:
            table = _keys(file, file.stat().st_mtime_ns)
            rows = table[(table["utterance"] == utterance) & (table["task"] == task)]
            if len(rows):
                return tuple(str(value) for value in rows["class"].fillna("") if value)
    return ()


def is_explained(
    run: RunData, utterance: str, method: str, *, language_set: str, model: str, task: str
) -> bool:
    """Whether a method explains an utterance."""
    for job in _testing(run, language_set, model, utterance):
        file = _file(run, job, method)
        if file is not None:
            keys = _keys(file, file.stat().st_mtime_ns)
            here = keys["utterance"] == utterance
            if (here & (keys["task"] == task) if "task" in keys and method != WEIGHTS else here).any():
                return True
    return False


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


def _testing(run: RunData, language_set: str, model: str, utterance: str) -> tuple[JobRecord, ...]:
    """Return the jobs in whose test part an utterance is: of many folds, mostly one."""
    folds = _folds(run).get(utterance, frozenset())
    return tuple(job for job in _jobs(run, language_set, model) if job.fold in folds)


@lru_cache(maxsize=8)
def _folds(run: RunData) -> dict[str, frozenset[str]]:
    splits = run.run.splits
    test = splits[splits["part"] == "test"]
    found: dict[str, set[str]] = {}
    for utterance, fold in zip(test["utterance"].tolist(), test["fold"].tolist(), strict=True):
        found.setdefault(str(utterance), set()).add(str(fold))
    return {name: frozenset(folds) for name, folds in found.items()}


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
    names, values = _values(file, stamp)
    base = float(rows["base_value"].iloc[0]) if "base_value" in rows else float("nan")
    return Explained(method, found_class, names, values[int(rows.index[0])].astype(np.float64), base)


@dataclass(frozen=True)
class _Head:
    """What a file says before its values: opening one of thousands of columns takes longer than these."""

    names: tuple[str, ...]
    metadata: dict[bytes, bytes]
    keys: pd.DataFrame


@lru_cache(maxsize=512)
def _head(file: Path, stamp: int) -> _Head:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            schema = opened.schema_arrow
            known = [name for name in KEYS if name in schema.names]
            table: pd.DataFrame = opened.read(columns=known, use_threads=False).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise _damaged(file, error) from None
    names = tuple(name for name in schema.names if name not in KEYS)
    return _Head(names, dict(schema.metadata or {}), table)


def _keys(file: Path, stamp: int) -> pd.DataFrame:
    return _head(file, stamp).keys


@lru_cache(maxsize=8)  # the whole table: the next utterance is often in it, and one row costs as much to read
def _values(file: Path, stamp: int) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    names = _head(file, stamp).names
    table = _read(file, list(names))
    values = np.empty((table.num_rows, len(names)), dtype=np.float32)
    for place, column in enumerate(table.columns):
        values[:, place] = column.to_numpy()
    return names, values


def _read(file: Path, columns: list[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(file, columns=columns, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(file, error) from None


def _damaged(file: Path, error: Exception) -> DataError:
    return DataError(f"{file} is damaged ({str(error).splitlines()[0]}). Repeat `msfl explain`.")
