"""Bump chart: how ranks move from the monolingual lists to the multilingual one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import empty, plain, short, template
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
    made = spec(rankings, lists, by=by, top=top, titles=titles, theme=theme)
    return go.Figure(data=made["data"], layout=made["layout"])


def spec(
    rankings: pd.DataFrame,
    lists: Sequence[str],
    *,
    by: str = "language_set",
    top: int = 10,
    titles: Sequence[str] | None = None,
    theme: Theme = "light",
) -> dict[str, Any]:
    """Return what `figure` draws as ``data`` and ``layout``: a hundred lines are there ten times sooner."""
    rows = rankings[rankings[by].isin(list(lists))]
    ranks = rows.pivot(index="name", columns=by, values="rank").reindex(columns=list(lists))
    inside = ranks <= top
    shown = ranks[inside.any(axis=1)].sort_values(lists[-1])
    if shown.empty:
        nothing: dict[str, Any] = empty(theme, "There are no ranks to compare here.").to_plotly_json()
        return nothing
    about = rows.drop_duplicates("name").set_index("name")[["in_words", "family"]].to_dict("index")
    many = inside.sum(axis=1).to_dict()
    places = {name: row.tolist() for name, row in zip(shown.index, shown.to_numpy(dtype=float), strict=True)}
    # what is shared is drawn on top
    threads = [
        _thread(name, lists, places[name], about[name], top, int(many[name]))
        for name in sorted(shown.index, key=lambda name: many[name])
    ]
    legend = _legend([str(about[name]["family"]) for name in shown.index])
    labels = [
        {
            "x": len(lists) - 1,
            "y": ranked[-1],
            "xshift": 14,
            "xanchor": "left",
            "showarrow": False,
            "align": "left",
            "text": short(about[name]["in_words"], 44, 2),
            "font": {"size": 12},
        }
        for name, ranked in places.items()
        if ranked[-1] <= top
    ]
    layout = {
        "template": template(theme).to_plotly_json(),
        "height": 126
        + 36 * (top + 1)
        + 20 * len(legend),  # on a narrow page the legend has a row for each family
        "xaxis": {
            "tickvals": list(range(len(lists))),
            "ticktext": [short(title, max(9, 60 // len(lists)), 3) for title in (titles or lists)],
            "tickangle": 0,
            "side": "top",
            "showgrid": False,
            "ticks": "",
            "range": [-0.25, len(lists) - 0.9],
        },
        "yaxis": {
            "tickvals": [*range(1, top + 1), top + _OUT],
            "ticktext": [*map(str, range(1, top + 1)), f"below {top}"],
            "range": [top + 1.2, 0.4],
            "showgrid": False,
            "ticks": "",
        },
        "annotations": labels,
        "margin": {"r": 330, "t": 60, "b": 36},
        "legend": {"y": -0.02, "yanchor": "top"},
    }
    return {"data": [*threads, *legend], "layout": layout}


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Each line follows one item from list to list, the first rank on top; thick lines are in the top of every "
        "list, a line that drops to the bottom row has left the top there."
    )


def _thread(
    name: str, lists: Sequence[str], ranks: list[float], about: Mapping[Any, Any], top: int, many: int
) -> dict[str, Any]:
    everywhere, alone = many == len(lists), many == 1
    outside = [not rank <= top for rank in ranks]
    x: list[float | None] = []
    y: list[float | None] = []
    for place, rank in enumerate(ranks):
        neighbours = outside[max(0, place - 1) : place + 2]
        if not outside[place]:
            x.append(place)
            y.append(rank)
        elif alone or all(neighbours):  # drawn, it would lie on all the others that are outside
            x.append(None)
            y.append(None)
        else:
            broken = bool(place) and outside[place - 1]
            x += [None, place] if broken else [place]
            y += [None, top + _OUT] if broken else [top + _OUT]
    colour = FAMILY.get(str(about["family"]), GREY)
    said = "<br>".join(
        f"{plain(one)}: {'not ranked' if rank != rank else f'rank {int(rank)}'}"
        for one, rank in zip(lists, ranks, strict=True)
    )
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines+markers",
        "line": {"color": colour, "width": 4 if everywhere else 2 if not alone else 1.2, "shape": "linear"},
        "marker": {
            "color": colour,
            "line": {"width": 0},
            "size": [0 if value is None or value > top else 11 if everywhere else 8 for value in y],
        },
        "opacity": 1.0 if everywhere else 0.4 if alone else 0.75,
        "hovertemplate": f"<b>{short(about['in_words'], 60, 4)}</b><br>{plain(name)}<br>{said}<extra></extra>",
        "showlegend": False,
    }


def _legend(names: Sequence[str]) -> list[dict[str, Any]]:
    present = [name for name in FAMILY if name in set(names)]
    return [
        {
            "type": "scatter",
            "x": [None],
            "y": [None],
            "mode": "lines",
            "line": {"color": colour, "width": 4},
            "name": plain(name),
            "hoverinfo": "skip",
        }
        for name, colour in zip(present, families(present), strict=True)
    ]
