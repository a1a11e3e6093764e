"""The documents of a run folder, ``manifest.json`` and ``job.json``: their fields, and how they are checked.

A run folder may come from a colleague or from another version, so everything in it is checked before it is
believed.
"""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from msfl import __version__
from msfl.errors import DataError
from msfl.tasks import COLUMNS, Task

SCHEMA_VERSION = 1
"""Raised when a reader of the older version would misread the folder."""
JOB_ID = re.compile(r"[A-Za-z0-9+_-]{1,110}--[0-9a-f]{8}")
_T = TypeVar("_T", bound=BaseModel)
_PACKAGES = ("numpy", "pandas", "scikit-learn", "tensorflow", "keras", "opensmile")


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class FeatureInfo(_Document):
    """Which features, how many, and one hash over their values."""

    set: str
    count: int = Field(gt=0)
    fingerprint: str


class DataInfo(_Document):
    """How many utterances, and one hash over their ids, labels and recordings."""

    utterances: int = Field(gt=0)
    fingerprint: str
    failures: int = Field(ge=0)
    synthetic: bool = False


class ProtocolInfo(_Document):
    """The protocol, and how it is named beside a number."""

    name: str
    seed: int
    title: str
    speaker_independent: bool


class Manifest(_Document):
    """``manifest.json``: what the run is. Written last: a folder with a manifest has complete data."""

    kind: Literal["msfl run"] = "msfl run"
    schema_version: int = SCHEMA_VERSION
    msfl_version: str
    name: str
    created: str
    experiment: dict[str, Any]
    versions: dict[str, str]
    features: FeatureInfo
    data: DataInfo
    protocol: ProtocolInfo
    normalisation: str
    language_sets: dict[str, tuple[str, ...]]
    folds: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class TaskInfo(_Document):
    """A task and its classes, in the order of the model's outputs."""

    name: str
    classes: tuple[str, ...]

    @field_validator("name")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in COLUMNS:
            raise ValueError(f"unknown task '{value}'")
        return value

    def task(self) -> Task:
        """Return it as models know it."""
        return Task(self.name, self.classes)


class JobRecord(_Document):
    """``job.json``: one cell of the grid, as it went."""

    id: str
    language_set: str
    languages: tuple[str, ...]
    model: str
    fold: str
    seed: int
    status: Literal["done", "failed"]
    reason: str = ""
    derived_seed: int
    parameters: dict[str, Any] = Field(default_factory=dict)
    tasks: tuple[TaskInfo, ...] = ()
    train: int = 0
    validation: int = 0
    test: int = 0
    validation_speakers: tuple[str, ...] = ()
    normalisation: str = ""
    attention: bool = False
    notes: tuple[str, ...] = ()
    seconds: float
    started: str
    versions: dict[str, str] = Field(default_factory=dict)

    @field_validator("id")
    @classmethod
    def _safe(cls, value: str) -> str:
        if not JOB_ID.fullmatch(value):
            raise ValueError("not the name of a job")
        return value


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that can change a result, without importing them."""
    import platform

    found = {"msfl": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a run folder.

    Raises:
        DataError: There is no such folder, it is no run folder, its preparation was never finished, it was
            written by a newer version, or the manifest is damaged.
    """
    file = folder / "manifest.json"
    if not folder.is_dir():
        raise DataError(f"There is no run folder '{folder}'. `msfl train EXPERIMENT` writes one.")
    if not file.is_file():
        if (folder / "jobs").is_dir() or (folder / "utterances.parquet").is_file():
            raise DataError(
                f"{folder} is a run folder whose preparation was interrupted; repeat the `msfl train` that "
                "began it."
            )
        raise DataError(
            f"{folder} is not a run folder: it holds no manifest.json. Name the folder that `msfl train` "
            "wrote."
        )
    raw = _read_json(file)
    if raw.get("kind") != "msfl run":
        raise DataError(f"{file} was not written by msfl; name the folder that `msfl train` wrote.")
    schema = raw.get("schema_version")
    if not isinstance(schema, int):
        raise DataError(f"{file} is damaged: it has no schema_version. Train again into a new folder.")
    if schema > SCHEMA_VERSION:
        raise DataError(
            f"{folder} was written by a newer msfl ({raw.get('msfl_version', 'unknown version')}, schema "
            f"{schema}; this one reads up to {SCHEMA_VERSION}). Update msfl to read it."
        )
    if schema < SCHEMA_VERSION:
        raise DataError(
            f"{folder} was written by an older msfl (schema {schema}; this one reads {SCHEMA_VERSION}). "
            "Train again into a new folder, or read it with the msfl that wrote it."
        )
    return _checked(Manifest, raw, file)


def read_job(folder: Path) -> JobRecord:
    """Read and check the ``job.json`` of a finished or failed job.

    Raises:
        DataError: The record is missing, damaged, or belongs to another folder.
    """
    file = folder / "job.json"
    if not file.is_file():
        raise DataError(f"{file} is missing: delete {folder} and repeat `msfl train` to compute it again.")
    record = _checked(JobRecord, _read_json(file), file)
    if record.id != folder.name:
        raise DataError(
            f"{file} belongs to the job '{record.id}': delete {folder} and repeat `msfl train` to compute it "
            "again."
        )
    return record


def _read_json(file: Path) -> dict[str, Any]:
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise DataError(
            f"{file} is damaged: it is not JSON. Restore it from a copy, or train into a new folder."
        ) from None
    if not isinstance(raw, dict):
        raise DataError(
            f"{file} is damaged: it holds no JSON object. Restore it, or train into a new folder."
        )
    return raw


def _checked(model: type[_T], raw: dict[str, Any], file: Path) -> _T:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DataError(
            f"{file} is damaged: {key}: {first['msg']}. Restore it from a copy, or train into a new folder."
        ) from None
