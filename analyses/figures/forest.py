"""Forest plot: effect sizes of one feature with their intervals, by emotion and language."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analyses.figures import palette
from analyses.figures.layout import between, canvas, empty, interval, plain, rows_axis
from analyses.figures.palette import INK, SOFT, Theme

ALL = "all"
_ROW = 21


def figure(effects: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Draw a forest plot.

    Args:
        effects: Rows of the table of effects of one feature and one contrast.
        theme: ``light`` or ``dark``.
    """
    rows = effects[effects["hedges_g"].notna()]
    if rows.empty:
        return empty(theme, "There is no effect size for this feature: it does not vary.")
    colours = palette.languages(sorted(rows["language"].unique()))
    labels: list[str] = []
    places: dict[tuple[str, str], int] = {}
    for emotion, part in rows.groupby("emotion", sort=True):
        labels.append(f"<b>{plain(emotion)}</b>")
        for language in sorted(part["language"], key=lambda tag: (tag == ALL, tag)):
            places[str(emotion), language] = len(labels)
            labels.append("all languages" if language == ALL else plain(language))
    drawn = canvas(theme, 70 + _ROW * len(labels), showlegend=False)
    for language, part in rows.groupby("language", sort=True):
        mean = language == ALL
        colour = INK[theme] if mean else colours[str(language)]
        drawn.add_scatter(
            x=part["hedges_g"].tolist(),
            y=[places[str(emotion), str(language)] for emotion in part["emotion"]],
            mode="markers",
            marker={"color": colour, "size": 11 if mean else 9, "symbol": "diamond" if mean else "circle"},
            error_x=interval(part["hedges_g"], part["low"], part["high"]) | {"color": colour},
            customdata=[_said(row) for row in part.to_dict("records")],
            hovertemplate="%{customdata}<extra></extra>",
        )
    versus = " and ".join(
        "neutral speech" if one == "neutral" else "all other emotions" for one in rows["contrast"].unique()
    )
    drawn.add_vline(x=0, line={"color": SOFT[theme], "width": 1.2})
    drawn.update_xaxes(title={"text": f"difference from {versus}, in standard deviations (Hedges' g)"})
    return drawn.update_yaxes(**rows_axis(labels)).update_layout(margin={"t": 10})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "A dot right of the line means that the feature is higher with this emotion, left that it is lower; the bar is "
        "the 95 % interval over speakers, and only a bar that stays clear of the line settles the direction."
    )


def _said(row: dict[Any, Any]) -> str:
    where = "mean over the languages" if row["language"] == ALL else plain(row["language"])
    return (
        f"<b>{plain(row['emotion'])}, {where}</b><br>Hedges' g {row['hedges_g']:.2f}, "
        f"{between(row['low'], row['high'])}<br>"
        f"{row['n']} against {row['n_other']} recordings, {row['speakers']} speakers"
    )
