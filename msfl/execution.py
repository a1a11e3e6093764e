"""Running the grid: joblib processes, progress with the time left, and going on where an earlier run stopped.

The executor is whatever joblib is set to: processes of this machine by default, or a Dask cluster inside
``joblib.parallel_config(backend="dask")`` when the run folder lies on a file system that the workers share.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msfl.errors import DataError, UsageError
from msfl.processes import end_with, no_orphans
from msfl.quiet import hush_libraries

if TYPE_CHECKING:
    from msfl.experiment import Experiment
    from msfl.grid import Job
    from msfl.manifest import JobRecord, Manifest


@dataclass(frozen=True)
class Outcome:
    """What a call of `train` did.

    Attributes:
        run: The run folder.
        jobs: Number of jobs of the grid.
        skipped: Jobs that were finished before.
        failed: Jobs that failed, with their reasons.
        bad_recordings: Recordings that gave no features.
        warnings: What a reviewer would ask about.
    """

    run: Path
    jobs: int
    skipped: int
    failed: tuple[JobRecord, ...]
    bad_recordings: int
    warnings: tuple[str, ...]


def train(
    experiment: Experiment,
    out: Path,
    *,
    jobs: int | None = None,
    progress: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Run an experiment into a run folder; repeat the call to go on after an interruption.

    Results do not depend on ``jobs``: each job derives its seed from its place in the grid and computes with
    one thread.

    Args:
        experiment: The experiment.
        out: The run folder, new or begun before.
        jobs: Number of processes; by default one per core that this process may use.
        progress: Whether to show progress on stderr.
        say: Receives one sentence per step.

    Raises:
        UsageError: The experiment asks for something that does not exist, or ``jobs`` is below one.
        DataError: The data cannot be used, the folder holds another experiment, or a worker process died.
    """
    from msfl.assembly import assemble, forget, is_assembled
    from msfl.preparation import existing, prepare

    workers = worker_count(jobs)
    existing(out)  # a foreign folder is refused before anything is written into it
    out.mkdir(parents=True, exist_ok=True)
    with _locked(out):
        manifest, plan = prepare(experiment, out, jobs=workers, progress=progress, say=say)
        todo = [
            (job, cost) for job, cost in zip(plan.jobs, plan.costs, strict=True) if not _finished(out, job)
        ]
        for warning in plan.warnings if todo else ():
            say(f"Warning: {warning}")
        skipped = len(plan.jobs) - len(todo)
        if skipped:
            say(f"{skipped} of {len(plan.jobs)} jobs are finished already")
        failed: list[JobRecord] = []
        if todo:
            forget(out)
            records = run_jobs(out, manifest, experiment, todo, workers, progress=progress)
            ended = list(records)
            failed = [record for record in ended if record.status == "failed"]
            if any(record.notes for record in ended):
                say("Some trainings have something to say beside their numbers: see `msfl results`.")
        if not is_assembled(out):
            say("Collecting predictions, scores and attention")
            assemble(out)
    return Outcome(out, len(plan.jobs), skipped, tuple(failed), manifest.data.failures, plan.warnings)


def worker_count(jobs: int | None) -> int:
    """Return the number of processes to use.

    Raises:
        UsageError: Fewer than one was asked for.
    """
    if jobs is None:
        import joblib

        return int(joblib.cpu_count())
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: at least one process is needed.")
    return jobs


def run_jobs(
    out: Path,
    manifest: Manifest,
    experiment: Experiment,
    todo: list[tuple[Job, float]],
    workers: int,
    *,
    progress: bool = True,
) -> Iterator[JobRecord]:
    """Run jobs in worker processes and yield their records as they end.

    Raises:
        DataError: A worker process died, for want of memory as a rule; finished jobs are kept.
    """
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    fingerprint = manifest.data.fingerprint + manifest.features.fingerprint
    costs = {job.id: cost for job, cost in todo}
    parallel = joblib.Parallel(
        n_jobs=min(workers, len(todo)), return_as="generator_unordered", pre_dispatch="n_jobs"
    )
    calls = (joblib.delayed(_guarded)(out, fingerprint, experiment, job, os.getpid()) for job, _ in todo)
    with _progress(len(todo), sum(costs.values()), enabled=progress) as advance, no_orphans():
        try:
            for record in parallel(calls):
                advance(record, costs[record.id])
                yield record
        except TerminatedWorkerError:
            raise DataError(
                "A worker process died, probably for want of memory. Repeat with fewer --jobs than "
                f"{workers}: what was finished is kept."
            ) from None


def _guarded(out: Path, fingerprint: str, experiment: Experiment, job: Job, owner: int) -> JobRecord:
    """Run a job in a worker that ends when the process that started it has gone."""
    from msfl.jobs import run_job

    if os.getpid() != owner:
        hush_libraries()
    end_with(owner)
    return run_job(out, fingerprint, experiment, job)


def _finished(out: Path, job: Job) -> bool:
    """Whether a job ended well before; a failed or damaged one is computed again."""
    from msfl.manifest import read_job
    from msfl.runs import JOBS

    folder = out / JOBS / job.id
    if not folder.is_dir():
        return False
    try:
        record = read_job(folder)
    except DataError:
        return False
    files = ["predictions.parquet", "scaler.npz", *(["attention.parquet"] if record.attention else [])]
    return record.status == "done" and all((folder / name).is_file() for name in files)


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Keep a second training out of the folder; the lock goes with the process, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (out / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"Another `msfl train` is writing into {out}; wait for it, or stop it.") from None
        except OSError:  # a file system without locks
            pass
        yield


@contextmanager
def _progress(jobs: int, cost: float, *, enabled: bool) -> Iterator[Callable[[JobRecord, float], None]]:
    """Show a bar on a terminal, and now and then a line where there is none."""
    from rich.console import Console

    console = Console(stderr=True)
    done = 0
    if not (enabled and console.is_terminal):
        step = max(1, jobs // 20)

        def log(record: JobRecord, _: float) -> None:
            nonlocal done
            done += 1
            if enabled and (done % step == 0 or done == jobs or record.status == "failed"):
                console.print(f"{done}/{jobs} {_words(record)}", highlight=False, soft_wrap=True)

        yield log
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.table import Column

    columns: list[Any] = [
        TextColumn("{task.fields[count]}/{task.fields[jobs]}"),
        BarColumn(bar_width=16),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn(
            "{task.description}",
            table_column=Column(no_wrap=True, overflow="ellipsis", max_width=max(20, console.width - 46)),
        ),
    ]
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("training", total=cost, count=0, jobs=jobs)

        def advance(record: JobRecord, size: float) -> None:
            nonlocal done
            done += 1
            bar.update(task, advance=size, count=done, description=_words(record))
            if record.status == "failed":
                bar.console.print(f"failed: {_words(record)}: {record.reason}", markup=False)

        yield advance


def _words(record: JobRecord) -> str:
    status = "" if record.status == "done" else " FAILED"
    where = f"{record.language_set} {record.model} {record.fold} seed {record.seed}"
    return f"{where} ({record.seconds:.0f} s){status}"
