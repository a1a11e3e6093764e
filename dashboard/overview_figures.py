"""The figures of the page Overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analyses.figures import palette
from analyses.figures.layout import template
from dashboard.texts import Texts

if TYPE_CHECKING:
    import pandas as pd


_DASHES = ("solid", "dash", "dot", "dashdot")
_FONT = {"size": 12, "family": "system-ui, sans-serif"}


def scores(overall: pd.DataFrame, baselines: list[str], chance: float | None, texts: Texts) -> go.Figure:
    """Return a dot with its 95 % interval per system: models filled, baselines hollow; chance as a line."""
    drawn = go.Figure()
    label = overall["model"]
    if overall["language_set"].nunique() > 1:
        label = overall["language_set"].map(lambda name: texts.label("set", name)) + " · " + label
    rows = overall.assign(label=label, plain=overall["model"].isin(baselines))
    for plain, part in rows.groupby("plain"):
        drawn.add_scatter(
            x=100 * part["uar"],
            y=part["label"],
            error_x={
                "type": "data",
                "array": 100 * (part["uar_high"] - part["uar"]),
                "arrayminus": 100 * (part["uar"] - part["uar_low"]),
                "thickness": 1.5,
                "width": 4,
            },
            mode="markers",
            name=texts("overview.baseline" if plain else "overview.model"),
            marker={
                "size": 10,
                "color": palette.GREY if plain else palette.BLUE,
                "symbol": "circle-open" if plain else "circle",
                "line": {"width": 2},
            },
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        )
    if chance is not None:
        drawn.add_vline(x=100 * chance, line={"dash": "dot", "width": 1, "color": palette.GREY})
    drawn.update_yaxes(
        categoryorder="array", categoryarray=rows["label"].tolist()[::-1], automargin=True, showgrid=True
    )
    drawn.update_xaxes(title=texts("overview.uar"), zeroline=False)
    drawn.update_layout(
        template=template("light"),
        font=_FONT,
        height=110 + 26 * len(rows),
        margin={"l": 10, "r": 20, "t": 10, "b": 40},
        legend={"orientation": "h", "y": 1 + 12 / (60 + 26 * len(rows)), "yanchor": "bottom", "x": 0},
    )
    return drawn


FEW = 6
"""Classes up to which three confusion matrices fit side by side."""


def confusions(tables: dict[str, pd.DataFrame], task: str, texts: Texts) -> go.Figure:
    """Return one matrix per language, shares of the truth in %, side by side on one colour scale."""
    names = list(tables)
    across = 3 if max(table.shape[1] for table in tables.values()) <= FEW else 2
    lines = -(-len(names) // across)
    columns = min(across, len(names))
    drawn = make_subplots(
        rows=lines,
        cols=columns,
        subplot_titles=[texts.label("language", name) for name in names],
        horizontal_spacing=0.18 if columns == 2 else 0.12 if columns > 1 else 0,
        vertical_spacing=0.36 / lines,
    )
    truth, predicted = texts("overview.truth"), texts("overview.predicted")
    hover = f"{truth}: %{{y}}<br>{predicted}: %{{x}}<br>%{{z:.0f}} %<extra></extra>"
    for place, name in enumerate(names):
        counts = tables[name]
        share = 100 * counts.div(counts.sum(axis=1), axis=0)
        drawn.add_heatmap(
            z=share.to_numpy().round(1),
            x=[texts.label(task, one) for one in share.columns],
            y=[texts.label(task, one) for one in share.index],
            coloraxis="coloraxis",
            texttemplate="%{z:.0f}",
            hovertemplate=hover,
            xgap=1,
            ygap=1,
            row=place // across + 1,
            col=place % across + 1,
        )
    drawn.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    drawn.update_xaxes(tickangle=-35, automargin=True, showgrid=False)
    drawn.update_layout(
        template=template("light"),
        font=_FONT,
        height=60 + 310 * lines,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        coloraxis={
            "colorscale": palette.sequential("light"),
            "cmin": 0,
            "cmax": 100,
            "colorbar": {
                "title": "%",
                "thickness": 12,
                "lenmode": "pixels",
                "len": 220,
                "y": 1,
                "yanchor": "top",
            },
        },
    )
    return drawn


def weights(table: pd.DataFrame, texts: Texts) -> go.Figure:
    """Return the weight of each task over the epochs: the mean over folds and seeds, and their range."""
    drawn = go.Figure()
    colours = palette.tasks(table["task"].unique())
    for place, (task, part) in enumerate(table.groupby("task", sort=True)):
        colour = colours[str(task)]
        epochs = part["epoch"].tolist()
        drawn.add_scatter(
            x=[*epochs, *reversed(epochs)],
            y=[*part["high"], *reversed(part["low"].tolist())],
            fill="toself",
            fillcolor=colour,
            opacity=0.15,
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        drawn.add_scatter(
            x=epochs,
            y=part["mean"].tolist(),
            name=texts.label("task", str(task)),
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": _DASHES[place % len(_DASHES)]},
            hovertemplate="%{y:.2f}",
        )
    drawn.update_xaxes(title=texts("overview.epoch"), zeroline=False)
    drawn.update_yaxes(title=texts("overview.weight"), zeroline=False)
    drawn.update_layout(
        template=template("light"),
        font=_FONT,
        height=300,
        hovermode="x",
        margin={"l": 10, "r": 20, "t": 10, "b": 40},
        legend={"orientation": "h", "y": 1.12, "x": 0},
    )
    return drawn
