"""Dot plot of a ranking, with the spread of each rank over the repeats of the training."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import canvas, empty, plain, rows_axis, short
from analyses.figures.palette import FAMILY, GREY, SOFT, Theme

_ROW = 34


def figure(ranking: pd.DataFrame, *, top: int = 20, theme: Theme = "light") -> go.Figure:
    """Draw a ranking.

    Args:
        ranking: Rows of one ranking of the table of rankings.
        top: How many rows are shown.
        theme: ``light`` or ``dark``.
    """
    rows = ranking.sort_values("rank").head(top).reset_index(drop=True)
    if rows.empty:
        return empty(theme, "There is no ranking here.")
    drawn = canvas(theme, 90 + _ROW * len(rows))
    family = rows["family"].fillna("").astype(str)
    for name in [name for name in (*FAMILY, "") if (family == name).any()]:
        part = rows[family == name]
        _dots(drawn, part, name, FAMILY.get(name, GREY), theme)
    for place, row in enumerate(rows.to_dict("records")):
        share = f"{100 * row['in_top']:.0f} %" if pd.notna(row["in_top"]) else ""
        drawn.add_annotation(
            x=1,
            xref="paper",
            y=place,
            text=share,
            showarrow=False,
            xanchor="left",
            xshift=10,
            font={"size": 12, "color": SOFT[theme]},
        )
    heading = {"text": "in the top", "showarrow": False, "font": {"size": 12, "color": SOFT[theme]}}
    drawn.add_annotation(x=1, xref="paper", y=-0.75, xanchor="left", xshift=4, **heading)
    widest = float(rows[["rank", "mean_rank", "max_rank"]].max().max())
    drawn.update_xaxes(title={"text": "rank over the repeats (mean, standard deviation, range)"})
    if widest > 4 * len(rows):
        drawn.update_xaxes(type="log", tickvals=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000])
    else:
        drawn.update_xaxes(range=[0.2, widest + 0.8])
    labels = [f"{int(row['rank'])}  {short(row['in_words'], 50)}" for row in rows.to_dict("records")]
    return drawn.update_yaxes(**rows_axis(labels)).update_layout(margin={"r": 74, "t": 64}, legend={"y": 1.0})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Best first; the dot is the mean rank over all repeats of the training, the thick line one standard "
        "deviation and the thin line the whole range, and the percentage how often the item reached the top."
    )


def _dots(drawn: go.Figure, part: pd.DataFrame, name: str, colour: str, theme: Theme) -> None:
    thin: dict[str, list[Any]] = {"x": [], "y": []}
    thick: dict[str, list[Any]] = {"x": [], "y": []}
    for place, row in part.iterrows():
        thin["x"] += [row["min_rank"], row["max_rank"], None]
        thin["y"] += [place, place, None]
        if pd.notna(row["sd_rank"]):
            thick["x"] += [max(1, row["mean_rank"] - row["sd_rank"]), row["mean_rank"] + row["sd_rank"], None]
            thick["y"] += [place, place, None]
    plainly = {"mode": "lines", "hoverinfo": "skip", "showlegend": False}
    drawn.add_scatter(**thin, line={"color": SOFT[theme], "width": 1}, **plainly)
    drawn.add_scatter(**thick, line={"color": colour, "width": 4}, opacity=0.5, **plainly)
    drawn.add_scatter(
        x=part["mean_rank"].tolist(),
        y=part.index.tolist(),
        mode="markers",
        name=plain(name or "several families"),
        marker={"color": colour, "size": 10},
        customdata=[_said(row) for row in part.to_dict("records")],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _said(row: dict[Any, Any]) -> str:
    spread = "" if pd.isna(row["sd_rank"]) else f" ± {row['sd_rank']:.1f}"
    return (
        f"<b>{short(row['in_words'], 60, 4)}</b><br>{plain(row['name'])}<br>rank {int(row['rank'])}; over the repeats "
        f"{row['mean_rank']:.1f}{spread} ({int(row['min_rank'])} to {int(row['max_rank'])})<br>"
        f"{row['lift']:.2f} times the weight of an even spread"
    )
