"""How the weights of the tasks moved during training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from analyses.figures import palette
from analyses.figures.layout import apart, canvas, empty, plain
from analyses.figures.palette import SOFT, Theme

_STEPS = "step_weight_"
_EPOCHS = "weight_"
_POINTS = 400  # on a line; more cannot be seen
_GAP = 0.07  # share of the height that a label takes


def figure(histories: Sequence[pd.DataFrame], *, theme: Theme = "light") -> go.Figure:
    """Draw the weights: thin lines for single trainings, a thick one for their mean.

    Args:
        histories: Training histories of the same model, one per fold and seed (`msfl.runs.Run.history`).
        theme: ``light`` or ``dark``.
    """
    fine = bool(histories) and all(any(name.startswith(_STEPS) for name in one.columns) for one in histories)
    prefix = _STEPS if fine else _EPOCHS
    tasks = sorted(
        {name.removeprefix(prefix) for one in histories for name in one.columns if name.startswith(prefix)}
    )
    if not tasks:
        return empty(theme, "This model has one task, or its tasks have fixed weights.")
    colours = palette.tasks(tasks)
    drawn = canvas(theme, 340, showlegend=False, margin={"r": 110})
    ends: list[float] = []
    highest = 1.0
    for task in tasks:
        lines = [_line(one, prefix + task) for one in histories if prefix + task in one.columns]
        for line in lines if len(lines) > 1 else []:
            _draw(drawn, line, colours[task], 1, 0.3, "")
        # early stopping makes histories differ in length: the mean is over those that are still training
        length = max(len(line) for line in lines)
        padded = np.array([np.pad(line, (0, length - len(line)), constant_values=np.nan) for line in lines])
        mean = np.nanmean(padded, axis=0)
        _draw(drawn, mean, colours[task], 3, 1.0, task)
        ends.append(float(mean[-1]))
        highest = max(highest, float(np.nanmax(padded)))
    last = max(
        len(_line(one, prefix + task)) for one in histories for task in tasks if prefix + task in one.columns
    )
    for task, y in zip(tasks, apart(ends, _GAP * highest), strict=True):
        drawn.add_annotation(
            x=last,
            y=y,
            text=plain(task),
            showarrow=False,
            xanchor="left",
            xshift=6,
            font={"color": colours[task]},
        )
    drawn.add_hline(y=1, line={"color": SOFT[theme], "width": 1, "dash": "dot"})
    drawn.update_xaxes(title={"text": "step of the training" if fine else "epoch"})
    return drawn.update_yaxes(title={"text": "weight of the task's loss"}, rangemode="tozero")


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Above the dotted line a task counts for more than its share, below for less; thin lines are single "
        "trainings, the thick line is their mean."
    )


def _line(history: pd.DataFrame, column: str) -> NDArray[np.float64]:
    values = history[column].dropna()
    if column.startswith(_STEPS):
        return (
            np.concatenate([np.asarray(value, dtype=float) for value in values])
            if len(values)
            else np.array([])
        )
    return np.asarray(values.to_numpy(dtype=float))


def _draw(
    drawn: go.Figure, line: NDArray[np.float64], colour: str, width: float, opacity: float, name: str
) -> None:
    chosen = np.unique(np.linspace(0, len(line) - 1, min(len(line), _POINTS)).astype(int))
    drawn.add_scatter(
        x=[int(place) + 1 for place in chosen],
        y=[round(float(line[place]), 4) for place in chosen],
        mode="lines",
        line={"color": colour, "width": width},
        opacity=opacity,
        hoverinfo=None if name else "skip",
        hovertemplate=f"<b>{plain(name)}</b>: weight %{{y:.2f}} at %{{x}}<extra></extra>" if name else None,
    )
