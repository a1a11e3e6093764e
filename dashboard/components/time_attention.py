"""Which part of an utterance each task listened to: a line per task, on the time axis of the drawing above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
import numpy as np
from dash import html
from numpy.typing import NDArray

from analyses.figures import palette
from analyses.figures.layout import plain
from dashboard.components.figures import figure
from dashboard.components.player import play_head
from dashboard.components.sound_figure import BOTTOM, LEFT, RIGHT
from dashboard.data import RunData
from dashboard.state import State
from dashboard.texts import Texts
from msfl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 190
_TOP = 30
_DASHES = ("solid", "8px,3px", "2px,3px", "8px,3px,2px,3px")
_EVEN = "#868e96"


@dataclass(frozen=True)
class Heard:
    """What one task listened to.

    Attributes:
        task: Name of the task.
        times: Middle of each time step in seconds, shape (T,).
        lift: Attention as a multiple of even attention, shape (T,), mean one.
    """

    task: str
    times: NDArray[np.float64]
    lift: NDArray[np.float64]

    @property
    def peak(self) -> float:
        """The second with most attention."""
        return float(self.times[int(self.lift.argmax())])


def time_attention(run: RunData, state: State, utterance: str, texts: Texts) -> Any:
    """Return the lines with a sentence under them; nothing where the model of the view does not attend to time."""
    if state.model not in run.run.models_over_time(state.set):
        return []
    known = float(str(run.utterances.at[utterance, "duration"]))
    try:
        table = run.run.time_attention(language_set=state.set, model=state.model, utterance=utterance)
        listened = heard(table, known)
    except DataError as error:
        return dmc.Text(str(error), size="sm", className="no-sound")
    except (KeyError, TypeError, ValueError):  # a table of somebody else's run: anything can stand in it
        return dmc.Text(texts("time_attention.damaged"), size="sm", className="no-sound")
    if not listened:
        return []
    duration = known if known == known else float(listened[0].times[-1])
    peaks = ", ".join(
        texts(
            "time_attention.peak",
            task=texts.label("task", one.task),
            seconds=texts.number(one.peak, 2),
        )
        for one in listened
    )
    drawn = attention_figure(listened, duration, texts)
    alt = texts("time_attention.alt", utterance=utterance, peaks=peaks)
    return html.Div(
        [
            dmc.Title(texts("time_attention.title"), order=3, size="sm", mt="sm"),
            html.Div(
                [figure(drawn, "utterance-time-attention", alt, name=f"{utterance}-attention"), play_head()],
                className="sound-figure",
            ),
            dmc.Text(texts("time_attention.read"), size="sm", c="dimmed"),
            dmc.Text(texts("time_attention.limits"), size="sm", c="dimmed", mt=4, mb="xs"),
        ]
    )


def heard(table: pd.DataFrame, duration: float) -> list[Heard]:
    """Return what each task listened to, the mean over the seeds.

    Args:
        table: Rows of one utterance, see `msfl.runs.Run.time_attention`.
        duration: Of the recording in seconds; NaN where it is not known. Of a recording that is longer than what the
            model reads, the steps are those of its middle.

    Raises:
        ValueError: The weights are no attention.
    """
    found = []
    for task, rows in table.groupby("task", sort=False):
        weights = np.stack(rows["weights"].to_list()).mean(axis=0).astype(np.float64)
        if not len(weights) or not np.isfinite(weights).all() or weights.sum() <= 0:
            raise ValueError(f"the attention of the task {task} is damaged")
        lift = weights * (len(weights) / weights.sum())
        step = float(rows["step_seconds"].iloc[0])
        cut = duration - step * len(weights)
        start = cut / 2 if cut > step else 0.0
        times = np.asarray(start + step * (np.arange(len(weights)) + 0.5), dtype=np.float64)
        found.append(Heard(str(task), times, np.asarray(lift, dtype=np.float64)))
    return found


def attention_figure(listened: list[Heard], duration: float, texts: Texts) -> dict[str, Any]:
    """Return the figure, as a dictionary: its margins are those of the drawing of the recording."""
    colours = palette.tasks([one.task for one in listened])
    highest = max(float(one.lift.max()) for one in listened)
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [round(float(value), 3) for value in one.times],
            "y": [float(f"{value:.4g}") for value in one.lift],
            "name": plain(texts.label("task", one.task)),
            "line": {"color": colours[one.task], "width": 2, "dash": _DASHES[place % len(_DASHES)]},
            "hovertemplate": "%{fullData.name}, %{x:.2f} s: %{y:.2f}<extra></extra>",
        }
        for place, one in enumerate(listened)
    ]
    even = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1}
    layout = {
        "height": HEIGHT,
        "margin": {"l": LEFT, "r": RIGHT, "t": _TOP, "b": BOTTOM},
        "font": {"size": 11},
        "dragmode": False,
        "hovermode": "closest",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "shapes": [{**even, "line": {"color": _EVEN, "width": 1, "dash": "dot"}}],
        "xaxis": {
            "range": [0, duration],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "nticks": 7,
            "title": {"text": texts("sound.seconds"), "standoff": 4},
        },
        "yaxis": {
            "range": [0, 1.08 * max(highest, 1.2)],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "nticks": 4,
            "title": {"text": texts("time_attention.axis"), "standoff": 2},
        },
    }
    return {"data": traces, "layout": layout}
