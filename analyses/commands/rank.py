"""``msfl rank``: the first ranking of a run, by attention."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from msfl.commands.options import OutputFile

if TYPE_CHECKING:
    from rich.console import Console

    from analyses.ranking_report import RankingReport
    from analyses.shared import Comparison


@click.command(short_help="Rank the features of a run by attention; find the shared ones.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--top", default=10, show_default=True, help="How many features count as the top.")
@click.option(
    "--by", type=click.Choice(["emotion", "language"]), help="One list for each emotion or test language."
)
@click.option(
    "--level",
    type=click.Choice(["feature", "contour", "functional", "family"]),
    default="feature",
    show_default=True,
    help="Rank single features, or the contours, functionals or families that they belong to.",
)
@click.option("--model", help="Which model; msfl by default.")
@click.option("--language-set", help="Which language set to list; the one with most languages by default.")
@click.option("--csv", "csv_file", type=OutputFile(), help="Write the whole list as CSV.")
@click.option("--json", "json_file", type=OutputFile(), help="Write list, overlaps and repeats.")
def rank(
    run: Path,
    top: int,
    by: str | None,
    level: str,
    model: str | None,
    language_set: str | None,
    csv_file: Path | None,
    json_file: Path | None,
) -> None:
    """Rank the features of the run folder RUN by attention, and find those that the languages share.

    Attention is averaged over test utterances, then over corpora, then over languages, so that a large corpus
    does not drown a small one. A shared feature is in the top of the multilingual and of every monolingual
    model.
    """
    from analyses.ranking_report import report
    from msfl.runs import open_run

    result = report(open_run(run), model=model, language_set=language_set, level=level, top=top, by=by or "")
    if csv_file:
        result.write_csv(csv_file)
    if json_file:
        result.write_json(json_file)
    show(result)
    for file in (csv_file, json_file):
        if file:
            click.echo(f"Written: {file}")


def show(result: RankingReport, console: Console | None = None) -> None:
    """Print a ranking report: lists, overlaps beside their chance levels, notes, and the warning."""
    from rich.console import Console
    from rich.markup import escape

    from analyses.ranking_report import WARNING

    console = console or Console(highlight=False)
    languages = ", ".join(result.languages)
    console.print(f"\n[bold]Attention of {escape(result.model)}, trained on {languages}[/bold]")
    console.print(f"[dim]{escape(result.title)}[/dim]")
    for one in result.comparisons:
        _show_list(console, result, one)
        _show_overlaps(console, one)
    for note in result.notes:
        console.print(f"\n[yellow]Note:[/yellow] {escape(note)}")
    console.print(f"\n[yellow]Caution:[/yellow] {WARNING}")


def _show_list(console: Console, result: RankingReport, one: Comparison) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    main = one.main
    single = main.level == "feature"
    shown = len(main.table) if main.level == "family" else main.top
    heading = f"{shown} {_PLURAL[main.level]} with most attention"
    heading += f", {result.by} {one.part}" if one.part else ""
    # a cell has as many lines as its words need, so numbers stand below each other where that saves width
    table = Table(
        title=escape(heading),
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    headers = ["weight", f"rank over\n{len(main.repeats)} repeats", f"in\ntop {main.top}"]
    headers += [] if single else ["features", "sum of\nweights\n(uniform)"]
    table.add_column("", justify="right")
    table.add_column(main.level, overflow="fold", min_width=26 if single else None)
    for header in headers:
        table.add_column(header, justify="right")
    if one.monolingual:
        longest = max(map(len, one.monolingual)) + len(str(len(main.table))) + 1
        table.add_column("rank\nalone", justify="right", no_wrap=True, min_width=longest)
        table.add_column("shared")
    for name, row in one.table().head(shown).iterrows():
        plain = main.level == "family" or row["in_words"] == name  # a column of the user's own says no more
        words = "" if plain else f"\n[dim]{escape(row['in_words'])}[/dim]"
        spread = "" if row["sd_rank"] != row["sd_rank"] else f"\n± {row['sd_rank']:.1f}"  # NaN: one repeat
        cells = [str(row["rank"]), f"{escape(str(name))}{words}"]
        cells += [f"{row['lift']:.2f} x", f"{row['mean_rank']:.1f}{spread}", f"{row['in_top']:.0%}"]
        if not single:
            cells += [str(row["size"]), f"{row['importance']:.1%}\n({row['share']:.1%})"]
        if one.monolingual:
            cells.append("\n".join(f"{code} {row[f'rank_{code}']}" for code in one.monolingual))
            cells.append("[green]yes[/green]" if row["shared"] else "")
        table.add_row(*cells)
    console.print()
    console.print(table)
    group = (
        "" if single else f" A {main.level} is ranked by the mean weight of its features, not by their sum."
    )
    console.print(
        f"[dim]weight: 1 x is what each of {main.table['size'].sum()} features gets if attention is uniform; "
        f"a repeat is one fold and seed.{group}[/dim]"
    )


_PLURAL = {
    "feature": "features",
    "contour": "contours",
    "functional": "functionals",
    "family": "families",
}


def _show_overlaps(console: Console, one: Comparison) -> None:
    if not one.overlaps:
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="What the lists have in common", title_justify="left", title_style="bold")
    for header in ("top lists of", "counted", "common", "by chance", "P", "which"):
        right = header in ("common", "by chance", "P")
        table.add_column(header, overflow="fold", justify="right" if right else "left")
    main = one.main.language_set
    for found in one.overlaps:
        # pairs of monolingual lists, and contours beside features, are in the JSON file
        if found.level not in (one.main.level, "family") or (
            len(found.lists) == 2 and main not in found.lists
        ):
            continue
        table.add_row(
            escape(" & ".join(found.lists)),
            _PLURAL[found.level],
            str(found.observed),
            f"{found.expected:.2g}",
            "< .0001" if found.p_value < 1e-4 else f"{found.p_value:.2g}",
            escape(", ".join(found.common)),
        )
    console.print()
    console.print(table)
    console.print(
        "[dim]by chance, P: how many lists drawn at random have in common, and the probability of so many. "
        "Related features make real lists overlap more, so a small P alone does not prove sharing.[/dim]"
    )
