"""``msfl demo``: the whole main job on a synthetic corpus."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from analyses.demo import Demo
    from analyses.planted import Found, PlantedFamily
    from analyses.shared import Comparison

SHOWN = 10
"""So many shared features are listed in the terminal."""


@click.command(short_help="Do the whole job on a synthetic corpus; start here.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("msfl-demo"),
    show_default=True,
    help="Folder for corpus, experiment and run.",
)
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), help="Number of processes; by default one per core."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of everything.")
def demo(out: Path, jobs: int | None, seed: int) -> int:
    """Do the whole job on a synthetic corpus: speak it, extract features, train, test, rank, compare.

    Takes a few minutes on two cores and 200 MB. Stop it whenever you like: repeating the command continues, or
    shows the result at once.
    """
    from time import monotonic

    from analyses.demo import run_demo

    begun = monotonic()
    made = run_demo(out, seed=seed, jobs=jobs, say=lambda sentence: click.echo(sentence, err=True))
    show(made)
    click.echo(f"\nDone in {monotonic() - begun:.0f} s.", err=True)
    return 1 if made.failed or made.bad_recordings else 0


def show(made: Demo, console: Console | None = None) -> None:
    """Print what the demo found: scores, shared features, the planted truth, and where to go on."""
    from rich.console import Console

    from analyses.demo import RUN, TOP
    from analyses.ranking_report import report
    from msfl.commands.results import show as show_scores
    from msfl.results import compare
    from msfl.runs import open_run

    console = console or Console(highlight=False)
    for record in made.failed:
        console.print(f"Failed: {record.id}: {record.reason}", markup=False)
    run = open_run(made.folder / RUN)
    console.print()
    show_scores(compare(run), console)
    comparison = report(run, top=TOP).comparisons[0]
    _show_shared(console, comparison, run.title())
    _show_planted(console, comparison, made)
    _show_next(console, made.folder)


def _show_shared(console: Console, comparison: Comparison, title: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    top, total = comparison.main.top, len(comparison.main.table)
    chance = next(one for one in comparison.overlaps if one.level == "feature").expected
    table = Table(
        title=f"Shared features: {len(comparison.shared)} of {total}",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("feature, in words", min_width=36, overflow="fold")
    table.add_column("family", overflow="fold")
    table.add_column("weight", justify="right")
    table.add_column(f"rank in all\n{' / '.join(comparison.monolingual)}", justify="center")
    for name, row in comparison.table().loc[list(comparison.shared[:SHOWN])].iterrows():
        alone = " / ".join(str(row[f"rank_{language}"]) for language in comparison.monolingual)
        words = f"{escape(str(name))}\n[dim]{escape(row['in_words'])}[/dim]"
        table.add_row(words, row["family"], f"{row['lift']:.1f} x", f"{row['rank']}\n{alone}")
    console.print()
    if comparison.shared:
        console.print(table)
    else:
        console.print(f"[bold]Shared features: none of {total}[/bold]")
    further = len(comparison.shared) - SHOWN
    more = f"{further} more are not shown. " if further > 0 else ""
    console.print(
        f"[dim]{more}Shared: in the top {top} of the model of all languages (the first rank) and of every "
        f"language alone; random lists share {chance:.2g}. Weight: attention, 1 x is uniform. {escape(title)}[/dim]"
    )


def _show_planted(console: Console, comparison: Comparison, made: Demo) -> None:
    from rich.table import Table

    from analyses.demo import CORPUS
    from analyses.planted import ALL, LEVEL, hold_against, sentences
    from analyses.ranking_report import WARNING

    rows = hold_against(comparison, made.planted)
    table = Table(title="The lists, held against what was planted", title_justify="left", title_style="bold")
    table.add_column("planted\nin")
    table.add_column("family (features), contours", overflow="fold", min_width=30)
    table.add_column("by\nchance", justify="right")
    for name in (ALL, *comparison.monolingual):
        table.add_column(name, justify="right")
    for before, row in zip([None, *rows], rows, strict=False):
        if before is not None and before.where != row.where:
            table.add_section()
        table.add_row(
            row.where,
            f"{row.family} ({row.size})\n[dim]{_escaped(row)}[/dim]",
            f"{row.chance:.1f}",
            *(_cell(found) for found in row.lists.values()),
        )
    console.print()
    console.print(table)
    console.print(
        f"[dim]How many features of each planted family are in the top {comparison.main.top} of each list. *: "
        f"random lists have so many with P < {LEVEL:g} ({made.folder / CORPUS / 'planted.json'}).[/dim]"
    )
    for sentence in sentences(rows):
        console.print(sentence, markup=False)
    console.print(f"\n[yellow]Caution:[/yellow] The speech is SYNTHETIC, and we planted its cues. {WARNING}")


def _escaped(row: PlantedFamily) -> str:
    from rich.markup import escape

    return escape(row.words)


def _cell(found: Found) -> str:
    """The count with a star where it is more than chance; bold where it is planted."""
    text = f"{found.count}{'*' if found.clear else ' '}"
    return f"[bold]{text}[/bold]" if found.meant else text


def _show_next(console: Console, folder: Path) -> None:
    from analyses.demo import CORPUS, EXPERIMENT, RUN

    def quoted(*parts: str) -> str:
        return shlex.quote(str(folder.joinpath(*parts)))

    run = quoted(RUN)
    lines = [
        f"Written: {folder} ({CORPUS}, {EXPERIMENT}, {RUN})",
        "Next:",
        f"  msfl explain {run} --quick        other methods, and how far to trust them",
        f"  msfl dashboard {run}              explore it, and hear the utterances",
        f"  msfl rank {run} --by emotion      one list for each emotion",
        f"  msfl rank {run} --level family    families instead of features",
        f"  msfl results {run} --against best",
        f"  msfl predict {run} {quoted(CORPUS, 'de', 'de-f1')}",
        f"  msfl scan demo={quoted(CORPUS)}",
        f"  msfl train {quoted(EXPERIMENT)} --out {quoted('mine')}    after your changes",
    ]
    console.print()
    console.print("\n".join(lines), markup=False, soft_wrap=True)
