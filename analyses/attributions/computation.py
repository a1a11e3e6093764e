"""Attributions of a whole run: job by job, resumable, each with its own seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.attributions import files
from analyses.attributions.contract import Attribution
from analyses.attributions.registry import get_explainer, parameters_of
from analyses.attributions.subjects import choose_utterances, job_seed, load_subject
from analyses.processes import in_processes
from msfl.errors import DataError, MsflError, UsageError
from msfl.processes import forget_networks

if TYPE_CHECKING:
    from analyses.attributions.contract import Explainer
    from msfl.manifest import JobRecord
    from msfl.runs import Run


@dataclass(frozen=True)
class Computed:
    """What a call of `compute` did.

    Attributes:
        method: Name of the explainer.
        done: Ids of the jobs that were explained now.
        skipped: Ids of those that had been explained before, with equal settings.
        failed: Id of each job that could not be explained -> one sentence.
    """

    method: str
    done: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: Mapping[str, str]


def compute(
    run: Run | Path | str,
    method: str,
    *,
    jobs: Sequence[JobRecord] | None = None,
    utterances_per_language: int | None = None,
    progress: bool = True,
    seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
    workers: int = 1,
) -> Computed:
    """Explain finished jobs of a run and write ``attributions/METHOD/JOB.parquet``; see docs/explanations.md.

    One file per job, whole or not at all: an interrupted call goes on when it is repeated, and a file that is there
    with equal settings is left alone. Values depend on the seed and the job, not on the order or number of jobs.

    Args:
        run: The run.
        method: Name of an explainer, see `analyses.attributions.explainers`.
        jobs: The jobs; by default all finished ones whose model the method can explain.
        utterances_per_language: How many test utterances of each language, over all folds; zero for all, None
            for what the method is fast enough for.
        progress: Whether to show progress on a terminal.
        seed: Everything random is derived from it and from the job.
        parameters: Parameters of the explainer that differ from its defaults.
        workers: Number of processes.

    Raises:
        UsageError: There is no such method or parameter, or a number is out of range.
        DataError: No job of the run can be explained by the method, or a worker died.
    """
    from msfl.runs import Run, open_run

    opened = run if isinstance(run, Run) else open_run(run)
    if workers < 1 or (utterances_per_language or 0) < 0:
        raise UsageError("workers is one or more, and utterances_per_language zero (all) or more.")
    explainer = get_explainer(method, **dict(parameters or {}))
    number = utterances_per_language
    if number is None:
        number = getattr(explainer, "utterances_per_language", None)
    settings = files.Settings(method, parameters_of(explainer, dict(parameters or {})), seed, number or None)
    chosen, failed = _explainable(opened, explainer, jobs)
    todo = [record for record in chosen if not files.is_current(opened, record, settings)]
    left = {record.id for record in todo}
    only = choose_utterances(opened, number, seed) if number and todo else None
    one = _Task(opened.path, settings, tuple(only) if only is not None else None)
    with _bar(method, [record.test for record in todo], enabled=progress) as advance:
        for record, reason in _each(one, explainer, todo, workers, advance):
            if reason:
                failed[record.id] = reason
    done = tuple(record.id for record in todo if record.id not in failed)
    return Computed(method, done, tuple(record.id for record in chosen if record.id not in left), failed)


@dataclass(frozen=True)
class _Task:
    """What the workers need to know besides explainer and job."""

    run: Path
    settings: files.Settings
    only: tuple[str, ...] | None

    def explain(
        self, explainer: Explainer, record: JobRecord, progress: Callable[[float], None] = lambda _: None
    ) -> str:
        """Explain one job and write its file; return why it could not be explained."""
        from msfl.runs import open_run

        run = open_run(self.run)
        try:
            subject = load_subject(run, record, self.only)
            seed = job_seed(record, self.settings.method, self.settings.seed)
            attribution = explainer.explain(subject, seed=seed, progress=progress)
            _check(attribution, record)
        except MsflError as error:
            return str(error)
        except OSError:
            raise
        except Exception as error:
            reason = str(error).splitlines()[0].rstrip(".") if str(error) else "no reason given"
            return (
                f"The job {record.id} cannot be explained by '{self.settings.method}' "
                f"({type(error).__name__}: {reason}). If its model loads with `msfl predict`, report this."
            )
        finally:
            forget_networks()
        files.write(run, record, self.settings, attribution)
        return ""


def _explainable(
    run: Run, explainer: Explainer, jobs: Sequence[JobRecord] | None
) -> tuple[list[JobRecord], dict[str, str]]:
    """Return the jobs to be explained, and why others that were asked for cannot be.

    Raises:
        DataError: There is none.
    """
    records = list(jobs) if jobs is not None else [record for record in run.jobs if record.status == "done"]
    objections = {record.id: _objection(explainer, record) for record in records}
    chosen = [record for record in records if not objections[record.id]]
    if not chosen:
        reasons = sorted(set(objections.values()))
        why = "; ".join(reasons) if reasons else "it has no finished job"
        raise DataError(
            f"{run.path} has no model that '{explainer.name}' can explain: {why}. Train one that it can, or use "
            "another method."
        )
    wanted = jobs is not None
    return chosen, {
        name: f"The job {name} cannot be explained by '{explainer.name}': {reason}."
        for name, reason in objections.items()
        if reason and wanted
    }


def _objection(explainer: Explainer, record: JobRecord) -> str:
    if record.status != "done":
        return f"its training failed ({record.reason})"
    return _reads_no_features(record) or explainer.objection(record) or _no_weights(record, explainer)


def _reads_no_features(record: JobRecord) -> str:
    """Say so where a model reads sequences of frames, whose values are no features with names."""
    from msfl.models.registry import inputs_of, registry
    from msfl.sequences.kinds import FEATURES, title_of

    if record.model not in registry():
        return ""  # said elsewhere
    inputs = inputs_of(record.model)
    if FEATURES in inputs:
        return ""
    return (
        f"the model '{record.model}' reads a {' and a '.join(map(title_of, inputs))}, not features; what it listened "
        "to is its attention over time, where it has one, and what it learnt is in its shared representation"
    )


def _no_weights(record: JobRecord, explainer: Explainer) -> str:
    """Say so where a model keeps its predictions only; attention is a prediction."""
    from msfl.models.registry import is_baseline, registry, system_class

    if record.attention and explainer.name == "attention":
        return ""
    if record.model not in registry():
        return f"the model '{record.model}' comes from a package that is not installed"
    if is_baseline(record.model) and not getattr(system_class(record.model), "keeps_weights", True):
        return f"the model '{record.model}' keeps no weights"
    return ""


def _check(attribution: Attribution, record: JobRecord) -> None:
    """Refuse attributions that are not numbers.

    Raises:
        DataError: An attribution is missing or infinite.
    """
    finite = np.isfinite(attribution.values)
    several = len(attribution.levels) > 1  # then the items of other levels are missing
    good = finite.any(axis=1) if several else finite.all(axis=1)
    if not good.all() or np.isinf(attribution.values).any():
        row = int(np.argmin(good))
        raise DataError(
            f"The attributions of '{attribution.keys['utterance'].iloc[row]}' by '{attribution.method}' are not "
            f"finite numbers: the weights of the job {record.id} are damaged, or its training diverged. Delete its "
            "folder in jobs/ and repeat `msfl train`."
        )


def _each(
    one: _Task,
    explainer: Explainer,
    todo: Sequence[JobRecord],
    workers: int,
    advance: Callable[[int, float], None],
) -> Iterator[tuple[JobRecord, str]]:
    """Explain jobs, in this process or in several, and yield each with the reason why it failed."""
    if min(workers, len(todo)) < 2:
        for place, record in enumerate(todo):
            reason = one.explain(explainer, record, lambda share, place=place: advance(place, share))  # type: ignore[misc]
            advance(place, 1.0)
            yield record, reason
        return
    tasks = [(one, explainer, place, record) for place, record in enumerate(todo)]
    for place, reason in in_processes(_alone, tasks, workers=workers, ordered=False):
        advance(place, 1.0)
        yield todo[place], reason


def _alone(task: tuple[_Task, Explainer, int, JobRecord]) -> tuple[int, str]:
    """Explain a job in a process of its own; return its place among the jobs, too."""
    one, explainer, place, record = task
    return place, one.explain(explainer, record)


@contextmanager
def _bar(method: str, sizes: Sequence[int], *, enabled: bool) -> Iterator[Callable[[int, float], None]]:
    """Show progress on a terminal: told a job and the share of it that is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    shares = [0.0] * len(sizes)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, disable=not (enabled and sizes and console.is_terminal), transient=True
    ) as bar:
        task = bar.add_task(method, total=max(1, sum(sizes)))

        def advance(place: int, share: float) -> None:
            shares[place] = max(shares[place], share)
            done = sum(share * size for share, size in zip(shares, sizes, strict=True))
            bar.update(task, completed=done, description=f"{method} {int(sum(shares))}/{len(sizes)}")

        yield advance
