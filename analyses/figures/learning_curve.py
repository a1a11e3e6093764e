"""Scores over the share of labels that the models have seen."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import between, canvas, empty, interval, plain
from analyses.figures.palette import COLOURS, Theme
from analyses.figures.scores import METRICS

_APART = 0.012
"""Systems stand beside each other by this share of the axis, so that their intervals can be told apart."""


def figure(curve: pd.DataFrame, *, metric: str = "uar", theme: Theme = "light") -> go.Figure:
    """Draw one line per system.

    Args:
        curve: Rows of the learning curve of one task, group and language set: `labelled` (0 to 1), `model`, the
            metric and its `_low` and `_high`.
        metric: ``uar``, ``war`` or ``macro_f1``.
        theme: ``light`` or ``dark``.
    """
    rows = curve[curve[metric].notna()]
    shares = sorted(rows["labelled"].unique())
    if len(shares) < 2:
        return empty(theme, "There is one share of labels only: no curve.")
    drawn = canvas(theme, 420)
    names = list(dict.fromkeys(rows.sort_values(metric, ascending=False)["model"]))
    for place, name in enumerate(names):
        line = rows[rows["model"] == name].sort_values("labelled")
        middle, low, high = (100 * line[f"{metric}{end}"] for end in ("", "_low", "_high"))
        shift = 1 + _APART * (place - (len(names) - 1) / 2) * 2  # the axis is logarithmic
        colour = COLOURS[place % len(COLOURS)]
        drawn.add_scatter(
            x=(100 * line["labelled"] * shift).tolist(),
            y=middle.tolist(),
            mode="lines+markers",
            name=plain(name),
            line={"color": colour, "width": 2},
            marker={"color": colour, "size": 8},
            error_y=interval(middle, low, high) | {"color": colour, "thickness": 1.2},
            customdata=[
                f"<b>{plain(name)}</b><br>{100 * share:.3g} % of the labels: {value:.1f} %, "
                f"{between(one, other, '.1f')}"
                for share, value, one, other in zip(line["labelled"], middle, low, high, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    ticks = [100 * share for share in shares]
    drawn.update_xaxes(
        type="log",
        title={"text": "share of the training utterances that are labelled, %"},
        tickvals=ticks,
        ticktext=[f"{tick:.3g}" for tick in ticks],
    )
    return drawn.update_yaxes(title={"text": METRICS.get(metric, plain(metric))})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Higher is better; a system that learns from unlabelled recordings should lie above its supervised twin on the "
        "left, where few are labelled, and the bars are 95 % intervals over speakers."
    )
