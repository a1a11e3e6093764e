"""Raincloud plot: how a feature is distributed, by language and emotion (Allen et al. 2019)."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analyses.figures import palette
from analyses.figures.layout import dress, empty, plain
from analyses.figures.palette import Theme

FEWEST = 5
"""Recordings that a cloud needs; with fewer there are the drops only."""


def figure(values: pd.DataFrame, *, unit: str = "", theme: Theme = "light") -> go.Figure:
    """Draw one panel per language, one cloud per emotion, each recording as a drop below it.

    Args:
        values: Columns `language`, `emotion`, `value`, and `utterance` if drops are to be known by it (it is their
            ``customdata``).
        unit: Words for the axis, such as ``pitch in semitones``.
        theme: ``light`` or ``dark``.
    """
    rows = values[values["value"].notna() & values["emotion"].notna()]
    if rows.empty:
        return empty(theme, "No labelled recording has a value of this feature.")
    languages = sorted(rows["language"].astype(str).unique())
    emotions = sorted(rows["emotion"].astype(str).unique())
    colours = palette.emotions(emotions)
    titles = [plain(language) for language in languages]
    drawn = make_subplots(
        rows=1,
        cols=len(languages),
        shared_xaxes="all",
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.02,
    )
    for column, language in enumerate(languages, start=1):
        for emotion in emotions:
            part = rows[(rows["language"] == language) & (rows["emotion"] == emotion)]
            _cloud(drawn, part, emotion, colours[emotion], column)
    dress(
        drawn,
        theme,
        80 + 62 * len(emotions),
        showlegend=False,
        violingap=0,
        violinmode="overlay",
        margin={"t": 34},
    )
    drawn.update_yaxes(
        categoryorder="array",
        categoryarray=[plain(emotion) for emotion in emotions[::-1]],
        showgrid=True,
        type="category",
        ticks="",
    )
    drawn.update_xaxes(tickformat="~g", nticks=4)
    return drawn.update_xaxes(title={"text": plain(unit)}, col=(len(languages) + 1) // 2)


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Each dot is one recording; the cloud above shows where they gather, the box in it holds the middle half of "
        "them, and clouds that are shifted against one another mean that the feature tells the emotions apart."
    )


def _cloud(drawn: go.Figure, part: pd.DataFrame, emotion: str, colour: str, column: int) -> None:
    if part.empty:
        return
    cloud = len(part) >= FEWEST
    drawn.add_violin(
        x=part["value"].to_numpy(dtype="float32"),
        y=[plain(emotion)] * len(part),
        orientation="h",
        side="positive",
        width=1.3,
        points="all",
        pointpos=-0.22,
        jitter=0.28,
        marker={"color": colour, "size": 3.5, "opacity": 0.55},
        line={"color": colour, "width": 1.2 if cloud else 0},
        fillcolor=f"rgba({','.join(str(int(colour[one : one + 2], 16)) for one in (1, 3, 5))},{0.35 if cloud else 0})",
        box={"visible": cloud, "width": 0.16},
        spanmode="hard",
        hoveron="points",
        customdata=part["utterance"].tolist() if "utterance" in part else None,
        text=[plain(name) for name in part["utterance"]] if "utterance" in part else None,
        hovertemplate=f"<b>{plain(emotion)}</b><br>%{{text}}<br>%{{x:.4~g}}<extra></extra>",
        row=1,
        col=column,
    )
