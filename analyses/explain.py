"""``msfl explain``: computes the explanations of a run step by step, and goes on where it was stopped.

A step reads what earlier steps wrote, and returns tables. It is skipped if its inputs and settings are what they
were. A step that cannot be done is recorded with its reason, and the others go on without it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from analyses.explanations import (
    FOLDER,
    ExplanationManifest,
    Explanations,
    StepRecord,
    of_run,
    read_manifest,
    write_manifest,
    write_tables,
)
from msfl.errors import DataError, MsflError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from msfl.runs import Run

Effort = Literal["quick", "full"]
Told = Callable[[float], None]
"""Is told the share of a step that is done, 0 to 1."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """What a user may choose.

    Attributes:
        effort: ``quick`` for a first look: fewer utterances, fewer random rankings.
        methods: Method -> model that it explains.
        orders: Feature orders that the network is retrained on; 0 for none.
        utterances: Utterances of each language to explain; None for what each method needs.
        top: How many items count as the top.
        seed: Everything random is derived from it.
        jobs: Number of processes; no result depends on it.
    """

    effort: Effort
    methods: Mapping[str, str]
    orders: int = 0
    utterances: int | None = None
    top: int = 10
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True)
class Context:
    """What a step may use.

    Attributes:
        run: The run.
        found: The explanations as far as they are computed.
        settings: The settings.
        told: Takes the share of this step that is done.
        say: Takes a sentence for the user.
        progress: Whether the step may show a bar of its own.
    """

    run: Run
    found: Explanations
    settings: Settings
    told: Told = field(default=lambda _: None)
    say: Say = field(default=lambda _: None)
    progress: bool = False


Compute = Callable[[Context], "Mapping[str, pd.DataFrame]"]


@dataclass(frozen=True)
class Step:
    """One step of the computation.

    Attributes:
        name: Its name in the manifest.
        title: What the progress says.
        tables: What it writes.
        compute: Returns the tables; a table that it leaves out or returns empty has nothing to say.
        needs: Steps whose results it reads; it is repeated when one of them changed.
        depends: Names of the settings that its result depends on.
        inputs: What else its result depends on.
        left_out: Why it is not done at all, if it is not.
        own_bar: Whether it shows its own progress.
    """

    name: str
    title: str
    tables: tuple[str, ...]
    compute: Compute
    needs: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    left_out: str = ""
    own_bar: bool = False


def explain(
    run: Run,
    *,
    methods: Sequence[str] | None = None,
    model: str | None = None,
    effort: Effort = "full",
    orders: int = 0,
    utterances: int | None = None,
    top: int = 10,
    seed: int = 0,
    jobs: int | None = None,
    progress: bool = True,
    say: Say = lambda _: None,
) -> Explanations:
    """Explain a run: attributions, rankings, their tests, and statistics; repeat the call to continue.

    Args:
        run: A run folder with trained models.
        methods: Which methods; all that the models allow by default.
        model: Which network; msfl by default, or the first with weights. `linear` explains the linear baseline.
        effort: ``quick`` for a first look, ``full`` for results.
        orders: Retrain the network on so many random feature orders, to see whether the ranking survives.
        utterances: Explain so many utterances of each language; what each method needs by default.
        top: How many items count as the top.
        seed: Seed of everything random.
        jobs: Number of processes; one per core by default. Results do not depend on it.
        progress: Whether to show progress on stderr.
        say: Receives one sentence per event.

    Returns:
        The explanations; what is missing in them says why (`Explanations.why_missing`).

    Raises:
        DataError: The run has no trained model, or its explanations are foreign or damaged.
        UsageError: There is no such method or model.
    """
    from analyses.explain_choices import notes_of, settings_of
    from analyses.explain_steps import steps_of

    settings = settings_of(
        run,
        methods=methods,
        model=model,
        effort=effort,
        orders=orders,
        utterances=utterances,
        top=top,
        seed=seed,
        jobs=jobs,
    )
    before = read_manifest(run)  # a foreign folder is refused before anything is written into it
    steps = steps_of(run, settings)
    with _locked(run):
        manifest = _begun(run, settings, before, notes_of(run, settings))
        for number, step in enumerate(steps, start=1):
            if is_done(run, settings, manifest, step):
                continue
            with _progress(f"{number}/{len(steps)} {step.title}", step, enabled=progress) as told:
                context = Context(run, Explanations(run, manifest), settings, told, say, progress)
                manifest = _done(context, step)
            write_manifest(run, manifest)
        manifest = manifest.model_copy(update={"complete": True, "updated": _now()})
        write_manifest(run, manifest)
    return Explanations(run, manifest)


def _begun(
    run: Run, settings: Settings, before: ExplanationManifest | None, notes: tuple[str, ...]
) -> ExplanationManifest:
    from msfl import __version__
    from msfl.manifest import versions

    manifest = ExplanationManifest(
        msfl_version=__version__,
        versions=versions(),
        created=before.created if before else _now(),
        updated=_now(),
        run=of_run(run),
        settings={
            "effort": settings.effort,
            "orders": settings.orders,
            "utterances_per_language": settings.utterances,
            "top": settings.top,
            "seed": settings.seed,
        },
        models=dict(settings.methods),
        steps=before.steps if before else {},
        missing=before.missing if before else {},
        notes=notes,
    )
    write_manifest(run, manifest)
    return manifest


def is_done(run: Run, settings: Settings, manifest: ExplanationManifest, step: Step) -> bool:
    """Whether a step was done with the same inputs and settings, and its tables are there."""
    known = manifest.steps.get(step.name)
    if known is None or known.fingerprint != fingerprint_of(run, settings, manifest, step):
        return False
    found = Explanations(run, manifest)
    settled = known.status == "done" or bool(step.left_out)
    return settled and all(found.has(name) for name in known.tables)


def _done(context: Context, step: Step) -> ExplanationManifest:
    """Do a step and return the manifest with its record."""
    begun = monotonic()
    manifest, found = context.found.manifest, context.found
    tables, record = _computed(context, step)
    full = {name: table for name, table in tables.items() if len(table)}
    write_tables(context.run, full)
    why = record.reason or "There is nothing to compare in this run."
    reasons = {name: why for name in step.tables if name not in full}
    for name in reasons:  # a table of earlier settings must not stand beside new ones
        found.file(name).unlink(missing_ok=True)
    if record.status != "failed":
        _error_file(found, step).unlink(missing_ok=True)
    if record.reason and not step.left_out and not _follows(manifest, step):
        context.say(f"{step.title}: {record.reason}")
    record = record.model_copy(
        update={
            "fingerprint": fingerprint_of(context.run, context.settings, manifest, step),
            "tables": tuple(full),
            "seconds": round(monotonic() - begun, 2),
        }
    )
    missing = {name: why for name, why in manifest.missing.items() if name not in step.tables} | reasons
    return manifest.model_copy(
        update={"steps": {**manifest.steps, step.name: record}, "missing": missing, "updated": _now()}
    )


def _follows(manifest: ExplanationManifest, step: Step) -> bool:
    """Whether nothing that a step needs was done: why, has been said there."""
    known = [manifest.steps[name].status for name in step.needs if name in manifest.steps]
    return bool(known) and "done" not in known


def _computed(context: Context, step: Step) -> tuple[Mapping[str, pd.DataFrame], StepRecord]:
    """Compute the tables of a step; a fault in it must not keep the others back."""
    if step.left_out:
        return {}, StepRecord(status="left out", reason=step.left_out)
    try:
        return step.compute(context), StepRecord(status="done")
    except MsflError as error:
        return {}, StepRecord(status="left out", reason=str(error))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):
            raise
        return {}, _fault(context, step, error)
    except Exception as error:  # an explainer of somebody else may raise anything
        return {}, _fault(context, step, error)


def _fault(context: Context, step: Step, error: Exception) -> StepRecord:
    """Record an unexpected error, with its traceback in a file."""
    file = _error_file(context.found, step)
    file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    words = str(error).splitlines()[0].rstrip(".") if str(error) else ""
    reason = f"It failed unexpectedly ({type(error).__name__}: {words[:200]}); see {FOLDER}/{file.name}."
    return StepRecord(status="failed", reason=reason)


def _error_file(found: Explanations, step: Step) -> Path:
    return found.path / f"error-{step.name.replace('/', '-')}.txt"


def fingerprint_of(run: Run, settings: Settings, manifest: ExplanationManifest, step: Step) -> str:
    """Return a hash over everything that the result of a step depends on.

    Trained models are part of it by their job and the moment of their training.
    """
    from msfl import __version__

    content = {
        "step": step.name,
        "version": __version__,
        "run": of_run(run),
        "jobs": [(job.id, job.started) for job in run.jobs if job.status == "done"],
        "settings": {name: _plain(getattr(settings, name)) for name in step.depends},
        "needs": {
            name: (known.fingerprint, known.status) if (known := manifest.steps.get(name)) else None
            for name in step.needs
        },
        "inputs": dict(step.inputs),
        "left_out": step.left_out,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _locked(run: Run) -> Iterator[None]:
    """Keep a second `msfl explain` out of the folder; the lock goes with the process, however it ends."""
    folder = run.path / FOLDER
    folder.mkdir(exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                f"Another `msfl explain` is writing into {folder}; wait for it, or stop it."
            ) from None
        except OSError:  # a file system without locks
            pass
        yield


@contextmanager
def _progress(title: str, step: Step, *, enabled: bool) -> Iterator[Told]:
    """Show a bar on a terminal while a step goes on, and a line per step when it is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    begun = monotonic()
    if enabled and not (console.is_terminal and not step.own_bar):
        console.print(title, soft_wrap=True, markup=False)
        yield lambda _: None
        return
    columns = [TextColumn("{task.description}"), BarColumn(bar_width=16), TimeElapsedColumn()]
    with Progress(*columns, console=console, transient=True, disable=not enabled) as bar:
        task = bar.add_task(title, total=None)

        def told(share: float) -> None:
            bar.update(task, total=1.0, completed=min(1.0, max(0.0, share)))

        yield told
    if enabled:
        console.print(f"{title} ({monotonic() - begun:.0f} s)", markup=False, soft_wrap=True)


def check(run: Run, value: int | None, option: str) -> None:
    """Refuse a number below one.

    Raises:
        UsageError: It is below one.
    """
    if value is not None and value < 1:
        raise UsageError(f"{option} {value} is not possible for {run.path}: it must be at least 1.")
