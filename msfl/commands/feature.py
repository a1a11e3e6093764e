"""``msfl feature``: what the name of an openSMILE feature means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from msfl.errors import UsageError

if TYPE_CHECKING:
    from msfl.features.grammar import FeatureName

SHOWN = 40
"""How many candidates of a partial name are listed."""


@click.command()
@click.argument("name", required=False)
@click.option(
    "--set", "feature_set", metavar="SET", help="The feature set to list or to look in, such as IS10."
)
@click.option("--family", metavar="FAMILY", help="List the features of one family only, such as pitch.")
@click.option("--search", metavar="WORDS", help="List the features whose name or words hold all these words.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def feature(
    name: str | None, feature_set: str | None, family: str | None, search: str | None, as_json: bool
) -> None:
    r"""Explain the feature NAME in plain words, or list features.

    \b
    Examples:
      msfl feature F0final_sma_linregc1
      msfl feature F0final                          (a part of a name lists what holds it)
      msfl feature --set IS10 --family pitch
      msfl feature --set eGeMAPSv02 --search "loudness mean"
    """
    if name is None and not (feature_set or family or search):
        raise UsageError("Name a feature, or a set to list: `msfl feature --set IS10`.")
    found = None if name is None or family or search else _exact(name, feature_set)
    if found is not None:
        _print_one(found, feature_set, as_json)
        return
    listed = _select(_candidates(name, feature_set), family, search)
    if not listed:
        raise UsageError(_nothing(name, feature_set))
    _print_list(
        listed, f"Features of {feature_set or 'all sets'}", len(listed) if name is None else SHOWN, as_json
    )


def _exact(name: str, feature_set: str | None) -> FeatureName | None:
    """Return the feature of exactly this name; None if it is none, or not one of the set asked for."""
    from msfl.features.grammar import parse
    from msfl.features.sets import feature_names

    if feature_set is not None and name not in feature_names(feature_set):
        return None
    try:
        return parse(name, feature_set)
    except UsageError:
        if _containing(name, feature_set):
            return None
        raise


def _candidates(name: str | None, feature_set: str | None) -> list[FeatureName]:
    """Return the features whose names contain `name`, of one set or of all sets."""
    from msfl.features.grammar import parse

    return [parse(known, feature_set) for known in _containing(name or "", feature_set)]


def _containing(part: str, feature_set: str | None) -> list[str]:
    from msfl.features.sets import FEATURE_SETS, feature_names

    sets = [feature_set] if feature_set else list(FEATURE_SETS)
    known = dict.fromkeys(name for one in sets for name in feature_names(one))
    return [name for name in known if part.lower() in name.lower()]


def _select(features: list[FeatureName], family: str | None, search: str | None) -> list[FeatureName]:
    """Keep the features of a family whose name, words or question hold every word of `search`."""
    from msfl.errors import nearest
    from msfl.features.lexicon import FAMILIES

    if family is not None and family not in FAMILIES:
        raise UsageError(
            f"There is no family '{family}'.{nearest(family, FAMILIES)} "
            f"The families are {', '.join(FAMILIES)}."
        )
    words = (search or "").lower().split()
    return [
        one
        for one in features
        if (family is None or one.family == family)
        and all(word in f"{one.name} {one.description} {one.question}".lower() for word in words)
    ]


def _nothing(name: str | None, feature_set: str | None) -> str:
    from msfl.errors import nearest

    where = f"The set {feature_set}" if feature_set else "No set"
    if name is None:
        return f"{where} has no feature with these words; try fewer, or `msfl feature --set IS10`."
    hint = nearest(name, _containing("", feature_set))
    return f"{where} has no feature '{name}'.{hint} `msfl feature --set {feature_set or 'IS10'}` lists them."


def _print_one(found: FeatureName, feature_set: str | None, as_json: bool) -> None:
    from dataclasses import asdict

    from msfl.features.sets import FEATURE_SETS, feature_names

    sets = [one for one in FEATURE_SETS if found.name in feature_names(one)]
    if as_json:
        import json

        click.echo(json.dumps(asdict(found) | {"sets": sets}, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    change = {0: "", 1: " (its frame-to-frame change)"}.get(found.delta, f" (change of order {found.delta})")
    rows = {
        "family": found.family,
        "contour": f"{found.contour}{change}: {found.contour_words}",
        "functional": f"{found.functional}: {found.functional_words}",
        "unit": found.unit or "none",
        "note": found.note,
        "source": found.source,
        "sets": ", ".join(sets)
        or "none; the grammar knows it, but no set of this openSMILE version holds it",
    }
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for key, value in rows.items():
        if value:
            table.add_row(key, escape(value))
    console = Console(highlight=False)
    console.print(f"[bold]{escape(found.name)}[/bold]")
    console.print(escape(found.description))
    console.print(f"[italic]{escape(found.question)}[/italic]\n")
    console.print(table)


def _print_list(features: list[FeatureName], title: str, shown: int, as_json: bool) -> None:
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps([asdict(one) for one in features], ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{title} ({len(features)})", title_justify="left")
    for header in ("feature", "family", "in words", "unit"):
        table.add_column(header, overflow="fold")
    for one in features[:shown]:
        table.add_row(*(escape(text) for text in (one.name, one.family, one.description, one.unit or "")))
    console = Console(highlight=False)
    console.print(table)
    if len(features) > shown:
        console.print(
            f"... and {len(features) - shown} more; narrow the list with --set, --family or --search."
        )
