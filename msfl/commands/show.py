"""``msfl show``: an experiment as msfl understands it, and what it comes to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from msfl.experiment import Experiment
    from msfl.preparation import Plan


@click.command(short_help="Check an experiment file and say what it comes to.")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(experiment: Path, as_json: bool) -> None:
    """Check an EXPERIMENT file and print it resolved: every default, the utterances, folds and jobs.

    Nothing is extracted or trained. Exact duplicates are found in training only, and may move an utterance or
    two.
    """
    import json

    from rich.console import Console

    from msfl.experiment import load_experiment
    from msfl.preparation import make_plan
    from msfl.selection import load_table, select

    checked = load_experiment(experiment)
    absent = [
        f"{label}: {source.path}" for label, source in checked.corpora.items() if not source.path.exists()
    ]
    notes: list[str] = []
    plan = None if absent else make_plan(checked, select(load_table(checked, notes.append), checked))
    if as_json:
        summary = _summary(plan) if plan else None
        document = {"experiment": checked.model_dump(mode="json"), "absent": absent, "plan": summary}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    console = Console()
    _print_experiment(checked, console)
    if plan is None:
        console.print(f"\nNot here, so folds and jobs cannot be counted: {'; '.join(absent)}", markup=False)
        return
    _print_plan(plan, console)
    for note in notes:
        console.print(note, markup=False)


def _summary(plan: Plan) -> dict[str, Any]:
    counts = plan.table[["language", "emotion"]].astype(object).fillna("").value_counts(sort=False)
    return {
        "utterances": len(plan.table),
        "speakers": int(plan.table["speaker"].nunique()),
        "counts": [
            {"language": language, "emotion": emotion or None, "utterances": count}
            for language, emotion, count in counts.reset_index().itertuples(index=False)
        ],
        "language_sets": {group.name: list(group.languages) for group in plan.sets},
        "folds": list(plan.folds),
        "jobs": len(plan.jobs),
        "warnings": list(plan.warnings),
    }


def _print_experiment(experiment: Experiment, console: Console) -> None:
    from rich.table import Table

    table = Table("key", "value", title=f"Experiment {experiment.name}")
    for label, source in experiment.corpora.items():
        extra = "".join(f", {key} {value}" for key, value in _extras(source).items())
        table.add_row(f"corpora.{label}", f"{source.reader}: {source.path}{extra}")
    for section in ("data", "protocol", "training"):
        for key, value in getattr(experiment, section).model_dump(mode="json").items():
            if value is not None:
                table.add_row(f"{section}.{key}", _words(value))
    for model, parameters in experiment.model.items():
        for key, value in parameters.items():
            table.add_row(f"model.{model}.{key}", _words(value))
    console.print(table)


def _extras(source: Any) -> dict[str, str]:
    return {
        key: getattr(source, key) for key in ("normalisation", "language") if getattr(source, key) is not None
    }


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join("+".join(item) if isinstance(item, list) else str(item) for item in value)
    return str(value)


def _print_plan(plan: Plan, console: Console) -> None:
    import pandas as pd
    from rich.table import Table

    emotion = plan.table["emotion"].fillna("(no label)")
    counts = pd.crosstab(emotion, plan.table["language"])
    table = Table("emotion", *map(str, counts.columns), "all", title="Utterances")
    for name, row in counts.iterrows():
        table.add_row(str(name), *(str(value) for value in row), str(row.sum()))
    table.add_section()
    table.add_row("all", *(str(value) for value in counts.sum()), str(len(plan.table)))
    speakers = plan.table.groupby("language")["speaker"].nunique()
    table.add_row("speakers", *(str(speakers[name]) for name in counts.columns), str(speakers.sum()))
    console.print(table)
    sets = ", ".join(group.name for group in plan.sets)
    console.print(f"{len(plan.folds)} folds, language sets {sets}: {len(plan.jobs)} jobs", markup=False)
    for warning in plan.warnings:
        console.print(f"Warning: {warning}", markup=False)
