"""``msfl train``: run an experiment into a run folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Train and test an experiment into a run folder.")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Run folder; by default runs/NAME."
)
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    help="Number of processes; by default one per core. Results do not depend on it.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def train(experiment: Path, out: Path | None, jobs: int | None, quiet: bool) -> int:
    """Train and test every model of an EXPERIMENT on every language set, fold and seed.

    Stop it whenever you like: repeating the command continues, and loses at most the jobs in hand.
    """
    from rich.console import Console

    from msfl.execution import train as run
    from msfl.experiment import load_experiment
    from msfl.runs import ATTENTION

    checked = load_experiment(experiment)
    folder = out or Path("runs") / checked.name

    console = Console(stderr=True, highlight=False)

    def say(sentence: str) -> None:
        if not quiet:  # a file or a pipe gets whole lines
            console.print(sentence, markup=False, soft_wrap=not console.is_terminal)

    outcome = run(checked, folder, jobs=jobs, progress=not quiet, say=say)
    done = outcome.jobs - len(outcome.failed)
    before = f" ({outcome.skipped} of them before)" if outcome.skipped else ""
    click.echo(f"{folder}: {done} of {outcome.jobs} jobs finished{before}.")
    if outcome.bad_recordings:
        click.echo(
            f"Recordings that gave no features: {outcome.bad_recordings}, see {folder / 'failures.parquet'}.",
            err=True,
        )
    for record in outcome.failed:
        click.echo(
            f"Failed: {record.language_set} {record.model} {record.fold} seed {record.seed}: {record.reason}",
            err=True,
        )
    if done:
        ranking = f", `msfl rank {folder}`" if (folder / ATTENTION).is_file() else ""
        click.echo(f"Next: `msfl results {folder}`{ranking}.")
    return 1 if outcome.failed or outcome.bad_recordings else 0
