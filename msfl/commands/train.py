"""``msfl train``: run an experiment into a run folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; by default runs/NAME.")
@click.option(
    "--jobs",
    "-j",
    type=int,
    help="Number of processes; by default one per core. Results do not depend on it.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def train(experiment: Path, out: Path | None, jobs: int | None, quiet: bool) -> int:
    """Train and test every model of an EXPERIMENT on every language set, fold and seed.

    Stop it whenever you like: repeating the command continues, and loses at most the jobs in hand.
    """
    from msfl.execution import train as run
    from msfl.experiment import load_experiment

    checked = load_experiment(experiment)
    folder = out or Path("runs") / checked.name

    def say(sentence: str) -> None:
        if not quiet:
            click.echo(sentence, err=True)

    outcome = run(checked, folder, jobs=jobs, progress=not quiet, say=say)
    done = outcome.jobs - len(outcome.failed)
    click.echo(f"{folder}: {done} of {outcome.jobs} jobs finished ({outcome.skipped} of them before).")
    if outcome.bad_recordings:
        click.echo(
            f"{outcome.bad_recordings} recordings gave no features: see {folder / 'failures.parquet'}.",
            err=True,
        )
    for record in outcome.failed:
        click.echo(
            f"Failed: {record.language_set} {record.model} {record.fold} seed {record.seed}: {record.reason}",
            err=True,
        )
    if done:
        click.echo(f"Next: `msfl results {folder}`, `msfl rank {folder}`.")
    return 1 if outcome.failed or outcome.bad_recordings else 0
