"""Agreement matrix: how alike rankings are, pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import between, canvas, empty, plain, short
from analyses.figures.palette import Theme, diverging, sequential

MEASURES = {
    "kendall_tau_b": "Kendall's tau-b",
    "rbo": "rank-biased overlap",
    "jaccard": "Jaccard index of the top lists",
}


def figure(agreement: pd.DataFrame, *, measure: str = "kendall_tau_b", theme: Theme = "light") -> go.Figure:
    """Draw the agreement of every pair.

    Args:
        agreement: Rows of the table of agreement of one kind, level and language set.
        measure: ``kendall_tau_b`` (-1 to 1), ``rbo`` or ``jaccard`` (0 to 1).
        theme: ``light`` or ``dark``.
    """
    rows = agreement[(agreement["measure"] == measure) & (agreement["b"] != "") & agreement["value"].notna()]
    if rows.empty:
        return empty(theme, "There are no two rankings to compare here.")
    names = list(dict.fromkeys([*rows["a"], *rows["b"]]))
    place = {name: number for number, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    said = np.full(values.shape, "", dtype=object)
    for row in rows.to_dict("records"):
        # the lower triangle alone: the upper one would say the same again
        first, second = sorted((place[row["a"]], place[row["b"]]))
        values[second, first] = row["value"]
        said[second, first] = _said(row, measure)
    signed = measure == "kendall_tau_b"
    drawn = canvas(theme, 90 + 42 * len(names))
    drawn.add_heatmap(
        z=values[1:, :-1],
        x=[short(name, 20) for name in names[:-1]],
        y=[short(name, 24) for name in names[1:]],
        zmin=-1 if signed else 0,
        zmax=1,
        colorscale=diverging(theme) if signed else sequential(theme),
        xgap=2,
        ygap=2,
        text=[["" if np.isnan(value) else f"{value:.2f}" for value in row] for row in values[1:, :-1]],
        texttemplate="%{text}",
        customdata=said[1:, :-1],
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=False,
        colorbar={"thickness": 10, "outlinewidth": 0, "title": {"text": MEASURES[measure], "side": "right"}},
    )
    quiet = {"showgrid": False, "ticks": "", "type": "category"}
    return drawn.update_xaxes(**quiet).update_yaxes(autorange="reversed", **quiet)


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Each number compares two rankings: 1 means the same order, and the value that two unrelated rankings would "
        "have, near 0, stands in the hover text."
    )


def _said(row: dict[Any, Any], measure: str) -> str:
    chance = f"<br>unrelated rankings: {row['chance']:.2f}" if pd.notna(row.get("chance")) else ""
    return (
        f"<b>{plain(row['a'])} and {plain(row['b'])}</b><br>{MEASURES[measure]} {row['value']:.2f}, "
        f"{between(row['low'], row['high'])}{chance}"
    )
