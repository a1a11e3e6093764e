"""``msfl init``: write a commented experiment file."""

from __future__ import annotations

from pathlib import Path

import click

from msfl.errors import UsageError


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="experiment.toml")
@click.option(
    "--corpus", "corpora", multiple=True, metavar="READER[:LABEL]=PATH", help="Fill in a corpus; repeatable."
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def init(file: Path, corpora: tuple[str, ...], force: bool) -> None:
    r"""Write a commented experiment file to start from.

    \b
    Example:
      msfl init five.toml --corpus emodb=../corpora/emodb --corpus manifest:calls=calls.csv
    """
    import re

    from msfl.atomic import replacing
    from msfl.corpora import get_reader, parse_spec
    from msfl.template import experiment_file

    if file.exists() and not force:
        raise UsageError(f"{file} exists already; name another file, or add --force to overwrite it.")
    if not file.parent.is_dir():
        raise UsageError(f"There is no folder '{file.parent}' to write {file.name} into.")
    chosen: dict[str, tuple[str, str]] = {}
    for spec in corpora:
        reader, label, path = parse_spec(spec)
        get_reader(reader)
        if (label or reader) in chosen:
            raise UsageError(
                f"Two corpora are called '{label or reader}'; tell them apart: {reader}:LABEL=PATH."
            )
        chosen[label or reader] = (reader, _as_seen_from(file.parent, path))
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", file.stem).strip("-_") or "experiment"
    with replacing(file) as work:
        work.write_text(experiment_file(name, chosen, file=str(file)), encoding="utf-8")
    click.echo(f"Wrote {file}. Next: `msfl show {file}`.")


def _as_seen_from(folder: Path, path: Path) -> str:
    """Return a path that was typed here as the experiment file has to write it."""
    import os

    if path.is_absolute():
        return path.as_posix()
    return Path(os.path.relpath(path, folder)).as_posix()
