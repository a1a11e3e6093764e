"""``msfl corpora``: which corpora can be read, where to get them, how they must lie on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from msfl.corpora.base import Reader

FACTS = (
    "name",
    "title",
    "language",
    "naturalness",
    "emotions",
    "speakers",
    "licence",
    "source",
    "layout",
    "labels",
    "citation",
)


@click.command(short_help="List the corpora that can be read, and where to get them.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def corpora(name: str | None, as_json: bool) -> None:
    """List the corpora that can be read; with NAME, say where to get one and how its labels are read."""
    from msfl.corpora import get_reader, readers

    chosen = [get_reader(name)] if name else readers()
    if as_json:
        import json

        facts = [_facts(reader) for reader in chosen]
        click.echo(json.dumps(facts[0] if name else facts, ensure_ascii=False, indent=2))
    elif name:
        _print_one(chosen[0])
    else:
        _print_all(chosen)


def _facts(reader: Reader) -> dict[str, object]:
    return {fact: getattr(reader, fact) for fact in FACTS}


def _print_all(readers: list[Reader]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, collapse_padding=True)
    table.add_column("name", no_wrap=True)
    table.add_column("language", no_wrap=True)
    for column in ("corpus", "emotions", "speakers", "licence"):
        table.add_column(column, overflow="fold")
    for reader in readers:
        language = reader.language or "any"
        emotions = str(len(reader.emotions)) if reader.emotions else "any"
        title = reader.title.partition(" (")[0]
        values = (reader.name, language, title, emotions, reader.speakers, reader.licence)
        table.add_row(*(Text(value) for value in values))
    console = Console()
    console.print(table)
    console.print("\n`msfl corpora NAME` says where to get one and how it must lie.")
    console.print("`msfl scan NAME=PATH` reads and audits it.")


def _print_one(reader: Reader) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for fact, value in _facts(reader).items():
        shown = ", ".join(reader.emotions) if fact == "emotions" else str(value)
        table.add_row(fact, Text(shown or "said by the recordings"))
    table.add_row("read with", Text(f"msfl scan {reader.name}=PATH"))
    Console().print(table)
