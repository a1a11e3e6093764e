"""What systems gain on their twins: a difference of UAR with its interval each, around zero."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import ROW, between, canvas, empty, interval, plain, rows_axis
from analyses.figures.palette import BLUE, SOFT, Theme


def figure(
    gained: pd.DataFrame, *, axis: str = "UAR minus that of the twin, points", theme: Theme = "light"
) -> go.Figure:
    """Draw gains; an interval that holds zero is drawn hollow.

    Args:
        gained: Rows of `msfl.results.gains` of one group: `model`, `difference`, `low`, `high`. `model` is shown.
        axis: Title of the axis.
        theme: ``light`` or ``dark``.
    """
    rows = gained.sort_values(["difference", "model"], ascending=[False, True]).reset_index(drop=True)
    if rows.empty:
        return empty(theme, "No system stands beside its twin here.")
    labels = [plain(name) for name in rows["model"]]
    drawn = canvas(theme, 90 + ROW * max(2, len(rows)), showlegend=False)
    certain = (rows["low"] > 0) | (rows["high"] < 0)
    for chosen in (True, False):
        part = rows[certain == chosen]
        colour = BLUE if chosen else SOFT[theme]
        middle, low, high = (100 * part[name] for name in ("difference", "low", "high"))
        drawn.add_scatter(
            x=middle.tolist(),
            y=part.index.tolist(),
            mode="markers",
            marker={
                "color": colour,
                "size": 10,
                "symbol": "circle" if chosen else "circle-open",
                "line": {"width": 2},
            },
            error_x=interval(middle, low, high) | {"color": colour},
            customdata=[
                f"<b>{labels[place]}</b><br>{middle[place]:+.1f}, {between(low[place], high[place], '+.1f')}"
                for place in part.index
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    for place, value in enumerate(rows["difference"]):
        drawn.add_annotation(
            x=1,
            xref="paper",
            y=place,
            text=f"{100 * value:+.1f}",
            showarrow=False,
            xanchor="left",
            xshift=8,
        )
    drawn.add_vline(x=0, line={"color": SOFT[theme], "width": 1.2, "dash": "dot"})
    drawn.update_xaxes(title={"text": plain(axis)})
    return drawn.update_yaxes(**rows_axis(labels)).update_layout(margin={"r": 56})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Right of the line a system is better than its twin; the bar is the 95 % interval over speakers, and where it "
        "crosses the line (hollow dots) neither can be called better."
    )
