"""Bump chart: how ranks move from the monolingual lists to the multilingual one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import canvas, empty, plain, short
from analyses.figures.palette import FAMILY, GREY, Theme, families

_OUT = 0.9  # how far below the last rank a line leaves the chart


def figure(
    rankings: pd.DataFrame,
    lists: Sequence[str],
    *,
    by: str = "language_set",
    top: int = 10,
    titles: Sequence[str] | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw a bump chart.

    Args:
        rankings: Rows of several rankings at one level: `name`, `in_words`, `family`, `rank`, and the column `by`.
        lists: Values of `by`, from left to right; labels stand beside the last.
        by: Column that tells the rankings apart.
        top: Ranks that are shown.
        titles: What the lists are called; their names by default.
        theme: ``light`` or ``dark``.
    """
    rows = rankings[rankings[by].isin(list(lists))]
    ranks = rows.pivot(index="name", columns=by, values="rank").reindex(columns=list(lists))
    inside = ranks <= top
    shown = ranks[inside.any(axis=1)].sort_values(lists[-1])
    if shown.empty:
        return empty(theme, "There are no ranks to compare here.")
    about = rows.drop_duplicates("name").set_index("name")
    drawn = canvas(theme, 110 + 36 * (top + 1))
    many = inside.sum(axis=1)
    for name in sorted(shown.index, key=lambda name: many[name]):  # what is shared is drawn on top
        _thread(drawn, shown.loc[name], about.loc[name], top, int(many[name]), len(lists))
    _legend(drawn, [str(family) for family in about.loc[shown.index, "family"]])
    names = [short(title, 18, 2) for title in (titles or lists)]
    drawn.update_xaxes(
        tickvals=list(range(len(lists))),
        ticktext=names,
        side="top",
        showgrid=False,
        ticks="",
        range=[-0.25, len(lists) - 0.9],
    )
    drawn.update_yaxes(
        tickvals=[*range(1, top + 1), top + _OUT],
        ticktext=[*map(str, range(1, top + 1)), f"below {top}"],
        range=[top + 1.2, 0.4],
        showgrid=False,
        ticks="",
    )
    last = shown[shown[lists[-1]] <= top]
    for name, rank in zip(last.index, last[lists[-1]], strict=True):
        drawn.add_annotation(
            x=len(lists) - 1,
            y=rank,
            xshift=14,
            xanchor="left",
            showarrow=False,
            align="left",
            text=short(about.loc[name, "in_words"], 44, 2),
            font={"size": 12},
        )
    return drawn.update_layout(margin={"r": 330, "t": 44, "b": 36}, legend={"y": -0.02, "yanchor": "top"})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Each line follows one item from list to list, the first rank on top; thick lines are in the top of every "
        "list, a line that drops to the bottom row has left the top there."
    )


def _thread(drawn: go.Figure, ranks: pd.Series, about: pd.Series, top: int, many: int, lists: int) -> None:
    everywhere, alone = many == lists, many == 1
    outside = [not rank <= top for rank in ranks]
    x: list[float | None] = []
    y: list[float | None] = []
    for place, rank in enumerate(ranks):
        neighbours = outside[max(0, place - 1) : place + 2]
        if not outside[place]:
            x.append(place)
            y.append(float(rank))
        elif alone or all(neighbours):  # drawn, it would lie on all the others that are outside
            x.append(None)
            y.append(None)
        else:
            broken = bool(place) and outside[place - 1]
            x += [None, place] if broken else [place]
            y += [None, top + _OUT] if broken else [top + _OUT]
    colour = FAMILY.get(str(about["family"]), GREY)
    said = "<br>".join(
        f"{plain(name)}: {'not ranked' if pd.isna(rank) else f'rank {int(rank)}'}"
        for name, rank in ranks.items()
    )
    hover = f"<b>{short(about['in_words'], 60, 4)}</b><br>{plain(ranks.name)}<br>{said}<extra></extra>"
    drawn.add_scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": colour, "width": 4 if everywhere else 2 if not alone else 1.2, "shape": "linear"},
        marker={
            "color": colour,
            "line": {"width": 0},
            "size": [0 if value is None or value > top else 11 if everywhere else 8 for value in y],
        },
        opacity=1.0 if everywhere else 0.4 if alone else 0.75,
        hovertemplate=hover,
        showlegend=False,
    )


def _legend(drawn: go.Figure, names: Sequence[str]) -> None:
    present = [name for name in FAMILY if name in set(names)]
    for name, colour in zip(present, families(present), strict=True):
        drawn.add_scatter(
            x=[None],
            y=[None],
            mode="lines",
            line={"color": colour, "width": 4},
            name=plain(name),
            hoverinfo="skip",
        )
