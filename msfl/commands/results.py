"""``msfl results``: the comparison of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from msfl.commands.options import OutputFile

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from msfl.results import Comparison
    from msfl.runs import Run


@click.command(short_help="Compare the models of a run: scores with intervals.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--task", help="One task only; by default every task of the run.")
@click.option(
    "--by",
    type=click.Choice(["corpus", "language"]),
    help="Columns; by default corpora, or languages where a corpus holds several.",
)
@click.option("--metric", default="uar", show_default=True, help="uar, war or macro_f1.")
@click.option(
    "--against",
    metavar="MODEL",
    help="Compare all with MODEL, MODEL@LANGUAGE_SET, or best (the best baseline); main task, or --task.",
)
@click.option("--csv", "csv_file", type=OutputFile(), help="Write the numbers as CSV.")
@click.option("--latex", "latex_file", type=OutputFile(), help="Write the tables for LaTeX (booktabs).")
@click.option("--json", "json_file", type=OutputFile(), help="Write the numbers as JSON.")
def results(
    run: Path,
    task: str | None,
    by: str | None,
    metric: str,
    against: str | None,
    csv_file: Path | None,
    latex_file: Path | None,
    json_file: Path | None,
) -> None:
    """Print the comparison of a RUN: every model and language set on every corpus, with intervals.

    The row `monolingual` tests each corpus with the model of its own language. Intervals draw speakers. Systems that
    stand beside their twin, the same network without what its paper adds, are compared with it.
    """
    from rich.console import Console

    from msfl.results import compare, differences, gains, training_notes
    from msfl.runs import open_run

    opened = open_run(run)
    tasks = (
        [task]
        if task
        else [name for name in opened.experiment.training.tasks if name in set(opened.scores["task"])]
    )
    comparisons = [compare(opened, task=name, metric=metric, by=by) for name in tasks]
    compared = differences(opened, against, task=tasks[0]) if against else gains(opened, task=tasks[0])
    console = Console()
    for comparison in comparisons:
        show(comparison, console)
        if comparison is comparisons[0] and len(compared):
            _print_differences(compared, comparison.task, console)
    failed = [job for job in opened.jobs if job.status == "failed"]
    if failed:
        console.print(
            f"{len(failed)} jobs failed and are missing here, the first: {failed[0].reason}", markup=False
        )
    for note in training_notes(opened):
        console.print(f"Note: {note}", markup=False)
    _write(opened, comparisons, compared, csv_file, latex_file, json_file)
    for file in filter(None, (csv_file, latex_file, json_file)):
        click.echo(f"Written: {file}")


def show(comparison: Comparison, console: Console) -> None:
    """Print one comparison as a table."""
    from rich.table import Table

    table = Table(title=comparison.title)
    for heading in ("trained on", "model", "seeds"):
        table.add_column(heading, overflow="fold")
    for column in comparison.columns:
        table.add_column(column, justify="right")
    before = None
    for row in comparison.rows:
        if before not in (None, row.language_set):
            table.add_section()
        before = row.language_set
        cells = [
            str(row.scores.get(column, "")).replace(" [", "\n[").replace(", ", ",")
            for column in comparison.columns
        ]
        table.add_row(row.language_set, row.model, row.seeds, *cells)
    console.print(table, markup=False)


def _print_differences(frame: pd.DataFrame, task: str, console: Console) -> None:
    """Print `msfl.results.differences`, or `gains`."""
    from rich.table import Table

    from msfl.results import short

    title = f"{task.capitalize()}: UAR minus that of "
    if "twin" in frame:
        title += "its twin, the same network without what its paper adds, on the same utterances [95 %], p"
        frame = frame.assign(system=frame["model"] + "@" + frame["language_set"], against=frame["twin"])
        table = Table("system", "its twin", title=title)
    else:
        title += f"{frame['against'].iloc[0]} on the same utterances [95 %], p"
        table = Table("system", title=title)
    groups = list(dict.fromkeys(frame["group"]))
    for group in groups:
        table.add_column(group, justify="right")
    for (system, against), part in frame.groupby(["system", "against"], sort=False):
        cells = {
            line["group"]: "\n".join(
                [
                    short(line["difference"], signed=True),
                    f"[{short(line['low'], signed=True)}, {short(line['high'], signed=True)}]",
                    f"p {short(line['p'])}" if line["p"] >= 0.001 else "p < .001",
                ]
            )
            for line in part.to_dict("records")
        }
        names = [str(system), str(against)] if "twin" in frame else [str(system)]
        table.add_row(*names, *(cells.get(group, "") for group in groups))
    console.print(table, markup=False)


def _write(
    run: Run,
    comparisons: list[Comparison],
    compared: pd.DataFrame,
    csv_file: Path | None,
    latex_file: Path | None,
    json_file: Path | None,
) -> None:
    import json

    from msfl.atomic import replacing, write_json
    from msfl.results import to_latex

    records = [{"task": table.task, **record} for table in comparisons for record in table.records()]
    if csv_file:
        import pandas as pd

        protocol = {"protocol": run.manifest.protocol.title, "normalisation": run.manifest.normalisation}
        protocol |= {"labelled": str(run.labelled)}
        with replacing(csv_file) as work:
            pd.DataFrame(records).assign(**protocol).to_csv(work, index=False)
    if latex_file:
        with replacing(latex_file) as work:
            work.write_text("\n".join(map(to_latex, comparisons)), encoding="utf-8")
    if json_file:
        manifest = run.manifest
        document = {
            "run": manifest.name,
            "protocol": manifest.protocol.model_dump(),
            "normalisation": manifest.normalisation,
            "labelled": run.labelled,
            "features": manifest.features.set,
            "synthetic": manifest.data.synthetic,
            "scores": records,
            "differences": json.loads(compared.to_json(orient="records")),
        }
        write_json(json_file, document)
