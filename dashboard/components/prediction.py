"""What a model predicted for an utterance, beside the truth, with the probabilities as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import dash_mantine_components as dmc
from dash import html

from dashboard.components import empty, pill
from dashboard.data import RunData
from dashboard.outcomes import classes_of, outcomes
from dashboard.state import State
from dashboard.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

_LEAST = 1e-4


def prediction(run: RunData, state: State, texts: Texts) -> Any:
    """Return one block per task of the model; a sentence where it was not tested on the utterance."""
    if run.predictions is None:
        return empty(
            texts("utterance.unfinished"),
            texts("utterance.unfinished_why"),
            f"msfl train {run.run.path.name}",
        )
    tasks = sorted(run.choices.tasks, key=lambda task: task != state.task)
    blocks = []
    for task in tasks:
        found = outcomes(run, state.set, state.model, task)
        if found is not None and state.utterance in found.index:
            row = cast("pd.Series", found.loc[state.utterance])
            blocks.append(_task(task, row, classes_of(found), texts))
    if blocks:
        return dmc.Stack(blocks, gap="lg")
    return empty(texts("utterance.not_tested"), texts("utterance.not_tested_why", model=state.model))


def _task(task: str, row: pd.Series, classes: list[str], texts: Texts) -> Any:
    predicted = texts.label(task, str(row["predicted"]))
    truth = str(row["truth"]) if isinstance(row["truth"], str) else ""
    mark = (
        pill(
            texts("utterance.judged.right" if row["right"] else "utterance.judged.wrong"),
            "good" if row["right"] else "bad",
        )
        if truth
        else pill(texts("utterance.no_truth"))
    )
    lines = [html.Strong(predicted), mark]
    if truth:
        said = texts("utterance.truth", name=texts.label(task, truth))
        lines.append(dmc.Text(said, size="sm", c="dimmed"))
    chances = sorted(
        ((name, float(row[name])) for name in classes if row[name] == row[name]), key=lambda pair: -pair[1]
    )
    bars = [
        _bar(texts.label(task, name), chance, name == truth, texts)
        for name, chance in chances
        if chance >= _LEAST
    ]
    seeds = int(row["seeds"])
    note = texts("utterance.seeds", count=seeds) if seeds > 1 else ""
    fold = texts("utterance.fold", fold=str(row["fold"]))
    return html.Section(
        [
            html.H3(texts.label("task", task), className="task"),
            dmc.Group(lines, gap="sm", align="center"),
            html.Ul(bars, className="chances"),
            dmc.Text(" ".join(part for part in (fold, note) if part), size="xs", c="dimmed"),
        ]
    )


def _bar(name: str, chance: float, true: bool, texts: Texts) -> Any:
    words = f"{name} ✓" if true else name
    return html.Li(
        [
            html.Span(words, className="chance-name"),
            html.Span(
                html.Span(className="chance-bar", style={"width": f"{100 * min(chance, 1):.1f}%"}),
                className="chance-room",
                **{"aria-hidden": "true"},
            ),
            html.Span(f"{texts.number(100 * chance, 1)} %", className="chance-number"),
        ],
        className="chance-true" if true else "",
    )
