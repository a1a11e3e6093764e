"""Reading what ``msfl explain`` wrote into a run folder. Schema: `docs/explanations.md`.

A run folder may come from a stranger: names are checked before a path is made of them, and what does not fit is a
sentence. Nothing here needs TensorFlow or shap.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msfl.errors import DataError, UsageError, nearest
from msfl.runs import Run, open_run

if TYPE_CHECKING:
    import pandas as pd

    from analyses.cells import Cells

FOLDER = "explanations"
MANIFEST = "manifest.json"
SCHEMA_VERSION = 1
CONSENSUS = "consensus"
METHOD_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
TABLES = (
    "shared",
    "overlaps",
    "stability",
    "agreement",
    "faithfulness",
    "curves",
    "sanity",
    "confound",
    "planted",
    "effects",
    "tests",
    "directions",
    "verdicts",
    "clusters",
    "cluster_map",
)
"""Tables of all methods together."""
FOLDERS = ("cells", "rankings", "repeats")
"""Tables with one file per method: ``rankings/shap``."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class StepRecord(_Document):
    """How one step of the computation went.

    Attributes:
        status: ``done``, ``failed``, or ``left out`` (it does not apply to this run, or was not asked for).
        reason: Why it failed or was left out: one sentence.
        fingerprint: Hash of everything that its result depends on.
        tables: What it wrote, such as ``rankings/shap``.
        seconds: How long it took.
    """

    status: Literal["done", "failed", "left out"]
    reason: str = ""
    fingerprint: str = ""
    tables: tuple[str, ...] = ()
    seconds: float = 0.0


class ExplanationManifest(_Document):
    """``explanations/manifest.json``.

    Attributes:
        run: Fingerprints of the run that is explained (`of_run`).
        settings: Effort, utterances per language, orders, length of the top, methods.
        models: Method -> model that it explains.
        steps: Step -> how it went.
        missing: Table -> why it is not there.
        notes: What the reader must know about these explanations.
        complete: Whether the last `msfl explain` came to its end.
    """

    kind: Literal["msfl explanations"] = "msfl explanations"
    schema_version: int = SCHEMA_VERSION
    msfl_version: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    created: str = ""
    updated: str = ""
    run: dict[str, str] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, str] = Field(default_factory=dict)
    steps: dict[str, StepRecord] = Field(default_factory=dict)
    missing: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class Explanations:
    """The explanations of a run; tables are read when they are asked for, and only what is needed of them.

    Attributes:
        run: The run.
        manifest: What was computed, and why something is missing.
    """

    run: Run
    manifest: ExplanationManifest

    @property
    def path(self) -> Path:
        """The folder of the explanations."""
        return self.run.path / FOLDER

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods with rankings, in the order in which they were computed; `consensus` is the last."""
        folder = self.path / "rankings"
        names = {file.stem for file in folder.glob("*.parquet") if METHOD_NAME.fullmatch(file.stem)}
        listed = [name for name in self.manifest.models if name in names]
        others = sorted(names - {*listed, CONSENSUS})
        return (*listed, *others, *([CONSENSUS] if CONSENSUS in names else []))

    def has(self, name: str) -> bool:
        """Whether a table is there; names as in `table`."""
        return self.file(name).is_file()

    def table(self, name: str, /, columns: Sequence[str] | None = None, **filters: object) -> pd.DataFrame:
        """Read a table, or the part of it that is wanted.

        Args:
            name: Such as ``shared``, ``cells/shap`` or ``rankings/consensus``.
            columns: Columns to read; all by default.
            **filters: Column = value: only such rows. A list, tuple or set of values: rows with one of them.

        Raises:
            DataError: The table is missing or damaged; the sentence says why.
            UsageError: There is no such table.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        file = self.file(name)
        if not file.is_file():
            raise DataError(f"{self.run.path} has no table '{name}': {self.why_missing(name)}")
        wanted: Any = None
        for key, value in filters.items():
            field = pc.field(key)
            several = isinstance(value, list | tuple | set | frozenset)
            test = field.isin(list(value)) if several else field == value  # type: ignore[call-overload]
            wanted = test if wanted is None else wanted & test
        try:
            found = pq.read_table(
                file, columns=None if columns is None else list(columns), filters=wanted, partitioning=None
            )
            frame: pd.DataFrame = found.to_pandas()
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
            raise DataError(
                f"{file} cannot be read ({reason}). Delete it and repeat `msfl explain {self.run.path}`."
            ) from None
        return frame

    def rankings(
        self,
        method: str,
        *,
        language_set: str,
        task: str = "emotion",
        part_kind: str = "",
        part: str = "",
        level: str = "feature",
    ) -> pd.DataFrame:
        """Return one ranking, best first; columns as in docs/explanations.md.

        Raises:
            DataError: The method has no rankings; the sentence says why.
        """
        return self.table(
            f"rankings/{method}",
            task=task,
            language_set=language_set,
            part_kind=part_kind,
            part=part,
            level=level,
        )

    def repeats(
        self,
        method: str,
        *,
        language_set: str,
        task: str = "emotion",
        level: str = "feature",
        value: str = "rank",
    ) -> pd.DataFrame:
        """Return the rankings of the raw repeats.

        Args:
            method: The method; also ``consensus``.
            language_set: Name of the language set.
            task: The task.
            level: ``feature``, ``contour``, ``functional`` or ``family``.
            value: ``rank``, ``lift`` or ``importance``.

        Returns:
            Index (fold, seed), one column per item.
        """
        rows = self.table(
            f"repeats/{method}",
            columns=["fold", "seed", "name", value],
            task=task,
            language_set=language_set,
            level=level,
        )
        return rows.pivot(index=["fold", "seed"], columns="name", values=value)

    def cells(self, method: str) -> dict[str, dict[str, Cells]]:
        """Return the raw repeats of a method: task -> level of its values -> cells."""
        from analyses.cells import of_table

        return of_table(self.table(f"cells/{method}"))

    def why_missing(self, name: str) -> str:
        """Say in a sentence why a table is not there; empty if it is."""
        if self.has(name):
            return ""
        repeat = f"repeat `msfl explain {self.run.path}`."
        if name in self.manifest.missing:
            return self.manifest.missing[name]
        if not self.manifest.complete:
            return f"The explanation was interrupted before it; {repeat}"
        return f"It was not asked for, or its file was lost; {repeat}"

    def file(self, name: str) -> Path:
        """Return where a table lies, whether it is there or not; names as in `table`.

        Raises:
            UsageError: There is no such table.
        """
        folder, _, method = name.rpartition("/")
        known = name in TABLES if not folder else folder in FOLDERS and METHOD_NAME.fullmatch(method)
        if not known:
            hint = nearest(name, [*TABLES, *(f"{one}/{CONSENSUS}" for one in FOLDERS)])
            raise UsageError(f"There is no table '{name[:80]}' among the explanations of a run.{hint}")
        return self.path / f"{name}.parquet"


def open_explanations(run: Run | Path | str) -> Explanations:
    """Open the explanations of a run.

    Raises:
        DataError: The run has none, or they are damaged, foreign, of another run or of another schema version.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    manifest = read_manifest(opened)
    if manifest is None:
        raise DataError(f"{opened.path} has no explanations yet: run `msfl explain {opened.path}`.")
    return Explanations(opened, manifest)


def read_manifest(run: Run) -> ExplanationManifest | None:
    """Read and check the manifest of the explanations; None where there are none.

    Raises:
        DataError: It is damaged, foreign, of another run or of another schema version.
    """
    file = run.path / FOLDER / MANIFEST
    if not file.is_file():
        return None
    mend = f"Delete the folder {file.parent} and repeat `msfl explain {run.path}`."
    if (run.path / FOLDER).is_symlink():
        raise DataError(f"{run.path / FOLDER} is a link to somewhere else. {mend}")
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise DataError(f"{file} is damaged: it is not JSON. {mend}") from None
    if not isinstance(raw, dict) or raw.get("kind") != "msfl explanations":
        raise DataError(f"{file} was not written by `msfl explain`. {mend}")
    schema = raw.get("schema_version")
    if schema != SCHEMA_VERSION:
        age = "a newer" if isinstance(schema, int) and schema > SCHEMA_VERSION else "an older or foreign"
        raise DataError(
            f"{file.parent} was written by {age} msfl (schema {str(schema)[:20]}; this one reads "
            f"{SCHEMA_VERSION}). Update msfl, or: {mend}"
        )
    try:
        manifest = ExplanationManifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{file} is damaged: {key}: {first['msg']}. {mend}") from None
    if manifest.run != of_run(run):
        raise DataError(f"{file.parent} explains another run: features, recordings or folds differ. {mend}")
    return manifest


def of_run(run: Run) -> dict[str, str]:
    """Return what ties explanations to their run: the fingerprints of its features, recordings and protocol."""
    manifest = run.manifest
    return {
        "name": manifest.name,
        "created": manifest.created,
        "features": manifest.features.fingerprint,
        "data": manifest.data.fingerprint,
        "protocol": f"{manifest.protocol.name} {manifest.protocol.seed}",
    }


def write_manifest(run: Run, manifest: ExplanationManifest) -> None:
    """Write the manifest, atomically."""
    from msfl.atomic import write_json

    folder = run.path / FOLDER
    folder.mkdir(exist_ok=True)
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))


def write_tables(run: Run, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables of the explanations, each atomically, in pieces that a filter can skip.

    Args:
        run: The run.
        tables: Name (as in `Explanations.table`) -> table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from msfl.atomic import replacing

    for name, frame in tables.items():
        file = Explanations(run, ExplanationManifest()).file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        with replacing(file) as work:
            pq.write_table(table, work, compression="zstd", row_group_size=_ROWS)


_ROWS = 8192
"""Rows of a piece: a ranking of 1582 features lies in one or two."""
