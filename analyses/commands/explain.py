"""``msfl explain``: attributions, rankings, their tests and statistics of a finished run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from analyses.explanations import Explanations

SHOWN = 10
"""So many features of the consensus ranking are listed in the terminal."""


@click.command(short_help="Rank features by several methods, and test the rankings.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--method",
    "methods",
    multiple=True,
    help="Only this method; may be given several times. By default all: attention, shap, owen, permutation, linear.",
)
@click.option("--model", help="Which network; msfl by default.")
@click.option("--quick", is_flag=True, help="A first look: few utterances, few random rankings.")
@click.option(
    "--orders",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Retrain the network on so many random orders of the features, to see whether the ranking survives. Slow.",
)
@click.option(
    "--utterances",
    type=click.IntRange(min=1),
    help="Explain so many utterances of each language; by default what each method needs.",
)
@click.option(
    "--top", type=click.IntRange(min=1), default=10, show_default=True, help="Length of a top list."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of everything.")
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    help="Number of processes; by default one per core. Results do not depend on it.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def explain(
    run: Path,
    methods: tuple[str, ...],
    model: str | None,
    quick: bool,
    orders: int,
    utterances: int | None,
    top: int,
    seed: int,
    jobs: int | None,
    quiet: bool,
) -> int:
    """Explain the run folder RUN: what each feature contributes, what the languages share, and how sure that is.

    Writes the folders attributions and explanations into RUN, and changes nothing else in it. Stop it whenever
    you like: repeating the command continues.
    """
    from analyses.explain import explain as compute
    from msfl.runs import open_run

    found = compute(
        open_run(run),
        methods=methods or None,
        model=model,
        effort="quick" if quick else "full",
        orders=orders,
        utterances=utterances,
        top=top,
        seed=seed,
        jobs=jobs,
        progress=not quiet,
        say=lambda sentence: click.echo(sentence, err=True),
    )
    show(found)
    return 1 if any(step.status == "failed" for step in found.manifest.steps.values()) else 0


def show(found: Explanations, console: Console | None = None) -> None:
    """Print the consensus ranking in words, what is missing, and the next command."""
    from rich.console import Console

    from analyses.explanations import CONSENSUS

    console = console or Console(highlight=False)
    if found.has(f"rankings/{CONSENSUS}"):
        _show_consensus(console, found)
    elif found.methods:
        console.print(f"\nNo consensus ranking: {found.why_missing(f'rankings/{CONSENSUS}')}", markup=False)
    for note in found.manifest.notes:
        console.print(f"\n[yellow]Note:[/yellow] {_plain(note)}")
    failed = {name: step for name, step in found.manifest.steps.items() if step.status == "failed"}
    for name, step in failed.items():
        console.print(f"\n[red]Failed:[/red] {name}: {_plain(step.reason)}")
    run = shlex.quote(str(found.run.path))
    console.print(f"\nWritten: {found.path}\nNext: msfl report {run} -o report", markup=False, soft_wrap=True)


def _show_consensus(console: Console, found: Explanations) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from analyses.explanations import CONSENSUS

    main = _main_set(found)
    rows = found.rankings(CONSENSUS, language_set=main).head(SHOWN)
    if rows.empty:
        console.print(f"\nNo consensus ranking of the set {main}.", markup=False)
        return
    shared = _shared(found)
    table = Table(
        title=f"The {len(rows)} leading features by the consensus of the methods, trained on {_plain(main)}",
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("", justify="right")
    table.add_column("feature", overflow="fold", min_width=36)
    table.add_column("family", overflow="fold")
    table.add_column("rank over\nrepeats", justify="right")
    table.add_column("P", justify="right")
    if shared:
        table.add_column("shared\nby")
    for _, row in rows.iterrows():
        words = "" if row["in_words"] == row["name"] else f"\n[dim]{_plain(row['in_words'])}[/dim]"
        cells = [str(row["rank"]), f"{_plain(row['name'])}{words}", _plain(row["family"])]
        cells += [_spread(row), "< .0001" if row["p_value"] < 1e-4 else f"{row['p_value']:.2g}"]
        if shared:
            cells.append("\n".join(shared.get(row["name"], ())))
        table.add_row(*cells)
    console.print()
    console.print(f"[dim]{_plain(found.run.title())}[/dim]")
    console.print(table)
    console.print(
        "[dim]P: robust rank aggregation, whether the methods agree on a feature more than random lists would; not "
        "whether they are right. Shared by: top (in the top of every list), aggregated (high in the monolingual "
        "lists together), direction (the same effect in every language).[/dim]"
    )
    _show_verdict(console, found, main)


def _show_verdict(console: Console, found: Explanations, main: str) -> None:
    from analyses.explanations import CONSENSUS

    if not found.has("verdicts"):
        return
    rows = found.table("verdicts", method=CONSENSUS, language_set=main, level="feature")
    for _, row in rows.iterrows():
        console.print(
            f"\n[bold]How far to trust it: {_plain(row['verdict'])}.[/bold] {_plain(row['reasons'])}"
        )


def _main_set(found: Explanations) -> str:
    """Return the language set with most languages that was ranked."""
    from analyses.explanations import CONSENSUS

    ranked = set(found.table(f"rankings/{CONSENSUS}", columns=["language_set"])["language_set"])
    sets = found.run.manifest.language_sets
    return str(max(sorted(ranked), key=lambda name: len(sets.get(name, ()))))


def _shared(found: Explanations) -> dict[str, list[str]]:
    """Return by which definitions each feature is shared, according to the consensus."""
    from analyses.explanations import CONSENSUS

    if not found.has("shared"):
        return {}
    rows = found.table("shared", method=CONSENSUS, part_kind="", level="feature", shared=True)
    return {str(name): sorted(set(group["definition"])) for name, group in rows.groupby("name")}


def _spread(row: pd.Series[float]) -> str:
    if row["mean_rank"] != row["mean_rank"]:  # NaN: no repeats
        return ""
    sd = "" if row["sd_rank"] != row["sd_rank"] else f"\n± {row['sd_rank']:.1f}"
    return f"{row['mean_rank']:.1f}{sd}"


def _plain(text: object) -> str:
    from rich.markup import escape

    return escape(str(text))
