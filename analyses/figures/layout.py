"""What all figures have in common: fonts that print, quiet axes, labels that are escaped and not too long."""

from __future__ import annotations

import html
import math
import re
import textwrap
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.palette import COLOURS, GRID, INK, PAPER, SOFT, Theme

FONT = "Arial, Helvetica, 'Liberation Sans', 'Noto Sans', 'Noto Sans CJK SC', 'DejaVu Sans', sans-serif"
"""Fonts that every system has, for Latin, Hangul and Chinese."""

ROW = 24
"""Height of one row of text in pixels."""

_WORDS = 46
_BRACKETS = re.compile(r" \([^()]*\)")


@lru_cache(maxsize=2)
def template(theme: Theme) -> go.layout.Template:
    """Return the template of a theme."""
    axis = {
        "gridcolor": GRID[theme],
        "linecolor": SOFT[theme],
        "tickcolor": GRID[theme],
        "zeroline": False,
        "automargin": True,
        "title": {"standoff": 10, "font": {"size": 13}},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": INK[theme]},
            "paper_bgcolor": PAPER[theme],
            "plot_bgcolor": PAPER[theme],
            "colorway": COLOURS,
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "align": "left",
                "bgcolor": PAPER[theme],
                "bordercolor": SOFT[theme],
                "font": {"family": FONT, "size": 13, "color": INK[theme]},
            },
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
            "margin": {"l": 12, "r": 16, "t": 28, "b": 48},
            "modebar": {"remove": ["lasso2d", "select2d", "autoScale2d"]},
        }
    )


def canvas(theme: Theme, height: int, **layout: Any) -> go.Figure:
    """Return an empty figure of a theme."""
    return dress(go.Figure(), theme, height, **layout)


def dress(drawn: go.Figure, theme: Theme, height: int, **layout: Any) -> go.Figure:
    """Give a figure its template, height and further layout; returns the figure."""
    drawn.update_layout(template=template(theme), height=height, **layout)
    return drawn


def rows_axis(labels: Sequence[str]) -> dict[str, Any]:
    """Return a vertical axis with one row per label at 0, 1, ..., the first on top, without lines."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(labels))),
        "ticktext": list(labels),
        "range": [len(labels) - 0.5, -0.5],
        "showgrid": False,
        "ticks": "",
    }


def empty(theme: Theme, sentence: str) -> go.Figure:
    """Return a figure that says why there is nothing to see."""
    drawn = canvas(theme, 120, xaxis={"visible": False}, yaxis={"visible": False})
    note = {"text": plain(sentence), "showarrow": False, "font": {"color": SOFT[theme]}}
    return drawn.add_annotation(x=0.5, y=0.5, xref="paper", yref="paper", **note)


def plain(text: object) -> str:
    """Return text that Plotly shows as it is, whatever it holds."""
    return html.escape(str(text), quote=False)


def short(text: object, width: int = _WORDS, lines: int = 2) -> str:
    """Return a label of at most some lines, escaped; hover text holds the whole.

    What stands in brackets explains and goes first, then the end.
    """
    broken = textwrap.wrap(str(text), width)
    if len(broken) > lines:
        broken = textwrap.wrap(_BRACKETS.sub("", str(text)), width)
    if len(broken) > lines:
        broken = [*broken[: lines - 1], broken[lines - 1][: width - 1].rstrip(" ,(") + "…"]
    return "<br>".join(plain(line) for line in broken)


def interval(middle: pd.Series, low: pd.Series, high: pd.Series) -> dict[str, Any]:
    """Return the error bars of an interval; none where it is missing."""
    return {
        "type": "data",
        "symmetric": False,
        "array": (high - middle).clip(lower=0).tolist(),
        "arrayminus": (middle - low).clip(lower=0).tolist(),
        "thickness": 1.8,
        "width": 0,
    }


def between(low: float, high: float, form: str = ".2f") -> str:
    """Return an interval in words."""
    if math.isnan(low) or math.isnan(high):
        return "no interval"
    return f"95 % interval {low:{form}} to {high:{form}}"


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Move label positions apart until they are at least `gap` from one another, in the order they have."""
    order = sorted(range(len(places)), key=lambda one: places[one])
    blocks: list[tuple[float, list[int]]] = []  # centre of a block of labels, its members
    for one in order:
        centre, members = places[one], [one]
        while (
            blocks
            and centre - gap * (len(members) - 1) / 2 < blocks[-1][0] + gap * (len(blocks[-1][1]) + 1) / 2
        ):
            other, before = blocks.pop()
            centre = (centre * len(members) + other * len(before)) / (len(members) + len(before))
            members = [*before, *members]
        blocks.append((centre, members))
    found = [0.0] * len(places)
    for centre, members in blocks:
        for step, one in enumerate(members):
            found[one] = centre + gap * (step - (len(members) - 1) / 2)
    return found
