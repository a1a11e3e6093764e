"""How steady the top list of each method is over folds, seeds and feature orders."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import between, canvas, empty, interval, plain, rows_axis
from analyses.figures.palette import BLUE, GREEN, ORANGE, PURPLE, SKY, SOFT, Theme

OVER = {
    "halves": ("the average of half the networks", SKY, "star"),
    "all": ("one network: all repeats", BLUE, "circle"),
    "folds": ("one network: other speakers", ORANGE, "square"),
    "seeds": ("one network: other seeds", GREEN, "triangle-up"),
    "orders": ("one network: other feature orders", PURPLE, "diamond"),
}
"""What was varied -> words, colour, symbol."""

POOR, GOOD = 0.4, 0.75
"""Below poor, above excellent agreement (Nogueira et al. 2018, after Fleiss)."""
_WORDS = 24
"""Pixels that the words on the lines take."""


def figure(stability: pd.DataFrame, *, index: str = "nogueira", theme: Theme = "light") -> go.Figure:
    """Draw stability indices with their intervals.

    Args:
        stability: Rows of the table of stability of one language set, level and k.
        index: ``nogueira`` or ``kuncheva``.
        theme: ``light`` or ``dark``.
    """
    rows = stability[(stability["index"] == index) & stability["value"].notna()]
    if rows.empty:
        return empty(theme, "Stability needs at least two repeats; train with several folds or seeds.")
    methods = sorted(rows["method"].unique(), key=lambda name: (name != "consensus", name))
    kinds = [kind for kind in OVER if (rows["over"] == kind).any()]
    tall = (16 * len(kinds) + 14) * len(methods)
    drawn = canvas(theme, 140 + tall, margin={"t": 96})
    for place, kind in enumerate(kinds):
        words, colour, symbol = OVER[kind]
        part = rows[rows["over"] == kind]
        shift = 0.16 * (place - (len(kinds) - 1) / 2)
        drawn.add_scatter(
            x=part["value"].tolist(),
            y=[methods.index(method) + shift for method in part["method"]],
            mode="markers",
            name=words,
            marker={"color": colour, "size": 9, "symbol": symbol},
            error_x=interval(part["value"], part["low"], part["high"]) | {"color": colour},
            customdata=[
                f"<b>{plain(row['method'])}, {words}</b><br>{row['value']:.2f}, {between(row['low'], row['high'])}<br>"
                f"{row['repeats']} lists"
                for row in part.to_dict("records")
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    for level, text in ((POOR, "poor below"), (GOOD, "excellent above")):
        drawn.add_vline(
            x=level,
            line={"color": SOFT[theme], "width": 1, "dash": "dot"},
            annotation={"text": text, "font": {"size": 11, "color": SOFT[theme]}, "yanchor": "bottom"},
        )
    lowest = min(0.0, float(rows[["value", "low"]].min().min()))
    drawn.update_xaxes(
        title={"text": "stability of the top list (0 chance, 1 always the same)"}, range=[lowest - 0.02, 1.02]
    )
    return drawn.update_yaxes(**rows_axis([plain(method) for method in methods])).update_layout(
        legend={"y": 1 + _WORDS / tall, "yanchor": "bottom"}  # above the words on the lines
    )


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "At 1 the same items lead the list whatever speakers, seed or feature order the model was trained with, at 0 "
        "the list is no steadier than chance; the ranking shown elsewhere is the average over all networks, of which "
        "the stars speak, and the bars are 95 % intervals."
    )
