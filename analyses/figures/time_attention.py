"""Attention over relative time: a row per language, a column per task, with the spread over utterances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analyses.figures import palette
from analyses.figures.layout import dress, empty, plain
from analyses.figures.palette import SOFT, Theme

_PANEL = 105
"""Height of a panel in pixels."""
_FRAME = 110
"""Pixels above and below the panels."""


def figure(profiles: pd.DataFrame, *, named: Callable[[str], str] = str, theme: Theme = "light") -> go.Figure:
    """Draw the mean attention of every task and language, and the middle half of the utterances.

    Args:
        profiles: What `analyses.time_attention.profiles` returns.
        named: Language tag -> its name.
        theme: ``light`` or ``dark``.
    """
    if profiles.empty:
        return empty(theme, "No model of this run attends to time.")
    tasks, languages = (list(dict.fromkeys(map(str, profiles[name]))) for name in ("task", "language"))
    drawn = make_subplots(
        len(languages),
        len(tasks),
        shared_xaxes=True,
        shared_yaxes="all",
        column_titles=[plain(task) for task in tasks],
        row_titles=[plain(named(language)) for language in languages],
        horizontal_spacing=0.05,
        vertical_spacing=min(0.05, 0.3 / len(languages)),
    )
    colours = palette.tasks(tasks)
    for row, language in enumerate(languages, start=1):
        for column, task in enumerate(tasks, start=1):
            part = profiles[(profiles["task"] == task) & (profiles["language"] == language)]
            if len(part):
                _panel(drawn, part, colours[task], {"row": row, "col": column})
    dress(
        drawn,
        theme,
        _FRAME + _PANEL * len(languages),
        showlegend=False,
        margin={"t": 44, "r": 40, "l": 60},
    )
    drawn.add_hline(y=1, line={"color": SOFT[theme], "width": 1, "dash": "dot"})
    drawn.update_xaxes(range=[0, 100], tickvals=[0, 25, 50, 75, 100])
    drawn.update_xaxes(title={"text": "time, % of the utterance"}, row=len(languages))
    drawn.update_yaxes(range=[0, 1.08 * float(profiles[["mean", "high"]].max().max())], nticks=4)
    middle = {"x": -0.055, "y": 0.5, "xref": "paper", "yref": "paper", "textangle": -90, "showarrow": False}
    drawn.add_annotation(text="attention, multiple of even attention", xanchor="right", **middle)
    return drawn.update_annotations(font={"size": 13})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Where a line is above the dotted line at 1, the task gave that part of the utterance more weight than it "
        "would have had by its length; the band holds the middle half of the utterances."
    )


def _panel(drawn: go.Figure, part: pd.DataFrame, colour: str, at: dict[str, Any]) -> None:
    place = part["place"].tolist()
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    drawn.add_scatter(x=place, y=part["high"].tolist(), **edge, **at)
    drawn.add_scatter(
        x=place,
        y=part["low"].tolist(),
        fill="tonexty",
        fillcolor=_faint(colour),
        **edge,
        **at,
    )
    drawn.add_scatter(
        x=place,
        y=part["mean"].tolist(),
        mode="lines",
        line={"color": colour, "width": 2.5},
        customdata=[
            f"mean {row['mean']:.2f}, middle half {row['low']:.2f} to {row['high']:.2f}<br>"
            f"{row['utterances']} utterances"
            for row in part.to_dict("records")
        ],
        hovertemplate="at %{x:.0f} %: %{customdata}<extra></extra>",
        **at,
    )


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.25)"
