"""Confusion matrix: what is taken for what."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from analyses.figures.layout import canvas, empty, plain
from analyses.figures.palette import Theme, sequential


def figure(counts: pd.DataFrame, *, theme: Theme = "light") -> go.Figure:
    """Draw a confusion matrix in percent of each true class.

    Args:
        counts: Numbers of utterances, truth (rows) x predicted (columns).
        theme: ``light`` or ``dark``.
    """
    if counts.empty:
        return empty(theme, "There are no predictions here.")
    total = counts.sum(axis=1)
    shares = 100 * counts.div(total.where(total > 0), axis=0)
    rows = [f"{plain(truth)} ({int(total[truth])})" for truth in counts.index]
    columns = [plain(name) for name in counts.columns]
    said = [
        [_said(counts.loc[truth, guess], int(total[truth]), truth, guess) for guess in counts.columns]
        for truth in counts.index
    ]
    drawn = canvas(theme, 110 + 40 * len(counts))
    drawn.add_heatmap(
        z=shares.to_numpy(),
        x=columns,
        y=rows,
        zmin=0,
        zmax=100,
        colorscale=sequential(theme),
        showscale=False,
        xgap=2,
        ygap=2,
        text=[
            ["" if pd.isna(share) or round(share) == 0 else f"{share:.0f}" for share in row]
            for row in shares.to_numpy()
        ],
        texttemplate="%{text}",
        customdata=said,
        hovertemplate="%{customdata}<extra></extra>",
    )
    drawn.update_xaxes(title={"text": "recognised as"}, side="top", showgrid=False, ticks="", type="category")
    drawn.update_yaxes(
        title={"text": "in truth"}, autorange="reversed", showgrid=False, ticks="", type="category"
    )
    return drawn.update_layout(margin={"t": 64, "b": 12})


def how_to_read() -> str:
    """Say in one sentence how to read the figure."""
    return (
        "Each row is what the recordings of one class were taken for, in percent of that row; a perfect model would "
        "have 100 on the diagonal and nothing beside it."
    )


def _said(count: object, total: int, truth: object, guess: object) -> str:
    verb = "were recognised" if truth == guess else f"were taken for {plain(guess)}"
    return f"{count} of {total} recordings of <b>{plain(truth)}</b> {verb}"
