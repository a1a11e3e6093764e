"""Deletion and insertion curves of rankings, with the band of random rankings."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analyses.figures import palette
from analyses.figures.layout import dress, empty, plain
from analyses.figures.palette import SOFT, Theme

RANDOM = "random"
TITLES = {
    "deletion": "deletion: best removed first",
    "insertion": "insertion: best put in first",
    "roar": "trained anew without the best",
}
VALUES = {"": "mean recall (UAR)", " probability": "probability of the true class"}
"""Ending of the name of a test -> what its curve is about."""


def figure(
    curves: pd.DataFrame, *, value: Literal["", " probability"] = "", theme: Theme = "light"
) -> go.Figure:
    """Draw one panel per test.

    Args:
        curves: Rows of the table of curves of one language set, model and level.
        value: Ending of the names of the tests, see `VALUES`.
        theme: ``light`` or ``dark``.
    """
    tests = [name for name in TITLES if (curves["test"] == name + value).any()]
    if not tests:
        return empty(theme, "No curve was computed here.")
    titles = [TITLES[test] for test in tests]
    drawn = make_subplots(1, len(tests), subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.05)
    shown: set[str] = set()
    for column, test in enumerate(tests, start=1):
        rows = curves[curves["test"] == test + value].sort_values("share")
        colours = palette.methods(sorted(set(rows["method"]) - {RANDOM}))
        for method in (RANDOM, *colours):
            line = rows[rows["method"] == method]
            if len(line):
                draw = {
                    "row": 1,
                    "col": column,
                    "showlegend": method not in shown,
                    "legendgroup": plain(method),
                }
                if method == RANDOM:
                    _chance(drawn, line, theme, draw)
                else:
                    _line(drawn, line, method, colours[method], draw)
                shown.add(method)
    dress(drawn, theme, 400, margin={"t": 78}, legend={"y": 1.1})
    drawn.update_xaxes(title={"text": "share of the features, %"}, range=[0, 100])
    drawn.update_yaxes(title={"text": VALUES[value]}, col=1)
    return drawn.update_annotations(font={"size": 13})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "If a ranking names what the model really uses, its deletion curve falls faster, and its insertion curve rises "
        "faster, than the grey band, which is what random rankings do."
    )


def _chance(drawn: go.Figure, chance: pd.DataFrame, theme: Theme, draw: dict[str, Any]) -> None:
    share = (100 * chance["share"]).tolist()
    edge = draw | {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    drawn.add_scatter(x=share, y=chance["high"].tolist(), **edge)
    band = {"fill": "tonexty", "fillcolor": "rgba(127,127,127,0.25)"}
    drawn.add_scatter(x=share, y=chance["low"].tolist(), **edge, **band)
    drawn.add_scatter(
        x=share,
        y=chance["value"].tolist(),
        mode="lines",
        line={"color": SOFT[theme], "width": 1.5, "dash": "dot"},
        name="random rankings",
        hovertemplate="random rankings: %{y:.3f} at %{x:.0f} %<extra></extra>",
        **draw,
    )


def _line(drawn: go.Figure, line: pd.DataFrame, method: str, colour: str, draw: dict[str, Any]) -> None:
    drawn.add_scatter(
        x=(100 * line["share"]).tolist(),
        y=line["value"].tolist(),
        mode="lines+markers",
        line={"color": colour, "width": 2.5},
        marker={"size": 5},
        name=plain(method),
        hovertemplate=f"<b>{plain(method)}</b>: %{{y:.3f}} at %{{x:.0f}} %<extra></extra>",
        **draw,
    )
