"""``msfl scan``: audit corpora before anything is trained, and write the utterance table."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from msfl.errors import UsageError


@click.command(short_help="Audit corpora before training: counts, faults, confounds.")
@click.argument("corpora", nargs=-1, required=True, metavar="NAME=PATH...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("msfl-scan"),
    show_default=True,
    help="Folder for the utterance table and the audit.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Recordings measured at a time (default: one per core)."
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
def scan(corpora: tuple[str, ...], output: Path, jobs: int | None, quiet: bool) -> int:
    """Audit corpora before anything is trained: counts, faults, confounded labels, and what follows.

    NAME is a reader (`msfl corpora` lists them): emodb=PATH, manifest=table.csv; NAME:LABEL=PATH where one
    reader serves two corpora.

    Writes utterances.parquet and utterances.csv (one row per recording), recordings.parquet (what was
    measured of each), and audit.json. Repeated, it measures only what is new or has changed. The exit code is
    1 if there were recordings that cannot be read; everything is written all the same.

    Example: msfl scan emodb=corpora/emodb urdu=corpora/urdu -o scan
    """
    from rich.console import Console

    from msfl.atomic import replacing, write_parquet
    from msfl.audit import audit, measure, with_formats
    from msfl.audit.terminal import show
    from msfl.corpora import load_all

    table = load_all(corpora)
    _make(output)
    recordings = measure(table, jobs=jobs, progress=not quiet, saved=output / "recordings.parquet")
    table = with_formats(table, recordings)
    found = audit(table, recordings=recordings)
    write_parquet(output / "utterances.parquet", table)
    with replacing(output / "utterances.csv") as draft:
        table.to_csv(draft)
    with replacing(output / "audit.json") as draft:
        draft.write_text(found.to_json(), encoding="utf-8")
    show(found, Console(markup=False, highlight=False))  # ids and reasons may hold [brackets]
    click.echo(f"\nWritten to {output}: utterances.parquet, utterances.csv, recordings.parquet, audit.json")
    named = [word for spec in corpora for word in ("--corpus", spec)]
    click.echo(f"Next: {shlex.join(['msfl', 'init', 'experiment.toml', *named])}")
    return 1 if found.unreadable else 0


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next(path for path in (folder, *folder.parents) if path.exists())
        raise UsageError(f"'{file}' is a file, not a folder; name another with -o.") from error
