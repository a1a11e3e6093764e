"""``msfl report``: what runs found, as a page, tables, LaTeX, figures, and a model card."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Write the report of runs: a page, tables, figures, a model card.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("report"),
    show_default=True,
    help="Folder to write into.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many features count as the top, where `msfl explain` has not settled it.",
)
@click.option("--svg/--no-svg", default=True, show_default=True, help="Write the figures as SVG, too.")
def report(runs: tuple[Path, ...], out: Path, top: int, svg: bool) -> None:
    """Write a report of the run folders RUN, with a chapter for each.

    It says more after `msfl explain RUN`; without that it rests on attention alone, and says so. The page
    opens offline, in every browser.
    """
    from analyses.report.writing import report as write

    made = write(runs, out, top=top, svg=svg, say=lambda sentence: click.echo(sentence, err=True))
    for one in made.summary["runs"]:
        click.echo(f"\n{one['name']}: {one['title']}")
        for sentence in one["findings"]:
            click.echo(f"- {sentence}")
    click.echo("")
    for note in made.notes:
        click.echo(f"Note: {note}")
    click.echo(f"Written: {made.page}")
