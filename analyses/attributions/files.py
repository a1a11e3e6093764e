"""Attributions in the run folder: ``attributions/METHOD/JOB.parquet``, see docs/explanations.md."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.attributions.contract import KEY_COLUMNS, Attribution
from msfl.atomic import replacing
from msfl.errors import DataError
from msfl.manifest import versions

if TYPE_CHECKING:
    from msfl.manifest import JobRecord
    from msfl.runs import Run

FOLDER = "attributions"
NUMBERS = ("samples", "standard_error", "completeness_error", "base_value")
"""Columns of a file between the keys and the items."""
LEVEL = "level"
_TEXT = (*KEY_COLUMNS, LEVEL)


@dataclass(frozen=True)
class Settings:
    """What the values of a file depend on, besides the versions of the software.

    Attributes:
        method: Name of the explainer.
        parameters: All its parameters.
        seed: The seed that the caller gave.
        utterances_per_language: How many utterances were explained; None for all.
    """

    method: str
    parameters: Mapping[str, Any]
    seed: int
    utterances_per_language: int | None

    def metadata(self, run: Run, record: JobRecord) -> dict[str, str]:
        """Return them as text, with what identifies the job."""
        return {
            "method": self.method,
            "parameters": json.dumps(dict(self.parameters), sort_keys=True, default=str),
            "seed": str(self.seed),
            "utterances_per_language": str(self.utterances_per_language or "all"),
            "fingerprint": fingerprint(run, record),
        }


def fingerprint(run: Run, record: JobRecord) -> str:
    """Return a hash that changes when a job was trained again, or on other data."""
    parts = (record.model_dump_json(), run.manifest.data.fingerprint, run.manifest.features.fingerprint)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def path_of(run: Run, method: str, record: JobRecord, table: str = "") -> Path:
    """Return the file of a job, or of one of the other tables of a method."""
    return run.path / FOLDER / method / f"{record.id}{f'-{table}' if table else ''}.parquet"


def is_current(run: Run, record: JobRecord, settings: Settings) -> bool:
    """Whether the attributions of a job are there, computed with these settings from this very model."""
    found = metadata_of(path_of(run, settings.method, record))
    return all(found.get(key) == value for key, value in settings.metadata(run, record).items())


def metadata_of(file: Path) -> dict[str, str]:
    """Return the metadata of a file; nothing where it is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_schema(file).metadata or {}
        return {key.decode(): value.decode() for key, value in found.items()}
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        return {}


def write(run: Run, record: JobRecord, settings: Settings, attribution: Attribution) -> None:
    """Write the attributions of a job; its other tables first, so that the file says that all is there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    metadata = settings.metadata(run, record) | {
        LEVEL: ",".join(attribution.levels),
        "baseline": attribution.baseline,
        "derived_seed": str(attribution.seed),
        "versions": json.dumps(versions()),
    }
    frame = attribution.keys.assign(
        samples=attribution.samples.astype(np.int64),
        standard_error=attribution.standard_error.astype(np.float32),
        completeness_error=attribution.completeness_error.astype(np.float32),
        base_value=attribution.base_values.astype(np.float32),
    )
    keys = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    values = pa.table(
        [pa.array(np.ascontiguousarray(column)) for column in attribution.values.astype(np.float32).T],
        names=list(attribution.items),
    )
    for name in values.column_names:
        keys = keys.append_column(name, values[name])
    file = path_of(run, settings.method, record)
    file.parent.mkdir(parents=True, exist_ok=True)
    tables = {
        table: pa.Table.from_pandas(each, preserve_index=False) for table, each in attribution.tables.items()
    }
    for name, table in {**tables, "": keys}.items():
        with replacing(path_of(run, settings.method, record, name)) as work:
            pq.write_table(
                table.replace_schema_metadata(metadata), work, compression="zstd", use_dictionary=list(_TEXT)
            )


def read(run: Run, method: str, record: JobRecord) -> Attribution:
    """Read the attributions of a job.

    Raises:
        DataError: They were not computed, are damaged, or belong to an earlier training of the job.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = path_of(run, method, record)
    again = f"Repeat `msfl explain {run.path}`."
    if not file.is_file():
        raise DataError(f"{file} is missing: the attributions of this job were not computed. {again}")
    metadata = metadata_of(file)
    if metadata.get("fingerprint") != fingerprint(run, record):
        raise DataError(f"{file} is damaged, or its job was trained again since. {again}")
    try:
        frame = pq.read_table(file, partitioning=None).to_pandas()
        levels = tuple(metadata[LEVEL].split(","))
        keys = list(KEY_COLUMNS) + ([LEVEL] if len(levels) > 1 else [])
        items = [name for name in frame.columns if name not in (*keys, *NUMBERS)]
        return Attribution(
            values=frame[items].to_numpy(dtype=np.float32),
            keys=frame[keys].astype({name: "string" for name in keys if name != "seed"}),
            items=tuple(items),
            base_values=frame["base_value"].to_numpy(dtype=np.float32),
            samples=frame["samples"].to_numpy(dtype=np.int64),
            standard_error=frame["standard_error"].to_numpy(dtype=np.float32),
            completeness_error=frame["completeness_error"].to_numpy(dtype=np.float32),
            method=method,
            levels=levels,
            baseline=metadata["baseline"],
            seed=int(metadata["derived_seed"]),
        )
    except (KeyError, ValueError, OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{file} is damaged ({reason}). Delete it. {again}") from None


def table(run: Run, method: str, name: str) -> pd.DataFrame:
    """Read another table of a method, such as ``uar`` of ``permutation``, of all jobs.

    Raises:
        DataError: There is none.
    """
    files = [path_of(run, method, record, name) for record in run.jobs]
    found = [pd.read_parquet(file) for file in files if file.is_file()]
    if not found:
        raise DataError(f"{run.path} has no table '{name}' of the method '{method}'.")
    return pd.concat(found, ignore_index=True)
