"""Clusters in the shared representation of a multitask network: a map, and its figures beside the single-task twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import html

from dashboard.components.blocks import card, help_mark
from dashboard.components.figures import figure
from dashboard.components.links import csv_link, page_link

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.data import RunData
    from dashboard.state import State
    from dashboard.texts import Texts

_LABELS = {"emotion": "emotion", "emotion within corpora": "within", "corpus": "corpus"}
_COLUMNS = ("by", "measure", "value", "chance", "twin", "difference")


def clusters(run: RunData, state: State, texts: Texts) -> list[Any]:
    """Return the card, in a list; an empty one where no model of the run has a shared representation."""
    quality, points = run.table("clusters"), run.table("cluster_map")
    if quality is None or points is None or points.empty:
        return []
    models = list(dict.fromkeys(points["model"].astype(str)))
    model = state.model if state.model in models else _first(quality, models)
    own = quality[quality["model"] == model]
    twin = str(own["twin"].iloc[0]) if len(own) and own["twin"].notna().iloc[0] else ""
    shown = [name for name in dict.fromkeys([model, twin]) if name in models]
    maps = [
        _map(points[points["model"] == name], f"clusters-map-{place}", run, texts)
        for place, name in enumerate(shown)
    ]
    return [
        card(
            texts("clusters.title"),
            dmc.Text(texts("clusters.means"), maw=860, mb="xs"),
            *_others(quality, models, shown, state, texts),
            *maps,
            dmc.Text(texts("clusters.read"), size="sm"),
            dmc.Text(texts("clusters.limits"), size="sm", c="dimmed", mt=4),
            _table(own, texts),
            help=help_mark(texts, "clusters.help"),
            actions=csv_link(state, "clusters", texts),
            id="clusters-section",
        )
    ]


def _first(quality: pd.DataFrame, models: list[str]) -> str:
    """Return the first model with a twin, so that there is something to compare."""
    compared = quality[quality["twin"].fillna("") != ""]["model"].astype(str)
    return next((name for name in compared if name in models), models[0])


def _others(
    quality: pd.DataFrame, models: list[str], shown: list[str], state: State, texts: Texts
) -> list[Any]:
    """Return links to the networks that are not shown; a twin is seen beside its system."""
    twins = set(quality["twin"].dropna().astype(str))
    others = [name for name in models if name not in shown and name not in twins]
    if not others:
        return []
    links = [page_link(texts.label("model", name), state, "trust", model=name) for name in others]
    return [dmc.Group([dmc.Text(texts("clusters.others"), size="sm", c="dimmed"), *links], gap="sm", mb="xs")]


def _map(points: pd.DataFrame, id: str, run: RunData, texts: Texts) -> Any:
    from analyses.figures import clusters as plot

    model = texts.label("model", str(points["model"].iloc[0]))
    drawn = plot.figure(
        points,
        emotion=lambda name: texts.label("emotion", name),
        language=lambda tag: texts.label("language", tag),
        titles=(texts("clusters.emotion"), texts("clusters.language")),
    )
    title = texts("clusters.map", model=model, fold=str(points["fold"].iloc[0]))
    alt = texts("clusters.alt", model=model, count=texts.count(len(points)))
    return html.Div(
        [
            dmc.Title(title, order=3, size="sm", mt="sm"),
            figure(drawn, id, alt, name=f"{run.key}-clusters"),
        ]
    )


def _table(quality: pd.DataFrame, texts: Texts) -> Any:
    """Return the figures of a model: value, chance, that of the twin and the difference with its interval."""
    body = []
    for row in quality.to_dict("records"):
        difference = texts.number(float(row["difference"]))
        if row["low"] == row["low"]:
            low, high = texts.number(float(row["low"])), texts.number(float(row["high"]))
            difference = f"{difference} [{low}; {high}]"
        cells = [texts.number(float(row[name])) for name in ("value", "chance", "twin_value")]
        body.append(
            html.Tr(
                [
                    html.Th(texts(f"clusters.by_{_LABELS.get(str(row['label']), 'corpus')}"), scope="row"),
                    html.Td(texts(f"clusters.{row['measure']}")),
                    *(html.Td(cell, className="number") for cell in [*cells, difference]),
                ]
            )
        )
    head = html.Tr([html.Th(texts(f"clusters.column_{name}"), scope="col") for name in _COLUMNS])
    table = html.Table([html.Thead(head), html.Tbody(body)], className="plain-table")
    label = {"aria-label": texts("clusters.title")}
    return html.Div(table, className="scroll", tabIndex="0", role="region", **label)
