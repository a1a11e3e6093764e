"""Two-dimensional maps of a shared representation: colour is the emotion, the symbol the language."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go

from analyses.figures import palette
from analyses.figures.layout import canvas, empty, plain
from analyses.figures.palette import INK, SOFT, Theme

SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "cross",
    "x",
    "star",
    "hexagon",
    "triangle-down",
    "pentagon",
)
HEIGHT = 460
_SIDE = 250
"""Height of the two legends at the right."""


def figure(
    points: pd.DataFrame,
    *,
    theme: Theme = "light",
    emotion: Callable[[str], str] = str,
    language: Callable[[str], str] = str,
    titles: tuple[str, str] = ("emotion", "language"),
) -> go.Figure:
    """Draw the map of one model.

    Args:
        points: Rows of the table `cluster_map` of one model.
        theme: ``light`` or ``dark``.
        emotion: The name of an emotion in words.
        language: The name of a language in words.
        titles: What stands above the two legends.
    """
    if points.empty:
        return empty(theme, "No model of this run has a shared representation.")
    emotions, languages = (sorted(points[name].astype(str).unique()) for name in ("emotion", "language"))
    colours = palette.emotions(emotions)
    symbols = {name: SYMBOLS[place % len(SYMBOLS)] for place, name in enumerate(languages)}
    hidden = {
        "showgrid": False,
        "zeroline": False,
        "showticklabels": False,
        "ticks": "",
        "range": [-1.06, 1.06],
    }
    drawn = canvas(
        theme,
        HEIGHT,
        xaxis={**hidden, "mirror": True, "showline": True},
        yaxis={**hidden, "mirror": True, "showline": True},
        margin={"l": 8, "r": 8, "t": 12, "b": 12},
        legend=_legend(titles[0], 1.0),
        legend2=_legend(titles[1], 1.0 - _SIDE / HEIGHT),
        hovermode="closest",
    )
    for name in emotions:
        rows = points[points["emotion"].astype(str) == name]
        drawn.add_scatter(
            x=rows["x"].tolist(),
            y=rows["y"].tolist(),
            mode="markers",
            name=plain(emotion(name)),
            marker={
                "color": colours[name],
                "size": 7,
                "opacity": 0.8,
                "symbol": [symbols[str(tag)] for tag in rows["language"]],
            },
            customdata=[
                f"<b>{plain(emotion(name))}</b>, {plain(language(str(row['language'])))}<br>{plain(row['utterance'])}"
                for row in rows[["language", "utterance"]].to_dict("records")
            ],
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )
        drawn.add_scatter(**_key(emotion(name), colours[name], "circle"))
    for name in languages:
        drawn.add_scatter(**_key(language(name), SOFT[theme], symbols[name]), legend="legend2")
    return drawn.update_layout(font={"color": INK[theme]})


def _legend(title: str, top: float) -> dict[str, object]:
    return {
        "orientation": "v",
        "x": 1.02,
        "xanchor": "left",
        "y": top,
        "yanchor": "top",
        "title": {"text": plain(title)},
        "itemclick": False,
        "itemdoubleclick": False,
    }


def _key(name: str, colour: str, symbol: str) -> dict[str, object]:
    """Return the trace that stands in a legend: a colour, or a symbol, without a point."""
    return {
        "x": [None],
        "y": [None],
        "mode": "markers",
        "name": plain(name),
        "marker": {"color": colour, "size": 9, "symbol": symbol},
        "hoverinfo": "skip",
    }


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Each point is a test utterance of one fold; points that are near each other were much alike to the network, "
        "but the axes, the sizes of groups and the distances between groups mean nothing."
    )
