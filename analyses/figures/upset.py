"""UpSet plot: what several top lists have in common (Lex et al. 2014)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analyses.figures.layout import ROW, dress, empty, plain, short
from analyses.figures.palette import GRID, INK, ORANGE, SOFT, Theme

_NAMED = 12  # names in a hover text


def figure(
    lists: Mapping[str, Sequence[str]],
    *,
    words: Mapping[str, str] | None = None,
    items: int | None = None,
    what: str = "items",
    theme: Theme = "light",
) -> go.Figure:
    """Draw an UpSet plot.

    Args:
        lists: Name of each list -> its items.
        words: Item -> what it is called.
        items: How many items could have been in a list: a tick then shows what random lists would have in common.
        what: What is counted, for the axis.
        theme: ``light`` or ``dark``.
    """
    groups = combinations(lists)
    if len(lists) < 2 or not groups:
        return empty(theme, "There are no lists to compare here.")
    names = list(lists)
    drawn = make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.03, row_heights=_heights(names)
    )
    counts = [len(members) for members in groups.values()]
    places = list(range(len(groups)))
    everywhere = [len(group) == len(names) for group in groups]
    drawn.add_bar(
        x=places,
        y=counts,
        showlegend=False,
        marker={"color": [ORANGE if common else SOFT[theme] for common in everywhere], "line": {"width": 0}},
        width=0.6,
        text=[str(count) for count in counts],
        textposition="outside",
        cliponaxis=False,
        customdata=[_said(group, names, members, words or {}) for group, members in groups.items()],
        hovertemplate="%{customdata}<extra></extra>",
        row=1,
        col=1,
    )
    if items:
        _chance(drawn, lists, list(groups), items, theme)
    _matrix(drawn, names, list(groups), everywhere, theme)
    dress(drawn, theme, 230 + ROW * len(names), showlegend=bool(items), bargap=0.3)
    drawn.update_xaxes(visible=False, range=[-0.6, len(groups) - 0.4])
    drawn.update_yaxes(title={"text": plain(what)}, rangemode="tozero", row=1, col=1)
    labels = [f"{short(name, 26, 1)} ({len(set(lists[name]))})" for name in names]
    drawn.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=labels,
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
        row=2,
        col=1,
    )
    return drawn.update_layout(margin={"b": 12})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Each column is a combination of lists, marked by the joined dots below; the bar says how many items are in "
        "exactly these lists and no other, orange for those in all, and a short line what chance would give."
    )


def combinations(lists: Mapping[str, Sequence[str]]) -> dict[tuple[str, ...], list[str]]:
    """Return the items of each combination that occurs: in exactly these lists; most lists first, then most items."""
    found: dict[tuple[str, ...], list[str]] = {}
    for item in dict.fromkeys(item for members in lists.values() for item in members):
        group = tuple(name for name, members in lists.items() if item in members)
        found.setdefault(group, []).append(item)
    return dict(sorted(found.items(), key=lambda pair: (-len(pair[0]), -len(pair[1]))))


def expected(lists: Mapping[str, Sequence[str]], group: Sequence[str], items: int) -> float:
    """Return how many items would be in exactly these lists if every list were a random choice of its length."""
    chance = float(items)
    for name, members in lists.items():
        share = len(set(members)) / items
        chance *= share if name in group else 1 - share
    return chance


def _heights(names: Sequence[str]) -> list[float]:
    below = ROW * len(names)
    return [180 / (180 + below), below / (180 + below)]


def _chance(
    drawn: go.Figure,
    lists: Mapping[str, Sequence[str]],
    groups: list[tuple[str, ...]],
    items: int,
    theme: Theme,
) -> None:
    level = [expected(lists, group, items) for group in groups]
    drawn.add_scatter(
        x=list(range(len(groups))),
        y=level,
        mode="markers",
        name="by chance",
        marker={"symbol": "line-ew", "size": 22, "line": {"width": 2.5, "color": INK[theme]}},
        hovertemplate="by chance: %{y:.2g}<extra></extra>",
        row=1,
        col=1,
    )


def _matrix(
    drawn: go.Figure, names: list[str], groups: list[tuple[str, ...]], everywhere: list[bool], theme: Theme
) -> None:
    cells = [(x, y, name in group) for x, group in enumerate(groups) for y, name in enumerate(names)]
    colours = [(ORANGE if everywhere[x] else INK[theme]) if dark else GRID[theme] for x, _, dark in cells]
    for x, group in enumerate(groups):
        rows = [names.index(name) for name in group]
        line = {"color": ORANGE if everywhere[x] else INK[theme], "width": 2.5}
        drawn.add_scatter(
            x=[x, x],
            y=[min(rows), max(rows)],
            mode="lines",
            line=line,
            hoverinfo="skip",
            showlegend=False,
            row=2,
            col=1,
        )
    drawn.add_scatter(
        x=[x for x, _, _ in cells],
        y=[y for _, y, _ in cells],
        mode="markers",
        marker={"size": 12, "color": colours},
        hoverinfo="skip",
        showlegend=False,
        row=2,
        col=1,
    )


def _said(group: Sequence[str], names: Sequence[str], items: Sequence[str], words: Mapping[str, str]) -> str:
    where = "in every list" if len(group) == len(names) else f"only in {', '.join(map(plain, group))}"
    shown = "<br>".join(short(words.get(item, item), 70, 2) for item in items[:_NAMED])
    more = f"<br>and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return f"<b>{where}</b><br>{shown}{more}"
