"""``msfl models``: what can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console


@click.command(short_help="List the models: what each reads and learns, its paper.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(name: str | None, as_json: bool) -> None:
    """List the models: what each reads and learns, and the paper it comes from.

    With the NAME of a model, also its parameters and their defaults, as an experiment file sets them.
    """
    import json

    from rich.console import Console

    from msfl.models.registry import get_entry, registry

    names = list(registry()) if name is None else [get_entry(name).name]
    rows = [_row(one) for one in names]
    if as_json:
        click.echo(json.dumps(rows if name is None else rows[0], indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for row in rows:
        _print(console, row)
    if name is None:
        console.print("[dim]`msfl models NAME` shows the parameters of a model.[/dim]")
    else:
        _print_parameters(console, rows[0])


def _row(name: str) -> dict[str, Any]:
    """Return what is known of a model; where its package cannot be imported, why."""
    from msfl.errors import UsageError
    from msfl.models.registry import get_entry, inputs_of, parameters_of, system_class
    from msfl.sequences.kinds import title_of

    row: dict[str, Any] = {
        "name": name,
        "target": get_entry(name).target,
        "twin": get_entry(name).twin or None,
    }
    try:
        system = system_class(name)
        inputs = inputs_of(name)
        return row | {
            "summary": system.summary,
            "inputs": list(inputs),
            "reads": [title_of(kind) for kind in inputs],
            **_tasks(name),
            "paper": system.paper,
            "parameters": _plain(parameters_of(name)),
        }
    except UsageError as error:
        nothing: dict[str, Any] = {"inputs": [], "reads": [], "tasks": "", "auxiliary_tasks": None}
        return row | {"summary": str(error), **nothing, "paper": "", "parameters": {}}


def _tasks(name: str) -> dict[str, Any]:
    """Return what a model learns, in words, and its auxiliary tasks; None where the experiment names them."""
    from msfl.models.registry import is_multitask, parameters_of

    own = parameters_of(name).get("tasks")
    if own:
        return {"tasks": f"the main task, with {', '.join(own)}", "auxiliary_tasks": list(own)}
    if own is None and is_multitask(name):
        return {"tasks": "all tasks of the experiment", "auxiliary_tasks": None}
    return {"tasks": "the main task only", "auxiliary_tasks": []}


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return defaults as JSON knows them; what has none is required."""
    import inspect

    def plain(value: Any) -> Any:
        if value is inspect.Parameter.empty:
            return "required"
        if isinstance(value, (tuple, list)):
            return [plain(item) for item in value]
        if isinstance(value, Mapping):
            return {str(key): plain(item) for key, item in value.items()}
        return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)

    return {key: plain(value) for key, value in parameters.items()}


def _print(console: Console, row: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.padding import Padding

    console.print(f"[bold]{escape(row['name'])}[/bold]")
    lines = [escape(row["summary"])]
    if row["reads"]:
        lines.append(f"[dim]reads[/dim]   {escape('; '.join(row['reads']))}")
        lines.append(f"[dim]learns[/dim]  {escape(row['tasks'])}")
    if row["twin"]:
        lines.append(f"[dim]twin[/dim]    {escape(row['twin'])}")
    if row["paper"] not in ("", "baseline"):
        lines.append(f"[dim]paper[/dim]   {escape(row['paper'])}")
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 2)))
    console.print()


def _print_parameters(console: Console, row: dict[str, Any]) -> None:
    """Print the parameters as the section of an experiment file that repeats their defaults."""
    if not row["parameters"]:
        console.print("It has no parameters.")
        return
    console.print("Parameters and their defaults, as in an experiment file:")
    # A key without a value is not TOML: None is what a parameter has that is left out.
    lines = [
        f"  # {key}: none" if value is None else f"  {key} = {_toml(value)}"
        for key, value in row["parameters"].items()
    ]
    console.print("\n".join([f"  [model.{row['name']}]", *lines]), markup=False, soft_wrap=True)


def _toml(value: Any) -> str:
    """Write a value as TOML has it, tables inline."""
    import json

    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)
