"""Heat maps of how much two groupings of the features count: family x language, contour x functional."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import ROW, canvas, empty, plain, short
from analyses.figures.palette import FAMILY, GREY, Theme, diverging
from msfl.features.grammar import parse_or_unknown
from msfl.features.lexicon import FAMILIES, OTHER

TIMES = 4.0
"""Colours end at this many times the even weight, and at one part in so many."""
_PAGE, _SHORTEST = 66, 9  # letters that fit on a page's width beside the row names; least for a word
_BROAD = 7  # columns beside which names have room in full size
_NUMBERS = 90  # with more cells than this, numbers would be confetti


def figure(
    lifts: pd.DataFrame,
    *,
    families: Mapping[str, str] | None = None,
    words: Mapping[str, str] | None = None,
    what: str = "importance",
    theme: Theme = "light",
) -> go.Figure:
    """Draw a heat map.

    Args:
        lifts: Lift (1 is what every feature alike would give), rows x columns; missing cells stay blank.
        families: Row or column -> family: a square in its colour stands before the row.
        words: Row or column -> what it is called.
        what: What is counted, for the hover text.
        theme: ``light`` or ``dark``.
    """
    if lifts.empty:
        return empty(theme, "There is nothing to compare here.")
    named = dict(words or {})
    values = lifts.to_numpy(dtype=float)
    shade = np.log2(np.clip(values, 1 / TIMES, TIMES))
    rows = [_row(str(name), named, families) for name in lifts.index]
    few = values.size <= _NUMBERS
    # Beside each other the labels have the width of a page of paper to share; upright ones have none.
    room = (max(_SHORTEST, _PAGE // max(1, lifts.shape[1])), 3) if few else (44, 1)
    columns = [short(named.get(str(name), name), *room) for name in lifts.columns]
    said = [
        [
            _said(named.get(str(row), row), named.get(str(column), column), float(lift), what)
            for column, lift in zip(lifts.columns, across, strict=True)
        ]
        for row, across in zip(lifts.index, values, strict=True)
    ]
    ticks = [-2, -1, 0, 1, 2]
    drawn = canvas(theme, 110 + ROW * max(3, len(rows)) + (0 if few else 190))
    drawn.add_heatmap(
        z=shade,
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        zmin=-np.log2(TIMES),
        zmax=np.log2(TIMES),
        colorscale=diverging(theme),
        xgap=1,
        ygap=1,
        customdata=said,
        hovertemplate="%{customdata}<extra></extra>",
        text=[["" if np.isnan(value) else f"{value:.1f}" for value in row] for row in values]
        if few
        else None,
        texttemplate="%{text}" if few else None,
        colorbar={
            "tickvals": ticks,
            "ticktext": ["¼ or less", "½", "even", "2 times", "4 or more"],
            "thickness": 10,
            "lenmode": "pixels",
            "len": 160,
            "y": 1,
            "yanchor": "top",
            "outlinewidth": 0,
            "title": {"text": ""},
        },
    )
    size = 13 if few and lifts.shape[1] <= _BROAD else 11
    quiet = {"showgrid": False, "ticks": "", "tickfont": {"size": size}}
    drawn.update_xaxes(tickvals=list(range(len(columns))), ticktext=columns, side="top", **quiet)
    drawn.update_xaxes(tickangle=0 if few else -60)
    drawn.update_yaxes(tickvals=list(range(len(rows))), ticktext=rows, autorange="reversed", **quiet)
    lines = max(label.count("<br>") for label in columns) + 1 if few else 1
    return drawn.update_layout(margin={"b": 16, "t": 22 + 18 * lines if few else 16})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Orange cells count for more, blue cells for less than if every feature counted alike; a number is how many "
        "times as much, so that groups with many features have no advantage."
    )


def family_by_language(rankings: pd.DataFrame) -> pd.DataFrame:
    """Return lifts, family x language, from the rows of a table of rankings.

    Args:
        rankings: Rows of level ``family`` and part_kind ``language`` of one method, task, model and language set.
    """
    wide = rankings.pivot(index="name", columns="part", values="lift")
    return wide.reindex([name for name in (*FAMILIES, OTHER) if name in wide.index])


def contour_by_functional(rankings: pd.DataFrame, feature_set: str | None = None) -> pd.DataFrame:
    """Return lifts, contour x functional; a contour and its frame-to-frame change are one row.

    Rows come by family and then in the order of their numbers, columns by what counts most.

    Args:
        rankings: Rows of level ``feature`` of one ranking: columns name, importance, share.
        feature_set: The openSMILE set, if it is one.
    """
    parsed = [parse_or_unknown(str(name), feature_set) for name in rankings["name"]]
    sums = (
        pd.DataFrame(
            {
                "contour": [one.contour for one in parsed],
                "functional": [one.functional for one in parsed],
                "importance": rankings["importance"].to_numpy(),
                "share": rankings["share"].to_numpy(),
            }
        )
        .groupby(["contour", "functional"])[["importance", "share"]]
        .sum()
    )
    wide = (sums["importance"] / sums["share"]).unstack()
    order = {family: place for place, family in enumerate((*FAMILIES, OTHER))}
    first = {one.contour: (order.get(one.family, len(order)), *_natural(one.contour)) for one in parsed}
    by_functional = sums.groupby(level="functional").sum()
    columns = (by_functional["importance"] / by_functional["share"]).sort_values(ascending=False).index
    return wide.loc[sorted(wide.index, key=lambda contour: first[contour]), columns]


def contour_families(names: pd.Series, feature_set: str | None = None) -> dict[str, str]:
    """Return contour -> family of the features with these names, for the squares before the rows."""
    parsed = (parse_or_unknown(str(name), feature_set) for name in names)
    return {one.contour: one.family for one in parsed}


def functional_words(names: pd.Series, feature_set: str | None = None) -> dict[str, str]:
    """Return contour and functional -> words, for the labels of contour x functional."""
    found: dict[str, str] = {}
    for one in (parse_or_unknown(str(name), feature_set) for name in names):
        if not one.delta:
            found.setdefault(one.contour, one.contour_words.split(" (")[0].removeprefix("the "))
        found.setdefault(one.functional, one.functional_words.split(" (")[0].replace(" of the contour", ""))
    return found


def _natural(contour: str) -> tuple[str, int]:
    stem, _, rest = contour.partition("[")
    return stem, int(rest.rstrip("]")) if rest.rstrip("]").isdigit() else 0


def _row(name: str, words: Mapping[str, str], families: Mapping[str, str] | None) -> str:
    family = name if name in FAMILY else (families or {}).get(name)
    label = short(words.get(name, name), 40, 1)
    return label if family is None else f'{label} <span style="color:{FAMILY.get(family, GREY)}">■</span>'


def _said(row: object, column: object, lift: float, what: str) -> str:
    if math.isnan(lift):
        return f"{plain(row)}, {plain(column)}: no such feature"
    return f"<b>{plain(row)}</b><br>{plain(column)}<br>{lift:.2f} times the {plain(what)} of an even spread"
