"""For and against: from the mean probability of a class to that of this utterance, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.figures.layout import plain
from analyses.figures.palette import AGAINST, BLUE, FOR, GREY
from dashboard.attributions import Explained
from dashboard.data import RunData
from dashboard.texts import Texts

DEEPER = {"": "family", "family": "contour", "contour": "feature"}
"""What a step unfolds into: everything into families, a family into contours, a contour into features."""
MOST = 12
"""Steps that are drawn one by one; the rest is taken together."""


@dataclass(frozen=True)
class Step:
    """One step of a waterfall.

    Attributes:
        name: The family, contour or feature; empty for the rest.
        label: In words.
        value: Sum of the attributions.
        share: Share of all features that it stands for.
        count: Number of features.
    """

    name: str
    label: str
    value: float
    share: float
    count: int


def steps(run: RunData, found: Explained, level: str, within: tuple[str, str], texts: Texts) -> list[Step]:
    """Return the steps at a level, the largest first; many small ones are one step at the end.

    Args:
        run: The run.
        found: The attributions of the utterance.
        level: ``family``, ``contour`` or ``feature``.
        within: Level and name of what is unfolded; empty strings for everything.
        texts: For the names of families.
    """
    sums: dict[str, list[float]] = {}
    labels: dict[str, str] = {}
    for name, value in zip(found.names, found.values.tolist(), strict=True):
        keys = _keys(run, name)
        if (within[0] and keys.get(within[0]) != within[1]) or level not in keys:
            continue
        sums.setdefault(keys[level], []).append(value)
        labels.setdefault(keys[level], _label(run, level, keys[level], name, texts))
    total = len(found.names)
    made = [
        Step(name, labels[name], float(np.sum(values)), len(values) / total, len(values))
        for name, values in sums.items()
    ]
    made.sort(key=lambda step: -abs(step.value if found.signed else step.value / step.share))
    rest = made[MOST:]
    if len(rest) > 1:
        value, count = sum(step.value for step in rest), sum(step.count for step in rest)
        made = [*made[:MOST], Step("", texts("utterance.rest", count=len(rest)), value, count / total, count)]
    return made


def _keys(run: RunData, name: str) -> dict[str, str]:
    """Return the family, contour and feature that a feature belongs to."""
    words = run.words(name)
    return {"feature": name, "contour": words.contour, "family": words.family}


def _label(run: RunData, level: str, key: str, name: str, texts: Texts) -> str:
    if level == "family":
        return texts.label("family", key)
    if level == "feature":
        return run.words(name).description
    words = run.words(name)
    return key if words.delta else f"{words.contour_words} ({key})"


def waterfall(
    steps: list[Step], start: float, end: float, title: str, texts: Texts, *, scale: float = 100
) -> dict[str, Any]:
    """Return the waterfall as a Plotly figure.

    Args:
        steps: The steps.
        start: Where it starts: the mean probability, or what the rest of the features make of it.
        end: Where it ends.
        title: Words for the axis.
        texts: The texts.
        scale: What values are multiplied with: 100 for probabilities.
    """
    labels = [texts("utterance.start"), *[_short(step.label) for step in steps], texts("utterance.end")]
    bases = [0.0, *(start + np.cumsum([0.0, *[step.value for step in steps]]))[:-1].tolist(), 0.0]
    lengths = [start, *[step.value for step in steps], end]
    said = [texts.number(scale * start, 1), *[_signed(scale * step.value, texts) for step in steps]]
    trace = {
        "type": "bar",  # the type `waterfall` is not in the small bundle of Plotly that the dashboard serves
        "orientation": "h",
        "y": list(range(len(labels))),
        "base": [round(scale * value, 4) for value in bases],
        "x": [round(scale * value, 4) for value in lengths],
        "text": [*said, texts.number(scale * end, 1)],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [GREY, *[FOR if step.value > 0 else AGAINST for step in steps], GREY]},
        "hoverinfo": "none",
    }
    layout = _layout(labels, title)
    layout["shapes"] = [
        {
            "type": "line",
            "x0": x,
            "x1": x,
            "y0": place - 0.4,
            "y1": place + 1.4,
            "line": {"color": GREY, "width": 1},
        }
        for place, x in enumerate(
            [
                scale * start,
                *[scale * (base + step.value) for base, step in zip(bases[1:], steps, strict=False)],
            ]
        )
    ]
    return {"data": [trace], "layout": layout}


def weights(steps: list[Step], texts: Texts) -> dict[str, Any]:
    """Return attention by item: how many times what even attention would give."""
    lifts = [step.value / step.share if step.share else 0.0 for step in steps]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(steps))),
        "x": lifts,
        "text": [f"{texts.number(lift, 2)} ×" for lift in lifts],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": BLUE},
        "hoverinfo": "none",
    }
    layout = _layout([_short(step.label) for step in steps], texts("utterance.lift"))
    layout["shapes"] = [
        {
            "type": "line",
            "x0": 1,
            "x1": 1,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "layer": "below",
            "line": {"color": GREY},
        }
    ]
    return {"data": [trace], "layout": layout}


def _layout(labels: list[str], title: str) -> dict[str, Any]:
    return {
        "height": 70 + 26 * len(labels),
        "margin": {"l": 8, "r": 60, "t": 6, "b": 40},
        "showlegend": False,
        "dragmode": False,
        "xaxis": {"title": {"text": plain(title)}, "zeroline": False, "fixedrange": True},
        "yaxis": {
            "range": [len(labels) - 0.5, -0.5],
            "automargin": True,
            "fixedrange": True,
            "showgrid": False,
            "tickmode": "array",
            "tickvals": list(range(len(labels))),
            "ticktext": labels,
        },
    }


def _short(label: str) -> str:
    return plain(label if len(label) <= 46 else f"{label[:45]}…")


def _signed(value: float, texts: Texts) -> str:
    return ("+" if value > 0 else "") + texts.number(value, 1)
