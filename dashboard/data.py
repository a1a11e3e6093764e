"""What the pages read: the open runs, column by column, kept in small caches; nothing here is computed anew.

TensorFlow, shap, openSMILE and the like are never imported here: the server must start at once.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.pieces import Pieces
from dashboard.texts import LANGUAGES
from msfl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from analyses.explanations import Explanations
    from dashboard.state import State
    from msfl.features.grammar import FeatureName
    from msfl.runs import Run

BEST_METHODS = ("consensus", "shap", "attention")
"""The method that is shown first is the first of these that a run has."""


_RANKED_BY = ("task", "language_set", "part_kind", "part", "level")
"""Columns that tell the rankings in a table apart."""


@dataclass(frozen=True)
class Choices:
    """What can be chosen in a run; the value in the singular is the default.

    Attributes:
        sets, set: Language sets; by default the largest.
        models, model: Models; by default the first with attention.
        methods, method: Explanation methods that have a ranking.
        emotions, languages: Values in the utterance table.
        tasks, task: Tasks of the run.
    """

    sets: tuple[str, ...]
    set: str
    models: tuple[str, ...]
    model: str
    methods: tuple[str, ...]
    method: str
    emotions: tuple[str, ...]
    languages: tuple[str, ...]
    tasks: tuple[str, ...]
    task: str


class RunData:
    """One open run.

    Attributes:
        key: Its name in addresses.
        run: The run folder, read-only.
    """

    def __init__(self, key: str, run: Run) -> None:
        self.key = key
        self.run = run
        self.feature = lru_cache(maxsize=256)(self._feature)
        self.predicted = lru_cache(maxsize=32)(self._predicted)
        self.words = lru_cache(maxsize=16_384)(self._words)
        self._cached_table = lru_cache(maxsize=128)(self._read_table)
        self._pieces = lru_cache(maxsize=48)(self._open_pieces)
        self._choices_at = lru_cache(maxsize=2)(self._choices_now)
        self._opened = lru_cache(maxsize=1)(self._open)

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.run.manifest.name

    @cached_property
    def utterances(self) -> pd.DataFrame:
        """The utterance table, index ``utterance``."""
        return self.run.utterances

    @cached_property
    def utterance_set(self) -> frozenset[str]:
        """Ids of the utterances."""
        return frozenset(map(str, self.utterances.index))

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the run."""
        return self.run.feature_names

    @cached_property
    def feature_set(self) -> frozenset[str]:
        """Names of the features."""
        return frozenset(self.feature_names)

    @cached_property
    def scores(self) -> pd.DataFrame | None:
        """The table of scores; None while the run is incomplete."""
        return self.run.scores if (self.run.path / "scores.parquet").is_file() else None

    @cached_property
    def predictions(self) -> pd.DataFrame | None:
        """The table of predictions; None while the run is incomplete."""
        return self.run.predictions if (self.run.path / "predictions.parquet").is_file() else None

    def _predicted(self, task: str, language_set: str, model: str) -> pd.DataFrame | None:
        """Return the predictions of one model for one task on its test utterances; None without predictions."""
        file = self.run.path / "predictions.parquet"
        stamp = _stamp(file)
        if stamp is None:
            return None
        with _damage(file, "Restore it from a copy, or repeat `msfl train`."):
            pieces = self._pieces(file, stamp)
            columns = [name for name in pieces.columns if name not in ("corpus", "speaker")]
            wanted = (("task", task), ("language_set", language_set), ("model", model))
            return pieces.read(columns, wanted)

    def _feature(self, name: str) -> pd.Series:
        """Return the raw values of one feature, float32, index ``utterance``."""
        if name not in self.feature_set:
            raise DataError(f"The run '{self.key}' has no feature '{name}'.")
        file = self.run.path / "features.parquet"
        with _damage(file, "Restore it from a copy, or train into a new folder."):
            pieces = self._pieces(file, _stamp(file) or 0)  # its thousands of columns are looked through once
            return pieces.read(["utterance", name], ()).set_index("utterance")[name]

    def _words(self, name: str) -> FeatureName:
        """Return what a feature is in words."""
        from msfl.features.grammar import parse_or_unknown

        return parse_or_unknown(name, self.run.manifest.features.set)

    # -- explanations ---------------------------------------------------------------------------------------
    @property
    def _manifest(self) -> Path:
        return self.run.path / "explanations" / "manifest.json"

    @property
    def explanations(self) -> Explanations | None:
        """The explanations of the run, also those computed since the page was opened; None while there are none.

        Raises:
            DataError: They are damaged, or explain another run.
        """
        stamp = _stamp(self._manifest)
        if stamp is None:
            return None
        try:
            return self._opened(stamp)
        except OSError as error:
            raise DataError(
                f"{self._manifest} cannot be read ({error.strerror or error}). Make it readable, or delete "
                f"{self._manifest.parent} and repeat `msfl explain {self.run.path}`."
            ) from None

    def _open(self, stamp: int) -> Explanations:
        from analyses.explanations import open_explanations

        return open_explanations(self.run)

    @property
    def _readable(self) -> Explanations | None:
        try:
            return self.explanations
        except DataError:
            return None

    @property
    def explained(self) -> bool:
        """Whether there are explanations that can be read."""
        return self._readable is not None

    @property
    def problem(self) -> str:
        """Why the explanations cannot be read, in a sentence; empty where they can, or where there are none."""
        try:
            _ = self.explanations
        except DataError as error:
            return str(error)
        return ""

    def has(self, name: str) -> bool:
        """Whether a table of the explanations is there, see `table`."""
        readable = self._readable
        return readable is not None and readable.has(name)

    def why_missing(self, name: str) -> str:
        """Say in a sentence why a table of the explanations is not there."""
        readable = self._readable
        return self.problem if readable is None else readable.why_missing(name)

    def table(
        self, name: str, /, columns: Sequence[str] | None = None, **equals: Hashable
    ) -> pd.DataFrame | None:
        """Return a table of the explanations, or a part of it; None where it was not computed.

        The frame is shared between callers: do not write into it.

        Args:
            name: ``verdicts``, ``rankings/shap``, ...: see `analyses.explanations.Explanations.table`.
            columns: The columns to read; all by default. Name those that you need: it is faster.
            equals: Rows to read, as column=value, or column=(value, value).

        Raises:
            DataError: The table is damaged. Where all explanations are (`problem`), every table is None.
        """
        readable = self._readable
        if readable is None or not readable.has(name):
            return None
        stamp = _stamp(readable.file(name))
        wanted = None if columns is None else tuple(columns)
        return self._cached_table(name, wanted, tuple(sorted(equals.items())), stamp)

    def _read_table(
        self,
        name: str,
        columns: tuple[str, ...] | None,
        equals: tuple[tuple[str, Hashable], ...],
        stamp: int | None,
    ) -> pd.DataFrame:
        assert self.explanations is not None
        file = self.explanations.file(name)
        with _damage(file, f"Delete it and repeat `msfl explain {self.run.path}`."):
            return self._pieces(file, stamp or 0).read(columns, equals)

    def _open_pieces(self, file: Path, stamp: int) -> Pieces:
        return Pieces(file, _RANKED_BY if file.parent.name == "rankings" else ())

    @property
    def stamp(self) -> tuple[int | None, ...]:
        """Changes whenever something of the run was written: the key under which what was drawn of it is kept."""
        names = ("manifest.json", "scores.parquet", "predictions.parquet", "attributions")
        folders = ("", "rankings", "manifest.json")
        files = [self.run.path / name for name in names]
        return tuple(_stamp(file) for file in [*files, *(self._manifest.parent / name for name in folders)])

    @property
    def choices(self) -> Choices:
        """What can be chosen; methods appear as soon as they are computed."""
        stamps = (_stamp(self._manifest), _stamp(self._manifest.parent / "rankings"))
        return self._choices_at(stamps)

    def _choices_now(self, stamps: tuple[int | None, ...]) -> Choices:
        readable = self._readable
        methods = () if readable is None else readable.methods
        return self._choices_for(
            tuple(sorted(methods, key=lambda name: [name != best for best in BEST_METHODS]))
        )

    def _choices_for(self, methods: tuple[str, ...]) -> Choices:
        return Choices(
            **self._fixed, methods=methods or ("attention",), method=methods[0] if methods else "attention"
        )

    @cached_property
    def _fixed(self) -> dict[str, Any]:
        manifest = self.run.manifest
        sets = tuple(manifest.language_sets)
        done = [job for job in self.run.jobs if job.status == "done"]
        known = {job.model for job in done}
        models = tuple(name for name in self.run.experiment.training.models if name in known)
        attentive = [name for name in models if any(job.model == name and job.attention for job in done)]
        tasks = tuple(self.run.experiment.training.tasks)
        return {
            "sets": sets,
            "set": max(sets, key=lambda name: len(manifest.language_sets[name]), default=""),
            "models": models,
            "model": (attentive or list(models) or [""])[0],
            "emotions": _values(self.utterances["emotion"]),
            "languages": _values(self.utterances["language"]),
            "tasks": tasks,
            "task": tasks[0] if tasks else "",
        }


@dataclass(frozen=True)
class Data:
    """Everything that is open.

    Attributes:
        runs: Key -> run, in the order in which they were given.
        refused: Folder -> the sentence that says why it could not be opened.
        lang: Interface language where the address names none.
        audio_root: Folder that holds the recordings, where they are not where the run says.
        services: Things that a page sets up for itself when the app is made, by name.
    """

    runs: Mapping[str, RunData]
    refused: Mapping[str, str] = field(default_factory=dict)
    lang: str = "en"
    audio_root: Path | None = None
    services: dict[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """Key of the run that is shown first."""
        return next(iter(self.runs))

    @property
    def languages(self) -> tuple[str, ...]:
        """Interface languages."""
        return tuple(LANGUAGES)

    def get(self, key: str) -> RunData:
        """Return a run by its key; the first where there is no such run."""
        return self.runs.get(key) or self.runs[self.first]

    def run(self, state: State) -> RunData:
        """Return the run that a state looks at."""
        return self.get(state.run)

    def other_run(self, state: State) -> RunData:
        """Return the run on the other side of a comparison."""
        return self.get(state.run2 or state.run)


def keyed(runs: Sequence[Run]) -> dict[str, RunData]:
    """Give every run a short key that is safe in an address: the name of its experiment, numbered if need be."""
    found: dict[str, RunData] = {}
    for run in runs:
        stem = re.sub(r"[^a-z0-9]+", "-", run.manifest.name.lower()).strip("-")[:40] or "run"
        key, number = stem, 2
        while key in found:
            key, number = f"{stem}-{number}", number + 1
        found[key] = RunData(key, run)
    return found


def _stamp(file: Path) -> int | None:
    """When a file was written: the key under which what was read from it is kept."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


@contextmanager
def _damage(file: Path, mend: str) -> Iterator[None]:
    """Turn what a reader raises on a damaged file into a sentence."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise DataError(f"{file} cannot be read ({reason}). {mend}") from None


def _values(column: pd.Series) -> tuple[str, ...]:
    return tuple(sorted(str(value) for value in column.dropna().unique()))
