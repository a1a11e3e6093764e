"""Figures of one feature: its values by language and emotion, and its effect sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.figures.layout import plain
from analyses.figures.palette import SOFT
from analyses.figures.palette import emotions as emotion_colours
from dashboard.examples import Facts
from dashboard.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

MANY = 16
"""With more violins than this, single utterances are left out: they would be a grey cloud."""
MOST = 1200
"""And with more utterances."""


def distribution(values: pd.Series, facts: Mapping[str, Facts], unit: str, texts: Texts) -> dict[str, Any]:
    """Return a violin per language and emotion, with the quartiles in it and the utterances beside it.

    Args:
        values: Values to show, index ``utterance``.
        facts: Languages and emotions of the utterances.
        unit: Words for the axis.
        texts: For the names of the emotions.
    """
    ids = values.index.tolist()
    heights = values.to_numpy(dtype="float32")
    emotions = np.array([facts[name].emotion for name in ids], dtype=object)
    spoken = [facts[name].language for name in ids]
    escaped = {tag: plain(texts.label("language", tag)) for tag in set(spoken)}
    tags = np.array([escaped[tag] for tag in spoken], dtype=object)
    names = sorted(set(emotions.tolist()))
    colours = emotion_colours(names)
    few = len(names) * len(escaped) <= MANY and len(values) <= MOST
    data: list[dict[str, Any]] = []
    for emotion in names:
        here = np.flatnonzero(emotions == emotion)
        data.append(
            {
                "type": "violin",
                "x": tags[here],
                "y": heights[here],
                "name": plain(texts.label("emotion", emotion)) if emotion else texts("feature.no_emotion"),
                "legendgroup": emotion,
                "offsetgroup": emotion,
                "scalegroup": emotion,
                "side": "positive",
                "width": 0,
                "spanmode": "hard",
                "line": {"color": colours[emotion], "width": 1.2},
                "fillcolor": colours[emotion],
                "opacity": 0.75,
                "box": {"visible": True, "width": 0.35},
                "points": "all" if few else False,
                "pointpos": -0.35,
                "jitter": 0.5,
                "marker": {"size": 3, "opacity": 0.55, "color": colours[emotion]},
                "text": [plain(ids[place]) for place in here] if few else None,
                "hoveron": "points" if few else "violins",
                "hovertemplate": "%{text}: %{y:.4~g}<extra></extra>" if few else None,
            }
        )
    layout = {
        "violinmode": "group",
        "violingap": 0.12,
        "violingroupgap": 0.05,
        "height": 360,
        "margin": {"l": 64, "r": 8, "t": 8, "b": 40},
        "legend": {"orientation": "h", "y": -0.12, "x": 0},
        "yaxis": {"title": {"text": plain(unit)}, "zeroline": False},
        "xaxis": {"type": "category", "categoryorder": "category ascending"},
        "dragmode": False,
    }
    return {"data": data, "layout": layout}


def forest(effects: pd.DataFrame, texts: Texts) -> dict[str, Any]:
    """Return effect sizes with their intervals: one row per emotion and language, the mean over languages in bold.

    Args:
        effects: Rows of ``effects.parquet`` for one feature and contrast.
        texts: For the names of the emotions.
    """
    table = effects.to_dict("records")
    emotions = sorted({str(row["emotion"]) for row in table})
    colours = emotion_colours(emotions)
    data: list[dict[str, Any]] = []
    rows: list[str] = []
    for emotion in emotions:
        mine = [row for row in table if row["emotion"] == emotion]
        mine.sort(key=lambda row: (row["language"] == "all", row["language"]))
        labels = [
            plain(f"{texts.label('emotion', emotion)} · {_language(row['language'], texts)}") for row in mine
        ]
        rows += labels
        everywhere = [row["language"] == "all" for row in mine]
        data.append(
            {
                "type": "scatter",
                "x": [row["hedges_g"] for row in mine],
                "y": labels,
                "mode": "markers",
                "marker": {
                    "color": colours[emotion],
                    "size": [11 if bold else 7 for bold in everywhere],
                    "symbol": ["diamond" if bold else "circle" for bold in everywhere],
                },
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [row["high"] - row["hedges_g"] for row in mine],
                    "arrayminus": [row["hedges_g"] - row["low"] for row in mine],
                    "color": colours[emotion],
                    "thickness": 1.6,
                    "width": 0,
                },
                "customdata": [[row["low"], row["high"]] for row in mine],
                "hovertemplate": (
                    "%{y}<br>g = %{x:.2f} [%{customdata[0]:.2f}, %{customdata[1]:.2f}]<extra></extra>"
                ),
                "showlegend": False,
            }
        )
    layout = {
        "height": max(220, 70 + 19 * len(rows)),
        "margin": {"l": 8, "r": 12, "t": 8, "b": 44},
        "xaxis": {"title": {"text": texts("feature.hedges_g")}, "zeroline": False},
        "yaxis": {
            "categoryorder": "array",
            "categoryarray": rows[::-1],
            "automargin": True,
            "showgrid": False,
            "tickfont": {"size": 11},
        },
        "shapes": [
            {
                "type": "line",
                "x0": 0,
                "x1": 0,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": SOFT["light"], "width": 1.5},
            }
        ],
        "dragmode": False,
    }
    return {"data": data, "layout": layout}


def _language(name: str, texts: Texts) -> str:
    return texts("feature.all_languages") if name == "all" else texts.label("language", name)
