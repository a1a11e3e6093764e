"""Scores with their intervals, models beside baselines."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import ROW, between, canvas, empty, interval, plain, rows_axis
from analyses.figures.palette import BLUE, SOFT, Theme

METRICS = {
    "uar": "mean recall over the classes (UAR), %",
    "war": "share of recordings recognised (WAR), %",
    "macro_f1": "mean F1 over the classes, %",
}


def figure(
    scores: pd.DataFrame,
    *,
    metric: str = "uar",
    baselines: Collection[str] = (),
    chance: float | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw scores.

    Args:
        scores: Rows of the table of scores of one task and one group: `language_set`, `model`, the metric and its
            `_low` and `_high`.
        metric: ``uar``, ``war`` or ``macro_f1``.
        baselines: Models that are drawn hollow.
        chance: What guessing gives, 0 to 1.
        theme: ``light`` or ``dark``.
    """
    rows = scores[scores[metric].notna()].sort_values([metric, "model"], ascending=[False, True])
    if rows.empty:
        return empty(theme, "There are no scores here.")
    rows = rows.reset_index(drop=True)
    several = rows["language_set"].nunique() > 1
    labels = [
        f"{plain(model)} · {plain(name)}" if several else plain(model)
        for model, name in zip(rows["model"], rows["language_set"], strict=True)
    ]
    drawn = canvas(theme, 90 + ROW * max(2, len(rows)), showlegend=False)
    for hollow in (False, True):
        part = rows[rows["model"].isin(list(baselines)) == hollow]
        colour = SOFT[theme] if hollow else BLUE
        middle, low, high = (100 * part[f"{metric}{end}"] for end in ("", "_low", "_high"))
        drawn.add_scatter(
            x=middle.tolist(),
            y=part.index.tolist(),
            mode="markers",
            marker={
                "color": colour,
                "size": 10,
                "symbol": "circle-open" if hollow else "circle",
                "line": {"width": 2},
            },
            error_x=interval(middle, low, high) | {"color": colour},
            customdata=[
                f"<b>{labels[place]}</b><br>{middle[place]:.1f} %, {between(low[place], high[place], '.1f')}"
                for place in part.index
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    for place, value in enumerate(rows[metric]):
        drawn.add_annotation(
            x=1, xref="paper", y=place, text=f"{100 * value:.1f}", showarrow=False, xanchor="left", xshift=8
        )
    if chance is not None:
        drawn.add_vline(
            x=100 * chance,
            line={"color": SOFT[theme], "width": 1.2, "dash": "dot"},
            annotation={"text": "guessing", "font": {"size": 11, "color": SOFT[theme]}, "yanchor": "bottom"},
        )
    drawn.update_xaxes(title={"text": METRICS.get(metric, plain(metric))})
    return drawn.update_yaxes(**rows_axis(labels)).update_layout(margin={"r": 56})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Right is better; filled dots are the models, hollow dots the simple baselines that they must beat, and the "
        "bar is the 95 % interval over speakers: where bars overlap widely, do not call one model better."
    )
