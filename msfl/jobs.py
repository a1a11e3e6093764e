"""One job: build the datasets of a fold, fit, predict, and put the result into the run as a whole.

Jobs run in worker processes. A worker reads the tables of the run once and keeps them for its next job.
"""

from __future__ import annotations

import errno
import shutil
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msfl.atomic import naming, write_json
from msfl.errors import MsflError
from msfl.grid import Job
from msfl.manifest import JobRecord, TaskInfo, versions
from msfl.processes import forget_networks, one_thread
from msfl.runs import FEATURES, JOBS, SEQUENCES, SPLITS, UTTERANCES, WORK_SUFFIX
from msfl.tasks import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from msfl.experiment import Experiment
    from msfl.features.normalisation import Scaler
    from msfl.models.contract import Dataset, System
    from msfl.tasks import Task


@dataclass(frozen=True)
class RunData:
    """The tables of a run that every job needs."""

    run: Path
    table: pd.DataFrame
    features: pd.DataFrame
    splits: pd.DataFrame

    def sequences(self, kind: str) -> pd.DataFrame:
        """Return where the frames of the utterances lie, see `msfl.sequences.extraction`."""
        return _sequence_table(self.run / SEQUENCES / f"{kind}.parquet")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the models' inputs."""
        return tuple(map(str, self.features.columns))


@dataclass(frozen=True)
class FoldData:
    """One fold of one language set, normalised.

    Attributes:
        train: What the model learns from.
        validation: Whole speakers of the training part for early stopping; None where none can be spared.
        test: Labelled utterances of the test part.
        tasks: Tasks with their classes, main task first.
        scaler: The normalisation, fitted on training and validation utterances.
        frame_scalers: That of each frame-level input.
    """

    train: Dataset
    validation: Dataset | None
    test: Dataset
    tasks: tuple[Task, ...]
    scaler: Scaler
    frame_scalers: Mapping[str, Scaler]


@lru_cache(maxsize=1)
def run_data(run: Path, fingerprint: str) -> RunData:
    """Read the tables of a run; ``fingerprint`` tells another run at the same place apart."""
    import pandas as pd

    return RunData(
        run=run,
        table=pd.read_parquet(run / UTTERANCES).set_index("utterance"),
        features=pd.read_parquet(run / FEATURES).set_index("utterance"),
        splits=pd.read_parquet(run / SPLITS),
    )


@lru_cache(maxsize=4)
def _sequence_table(file: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_parquet(file).set_index("utterance")


def fold_data(
    data: RunData,
    experiment: Experiment,
    job: Job,
    *,
    tasks: Sequence[str],
    uses_validation: bool,
    inputs: Sequence[str] = ("features",),
) -> FoldData:
    """Build what a job trains, stops and tests on.

    Args:
        data: The tables of the run.
        experiment: Its experiment.
        job: Language set and fold.
        tasks: Names of the tasks to learn, main task first.
        uses_validation: Whether to hold out training speakers.
        inputs: What the system reads, see `msfl.models.contract.System`.

    Raises:
        DataError: The training part has fewer than two classes of the main task.
    """
    from msfl.datasets import tasks_of
    from msfl.features.normalisation import Scaler
    from msfl.labelled import hide_labels
    from msfl.protocols import validation_speakers
    from msfl.selection import CONTENT, normalisation
    from msfl.sequences.sequences import fit_scaler

    train, test = _parts(data, job)
    # Neither model nor language set: all systems that are compared see the same labels.
    shown = f"{experiment.protocol.seed}|{job.fold}|{job.seed}"
    train = hide_labels(train, tasks[0], experiment.data.labelled, key=shown)
    kind = normalisation(data.table)
    scaler = Scaler(kind).fit(data.features.loc[train.index], train)
    frame_scalers = {
        name: fit_scaler(Scaler(kind), data.sequences(name).loc[train.index], train)
        for name in inputs
        if name != "features"
    }
    learnt = tasks_of(train, tasks)
    fit_ids, stop_ids = train.index, train.index[:0]
    if uses_validation:
        fit_ids, stop_ids = validation_speakers(
            train,
            train.index,
            seed=job.derived_seed(experiment.protocol.seed),
            duplicates=train[CONTENT].dropna(),
        )
    seen = _normalised(data, train, scaler, frame_scalers, learnt)
    tested = _normalised(data, test, scaler, frame_scalers, learnt)
    return FoldData(
        train=seen.subset(train.index.get_indexer(fit_ids)),
        validation=seen.subset(train.index.get_indexer(stop_ids)) if len(stop_ids) else None,
        test=tested.subset(test[COLUMNS[tasks[0]]].notna().to_numpy()),
        tasks=learnt,
        scaler=scaler,
        frame_scalers=frame_scalers,
    )


def _normalised(
    data: RunData,
    table: pd.DataFrame,
    scaler: Scaler,
    frame_scalers: Mapping[str, Scaler],
    tasks: tuple[Task, ...],
) -> Dataset:
    from msfl.datasets import make_dataset
    from msfl.sequences.sequences import make_sequences

    return make_dataset(
        table,
        scaler.transform(data.features.loc[table.index], table),
        data.feature_names,
        tasks,
        {
            kind: make_sequences(kind, data.sequences(kind).loc[table.index], one, table)
            for kind, one in frame_scalers.items()
        },
    )


def _parts(data: RunData, job: Job) -> tuple[pd.DataFrame, pd.DataFrame]:
    fold = data.splits[data.splits["fold"] == job.fold]
    table = data.table[data.table["language"].isin(job.language_set.languages)]
    train, test = (
        table[table.index.isin(fold.loc[fold["part"] == part, "utterance"])] for part in ("train", "test")
    )
    return train, test


def system_parameters(experiment: Experiment, model: str) -> dict[str, Any]:
    """Return the parameters of a model in an experiment: its own table, and the balancing where it takes one.

    Raises:
        UsageError: The model does not exist or has no such parameter.
    """
    from msfl.models.registry import check_parameters, is_multitask, parameters_of

    own = dict(experiment.model.get(model, {}))
    check_parameters(model, own)
    known = parameters_of(model)
    if "balancing" in known and is_multitask(model):
        # Written down also where it is the system's own, so that the record of the job says it.
        own.setdefault("balancing", experiment.training.balancing or known["balancing"])
    return own


def run_job(run: Path, fingerprint: str, experiment: Experiment, job: Job) -> JobRecord:
    """Run one job and put its folder into the run, finished or failed.

    A failure is written down with its reason, so that the other jobs go on; a full disk stops everything.
    """
    from msfl.models.registry import is_baseline

    final = run / JOBS / job.id
    work = final.with_name(final.name + WORK_SUFFIX)
    _clear(work)
    begun, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    base: dict[str, Any] = {
        "id": job.id,
        "language_set": job.language_set.name,
        "languages": job.language_set.languages,
        "model": job.model,
        "fold": job.fold,
        "seed": job.seed,
        "derived_seed": job.derived_seed(experiment.protocol.seed),
        "started": started,
        "versions": versions(),
    }
    try:
        with naming(work):
            base |= _fit_and_write(work, run_data(run, fingerprint), experiment, job)
        base |= {"status": "done"}
    except MsflError as error:
        base |= {"status": "failed", "reason": str(error)}
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EROFS,
            errno.EACCES,
        ):
            raise
        (work / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        base |= {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
    finally:
        if not is_baseline(job.model):  # garbage collection takes longer than many a baseline
            forget_networks()
    record = JobRecord(**base, seconds=round(time.monotonic() - begun, 3))
    write_json(work / "job.json", record.model_dump())
    shutil.rmtree(work / "checkpoint", ignore_errors=True)
    if final.is_dir():
        shutil.rmtree(final)  # an earlier failure, now tried again
    work.rename(final)
    return record


def _fit_and_write(work: Path, data: RunData, experiment: Experiment, job: Job) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from msfl.models.registry import get_system, inputs_of, tasks_of_system

    parameters = system_parameters(experiment, job.model)
    system = get_system(job.model, **parameters)
    one_thread()
    fold = fold_data(
        data,
        experiment,
        job,
        tasks=tasks_of_system(job.model, experiment.training.tasks, parameters),
        uses_validation=getattr(system, "uses_validation", True),
        inputs=inputs_of(job.model),
    )
    with threadpool_limits(1):  # sums over several threads would depend on their number
        found = _fit_and_predict(work, data, fold, system, job, job.derived_seed(experiment.protocol.seed))
    speakers = sorted(set(fold.validation.speaker)) if fold.validation is not None else []
    return {
        "parameters": parameters,
        "tasks": tuple(TaskInfo(name=task.name, classes=task.classes) for task in fold.tasks),
        "train": len(fold.train),
        "validation": len(fold.validation) if fold.validation is not None else 0,
        "test": len(fold.test),
        "validation_speakers": tuple(speakers),
        "normalisation": fold.scaler.description,
        **found,
    }


def _fit_and_predict(
    work: Path, data: RunData, fold: FoldData, system: System, job: Job, seed: int
) -> dict[str, Any]:
    from msfl.predictions import (
        attention_frame,
        embedding_frame,
        prediction_frame,
        time_attention_frame,
    )

    key = {"language_set": job.language_set.name, "model": job.model, "fold": job.fold, "seed": job.seed}
    checkpoint = work / "checkpoint"
    checkpoint.mkdir(parents=True, exist_ok=True)
    trained = system.fit(fold.train, fold.validation, seed=seed, checkpoint=checkpoint)
    prediction = trained.predict(fold.test)
    tested = data.table.loc[fold.test.utterances.tolist()]
    (work / "model").mkdir(exist_ok=True)
    trained.save(work / "model")
    fold.scaler.save(work / "scaler.npz")
    for kind, scaler in fold.frame_scalers.items():
        scaler.save(work / f"scaler-{kind}.npz")
    trained.history.to_parquet(work / "history.parquet", index=False)
    prediction_frame(tested, prediction, fold.tasks, key).to_parquet(
        work / "predictions.parquet", index=False
    )
    if fold.validation is not None:
        held_out = prediction_frame(
            data.table.loc[fold.validation.utterances.tolist()],
            trained.predict(fold.validation),
            fold.tasks,
            key,
        )
        held_out.to_parquet(work / "validation.parquet", index=False)
    if prediction.attention is not None:
        frame = attention_frame(tested, prediction.attention, data.feature_names, key)
        frame.to_parquet(work / "attention.parquet", index=False, use_dictionary=False, compression="zstd")
    if prediction.embedding is not None:
        embedding_frame(tested, prediction.embedding, key).to_parquet(work / "embedding.parquet", index=False)
    if prediction.time_attention:
        time_attention_frame(tested, prediction, key).to_parquet(work / "time_attention.parquet", index=False)
    return {"attention": prediction.attention is not None, "notes": tuple(getattr(trained, "notes", ()))}


def _clear(work: Path) -> None:
    """Make an empty work folder, keeping the checkpoint of a training that was interrupted."""
    work.mkdir(parents=True, exist_ok=True)
    for item in work.iterdir():
        if item.name == "checkpoint" and not item.is_symlink():
            continue
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        else:
            item.unlink()
