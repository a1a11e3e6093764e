"""Waterfall: what speaks for and against a class in one utterance, by family, unfolding to features."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import canvas, empty, plain, rows_axis, short
from analyses.figures.palette import AGAINST, FAMILY, FOR, GREY, SOFT, Theme

_ROW = 30


@dataclass(frozen=True)
class Step:
    """One bar: its label, its value in points of probability, whether it is part of an unfolded family."""

    label: str
    value: float
    inner: bool = False


def figure(
    values: pd.DataFrame,
    *,
    base: float,
    of_class: str,
    unfold: Collection[str] = (),
    top: int = 5,
    theme: Theme = "light",
) -> go.Figure:
    """Draw a waterfall from the mean probability of a class to that of this utterance.

    Args:
        values: Attributions of the features of one utterance: `name`, `in_words`, `family`, `value`.
        base: Mean probability of the class over the baseline.
        of_class: The class that is explained.
        unfold: Families that are shown feature by feature.
        top: Features of an unfolded family that are shown one by one.
        theme: ``light`` or ``dark``.
    """
    if values.empty or values["value"].isna().any():
        return empty(theme, "There is no explanation for this utterance.")
    steps = list(_steps(values, set(unfold), top))
    final = base + float(values["value"].sum())
    labels = ["an average recording", *[step.label for step in steps], "<b>this recording</b>"]
    drawn = canvas(theme, 80 + _ROW * len(labels), showlegend=False)
    at = base
    for place, step in enumerate(steps, start=1):
        _bar(drawn, place, at, step)
        drawn.add_shape(
            type="line",
            x0=100 * at,
            x1=100 * at,
            y0=place - 1.35 if place > 1 else -0.35,
            y1=place + 0.35,
            line={"color": SOFT[theme], "width": 1},
        )
        at += step.value
    for place, value in ((0, base), (len(labels) - 1, final)):
        drawn.add_scatter(
            x=[100 * value],
            y=[place],
            mode="markers+text",
            text=[f"<b>{100 * value:.0f} %</b>"],
            textposition="middle right",
            marker={"symbol": "line-ns", "size": 18, "line": {"width": 3, "color": SOFT[theme]}},
            hovertemplate=f"{100 * value:.1f} % {plain(of_class)}<extra></extra>",
            cliponaxis=False,
        )
    drawn.update_xaxes(title={"text": f"probability of {plain(of_class)}, %"})
    return drawn.update_yaxes(**rows_axis(labels)).update_layout(margin={"r": 56, "t": 12})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "From top to bottom, each bar moves the probability from that of an average recording to that of this one: "
        "green bars to the right speak for the class, red bars to the left against it."
    )


def _steps(values: pd.DataFrame, unfold: set[str], top: int) -> Iterator[Step]:
    """Yield families, the strongest first; an unfolded one as its strongest features and the rest together."""
    sums = values.groupby("family")["value"].sum()
    for family in sums.abs().sort_values(ascending=False).index:
        mark = f'<span style="color:{FAMILY.get(str(family), GREY)}">■</span>'
        own = values[values["family"] == family]
        if family not in unfold:
            yield Step(f"{plain(family)} ({len(own)}) {mark}", float(sums[family]))
            continue
        ordered = own.reindex(own["value"].abs().sort_values(ascending=False).index)
        for row in ordered.head(top).to_dict("records"):
            yield Step(f"{short(row['in_words'], 44)} {mark}", float(row["value"]), inner=True)
        rest = ordered.iloc[top:]
        if len(rest):
            yield Step(f"{len(rest)} more of {plain(family)} {mark}", float(rest["value"].sum()), inner=True)


def _bar(drawn: go.Figure, place: int, at: float, step: Step) -> None:
    supports = step.value >= 0
    drawn.add_bar(
        x=[100 * step.value],
        base=[100 * at],
        y=[place],
        orientation="h",
        width=0.7,
        marker={
            "color": FOR if supports else AGAINST,
            "opacity": 0.65 if step.inner else 1.0,
            "line": {"width": 0},
        },
        text=[f"{100 * step.value:+.1f}"],
        textposition="outside",
        textangle=0,
        cliponaxis=False,
        hovertemplate=f"{step.label}<br>{100 * step.value:+.2f} points: speaks {'for' if supports else 'against'}"
        "<extra></extra>",
    )
