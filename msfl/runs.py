"""Reading a run folder: finished, half finished, or sent by a colleague. Schema: `docs/run-folder.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msfl.errors import DataError, UsageError, nearest
from msfl.manifest import JOB_ID, JobRecord, Manifest, read_job, read_manifest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from msfl.experiment import Experiment
    from msfl.features.normalisation import Scaler
    from msfl.models.contract import TrainedSystem

UTTERANCES = "utterances.parquet"
FEATURES = "features.parquet"
SPLITS = "splits.parquet"
FAILURES = "failures.parquet"
PREDICTIONS = "predictions.parquet"
SCORES = "scores.parquet"
ATTENTION = "attributions/attention.parquet"
SEQUENCES = "sequences"
JOBS = "jobs"
TIME_ATTENTION = "time_attention.parquet"
WORK_SUFFIX = ".work"
KEYS = ("utterance", "corpus", "language", "speaker", "language_set", "model", "fold", "seed")
"""Columns of a prediction or attention row that are no result."""


@dataclass(frozen=True)
class Run:
    """A run folder that was opened with `open_run`; tables are read when they are asked for.

    Attributes:
        path: The folder.
        manifest: Its checked manifest.
    """

    path: Path
    manifest: Manifest

    @cached_property
    def utterances(self) -> pd.DataFrame:
        """The utterance table of the experiment, index ``utterance``."""
        return self._table(UTTERANCES).set_index("utterance")

    def features(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the raw features, float32, index ``utterance``; all columns or some."""
        return self._table(FEATURES, columns=_with(columns, "utterance")).set_index("utterance")

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the models' inputs."""
        import pyarrow.parquet as pq

        with _damage(self.path / FEATURES):
            names = pq.read_schema(self._file(FEATURES)).names
        return tuple(name for name in names if name != "utterance")

    @cached_property
    def splits(self) -> pd.DataFrame:
        """Columns fold, part (``train`` or ``test``), utterance."""
        return self._table(SPLITS)

    @property
    def failures(self) -> pd.DataFrame:
        """Recordings that gave no features: utterance, file, reason."""
        return self._table(FAILURES)

    @property
    def predictions(self) -> pd.DataFrame:
        """Predictions on test utterances, see `docs/run-folder.md`."""
        return self._table(PREDICTIONS)

    @property
    def scores(self) -> pd.DataFrame:
        """Scores with intervals, see `docs/run-folder.md`."""
        return self._table(SCORES)

    def attention(
        self,
        columns: Sequence[str] | None = None,
        *,
        language_set: str | None = None,
        model: str | None = None,
    ) -> pd.DataFrame:
        """Return attention weights on test utterances: the key columns (`KEYS`) and one column per feature.

        Args:
            columns: Features to read; all by default. Reading one column is cheap.
            language_set: Rows of this language set only.
            model: Rows of this model only.
        """
        wanted = {"language_set": language_set, "model": model}
        filters = [(key, "==", value) for key, value in wanted.items() if value is not None]
        return self._table(ATTENTION, columns=_with(columns, *KEYS), filters=filters or None)

    def attention_batches(self, rows: int = 1024) -> Iterator[pd.DataFrame]:
        """Yield the attention table in pieces of at most ``rows`` rows, where it does not fit into memory."""
        import pyarrow.parquet as pq

        with _damage(self.path / ATTENTION):
            for batch in pq.ParquetFile(self._file(ATTENTION)).iter_batches(batch_size=rows):
                yield batch.to_pandas()

    @property
    def has_attention(self) -> bool:
        """Whether any model of the run wrote attention weights."""
        return (self.path / ATTENTION).is_file()

    def time_attention(
        self, *, language_set: str | None = None, model: str | None = None, utterance: str | None = None
    ) -> pd.DataFrame:
        """Return which part of the test utterances each task listened to, of the models that attend to time.

        Args:
            language_set: Rows of this language set only.
            model: Rows of this model only.
            utterance: Rows of this utterance only: one per task and seed.

        Returns:
            The key columns (`KEYS`), task, step_seconds, and weights: one per time step, sum one. Of a recording that
            is longer than what the model reads, these are the steps of its middle. Without rows where there are none.
        """
        import pandas as pd

        only = None if utterance is None else [("utterance", "==", utterance)]
        found = [
            self._table(f"{JOBS}/{job.id}/{TIME_ATTENTION}", filters=only)
            for job in self._jobs_over_time(language_set)
            if model in (None, job.model)
        ]
        if not found:
            return pd.DataFrame(columns=[*KEYS, "task", "step_seconds", "weights"])
        return pd.concat(found, ignore_index=True)

    def models_over_time(self, language_set: str | None = None) -> tuple[str, ...]:
        """Return the models that wrote attention over time, by name; of one language set, or of any."""
        return tuple(sorted({job.model for job in self._jobs_over_time(language_set)}))

    def _jobs_over_time(self, language_set: str | None) -> list[JobRecord]:
        return [
            job
            for job in self.jobs
            if job.status == "done"
            and language_set in (None, job.language_set)
            and (self.job_folder(job.id) / TIME_ATTENTION).is_file()
        ]

    @cached_property
    def jobs(self) -> tuple[JobRecord, ...]:
        """The jobs that ended, well (``done``) or not (``failed``), in the order of their names."""
        folder = self.path / JOBS
        if not folder.is_dir():
            return ()
        names = sorted(item.name for item in folder.iterdir() if JOB_ID.fullmatch(item.name))
        return tuple(read_job(self.job_folder(name)) for name in names)

    def job_folder(self, job_id: str) -> Path:
        """Return the folder of a job; refuses names that would lead out of the run folder.

        Raises:
            DataError: The name is no job id, or the folder is a link to somewhere else.
        """
        folder = self.path / JOBS / job_id
        if not JOB_ID.fullmatch(job_id) or folder.is_symlink():
            raise DataError(
                f"{self.path} holds a job with the unsafe name '{job_id}'; do not use this run folder."
            )
        return folder

    def history(self, job: JobRecord) -> pd.DataFrame:
        """Return the training history of a job: one row per epoch, empty for systems without epochs."""
        return self.job_table(job, "history.parquet")

    def job_table(self, job: JobRecord, name: str) -> pd.DataFrame:
        """Return one of the tables of a job, see `docs/run-folder.md`."""
        return self._table(f"{JOBS}/{self.job_folder(job.id).name}/{name}")

    def job_arrow(self, job: JobRecord, name: str) -> pa.Table:
        """Return one of the tables of a job as Arrow, without the copy that pandas needs."""
        import pyarrow.parquet as pq

        file = self._file(f"{JOBS}/{self.job_folder(job.id).name}/{name}")
        with _damage(file):
            return pq.read_table(file)

    def load_system(self, job: JobRecord) -> TrainedSystem:
        """Load the trained model of a finished job.

        Raises:
            DataError: The job failed, or its files are damaged.
        """
        from msfl.models.registry import get_system

        if job.status != "done":
            raise DataError(f"{self.path}: the job {job.id} failed ({job.reason}); it has no model.")
        folder = self.job_folder(job.id) / "model"
        if not folder.is_dir():
            raise DataError(f"{folder} is missing: delete its job folder and repeat `msfl train`.")
        return get_system(job.model, **job.parameters).load(folder)

    def load_scaler(self, job: JobRecord) -> Scaler:
        """Load the normalisation that belongs to the model of a job.

        Raises:
            DataError: The file is missing or damaged.
        """
        return self._scaler(job, "scaler.npz")

    def load_frame_scaler(self, job: JobRecord, kind: str) -> Scaler:
        """Load the normalisation of a frame-level input of the model of a job.

        Raises:
            DataError: The file is missing or damaged.
        """
        return self._scaler(job, f"scaler-{kind}.npz")

    def _scaler(self, job: JobRecord, name: str) -> Scaler:
        from msfl.features.normalisation import Scaler

        file = self.job_folder(job.id) / name
        with _damage(file):
            return Scaler.load(self._file(str(file.relative_to(self.path))))

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment that the run answers, as it was resolved."""
        from msfl.experiment import parse_experiment

        try:
            return parse_experiment(self.manifest.experiment, folder=self.path)
        except UsageError as error:
            raise DataError(
                f"{self.path / 'manifest.json'} is damaged: {error} Train into a new folder."
            ) from None

    def title(self) -> str:
        """Return the line that stands above every number of this run: protocol, normalisation, features."""
        from msfl.labelled import in_words

        manifest = self.manifest
        hidden = in_words(self.labelled)
        synthetic = "SYNTHETIC SPEECH; " if manifest.data.synthetic else ""
        return (
            f"{synthetic}{manifest.protocol.title}; normalisation: {manifest.normalisation}; "
            f"features: {manifest.features.set}{'; ' if hidden else ''}{hidden}"
        )

    @property
    def labelled(self) -> float:
        """Share of the training utterances whose label of the main task the models have seen."""
        share = self.manifest.experiment.get("data", {}).get("labelled", 1.0)
        return float(share) if isinstance(share, int | float) else 1.0

    def language_set(self, name: str) -> tuple[str, ...]:
        """Return the languages of a set of this run.

        Raises:
            UsageError: The run has no such set.
        """
        sets = self.manifest.language_sets
        if name not in sets:
            raise UsageError(
                f"{self.path} has no language set '{name}' (there are "
                f"{', '.join(sets)}).{nearest(name, list(sets))}"
            )
        return sets[name]

    def _file(self, name: str) -> Path:
        file = self.path / name
        if not file.is_file():
            raise DataError(
                f"{file} is missing: the run is incomplete or was copied incompletely. Repeat the `msfl "
                "train` that began it, or copy it again."
            )
        return file

    def _table(self, name: str, **options: Any) -> pd.DataFrame:
        import pandas as pd

        file = self._file(name)
        with _damage(file):
            return pd.read_parquet(file, **options)


def open_run(path: Path | str) -> Run:
    """Open a run folder.

    Raises:
        DataError: It is no run folder, a damaged one, or one of another schema version.
    """
    folder = Path(path)
    return Run(folder, read_manifest(folder))


class _damage:  # noqa: N801 - reads as a statement: with _damage(file)
    """Turn what a reader raises on a damaged file into a sentence."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        from zipfile import BadZipFile

        import pyarrow as pa

        unreadable = isinstance(error, OSError) and error.errno is None  # how pyarrow reports a broken file
        if unreadable or isinstance(error, pa.ArrowException | BadZipFile | ValueError | KeyError | EOFError):
            reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
            raise DataError(
                f"{self.file} is damaged ({reason}). Restore it from a copy, or delete it and repeat `msfl "
                "train`."
            ) from None


def _with(columns: Sequence[str] | None, *keys: str) -> list[str] | None:
    return None if columns is None else [*keys, *columns]
