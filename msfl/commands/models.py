"""``msfl models``: what can be compared."""

from __future__ import annotations

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(as_json: bool) -> None:
    """List the models, with the paper each comes from."""
    import json

    from rich.console import Console
    from rich.table import Table

    from msfl.errors import UsageError
    from msfl.models.registry import is_multitask, registry, system_class

    rows = []
    for name, entry in registry().items():
        try:
            system = system_class(name)
        except UsageError as error:
            rows.append(
                {"name": name, "tasks": "", "paper": "", "summary": str(error), "target": entry.target}
            )
            continue
        tasks = "all tasks" if is_multitask(name) else "main task"
        rows.append(
            {
                "name": name,
                "tasks": tasks,
                "paper": system.paper,
                "summary": system.summary,
                "target": entry.target,
            }
        )
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(
        "model", "learns", "what it is", "paper", title="Input of each: one row of utterance features"
    )
    for row in rows:
        table.add_row(row["name"], row["tasks"], row["summary"], row["paper"])
    Console().print(table)
