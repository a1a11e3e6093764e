"""A recording drawn: waveform, spectrogram, contours over it, and what a functional picks out of a contour."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analyses.figures.layout import plain
from analyses.figures.palette import BLUE, SOFT, VERMILLION
from dashboard.sound.content import Contour, Picture
from dashboard.sound.marks import Marks
from dashboard.sound.png import ink
from dashboard.texts import Texts

Plot = dict[str, Any]
"""A Plotly figure as its dictionary: building `plotly.graph_objects` takes longer than everything else here."""
LEFT, RIGHT, TOP, BOTTOM = 52, 60, 6, 36
"""Margins in pixels; ``assets/sound.css`` and ``sound.js`` place the play head with the same numbers."""
CONTOUR, SECOND, MARK = BLUE, VERMILLION, VERMILLION
"""Blue and vermillion: apart for every colour vision, readable on the grey of a spectrogram."""
WAVEFORM = SOFT["light"]
_LEVEL = re.compile(r"(?P<word>level|percentile)(?P<number>[\d.]+)")


@dataclass(frozen=True)
class Drawn:
    """A contour to draw.

    Attributes:
        contour: Its values.
        label: What the axis says: its name and unit.
        marks: What to draw over it.
        heights: Lower and upper end of its axis; by default from the values.
        colour: Of the line.
    """

    contour: Contour
    label: str
    marks: Marks = field(default_factory=Marks)
    heights: tuple[float, float] | None = None
    colour: str = CONTOUR


def sound_figure(
    picture: Picture, over: Drawn | None, texts: Texts, *, below: Drawn | None = None, height: int = 250
) -> Plot:
    """Return the drawing of one recording.

    Args:
        picture: Waveform and spectrogram.
        over: The contour over the spectrogram, with an axis at the right.
        texts: For the words of marks and axes.
        below: A contour in a panel of its own, under the spectrogram.
        height: Pixels.
    """
    figure: Plot = {"data": [], "layout": {}}
    floor = 0.3 if below else 0.0
    _waveform(figure, picture)
    _spectrogram(figure, picture, (floor + 0.04 if below else 0.0, 0.82), texts)
    if over:
        _contour(figure, over, "y3", texts)
    if below:
        _contour(figure, below, "y4", texts)
        figure["layout"].update(yaxis4=_axis(below, domain=(0, floor - 0.04), side="right"))
    figure["layout"].update(
        height=height,
        margin={"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM},
        showlegend=False,
        dragmode=False,
        hovermode="closest",
        font={"size": 11},
        xaxis={
            "range": [0, picture.duration],
            "fixedrange": True,
            "title": {"text": texts("sound.seconds"), "standoff": 4},
            "showgrid": False,
            "zeroline": False,
            "nticks": 7,
            "anchor": "y4" if below else "y",
        },
    )
    if over:
        figure["layout"].update(yaxis3=_axis(over, overlaying="y", side="right"))
    return figure


def _scatter(figure: Plot, **trace: Any) -> None:
    figure["data"].append(
        {"type": "scatter", **{key: value for key, value in trace.items() if value is not None}}
    )


def _waveform(figure: Plot, picture: Picture) -> None:
    times = np.linspace(0, picture.duration, len(picture.low))
    largest = float(max(np.abs(picture.low).max(), np.abs(picture.high).max(), 1e-6))
    outline = np.concatenate([picture.high, picture.low[::-1]]) / largest
    _scatter(
        figure,
        x=_short(np.concatenate([times, times[::-1]]), 3),
        y=_short(outline, 3),
        mode="lines",
        fill="toself",
        line={"width": 0.5, "color": WAVEFORM},
        fillcolor=WAVEFORM,
        yaxis="y2",
        hoverinfo="skip",
    )
    figure["layout"].update(
        yaxis2={"domain": [0.86, 1], "range": [-1.05, 1.05], "visible": False, "fixedrange": True}
    )


def _spectrogram(figure: Plot, picture: Picture, domain: tuple[float, float], texts: Texts) -> None:
    top = picture.highest / 1000
    figure["layout"].setdefault("images", []).append(
        {
            "source": ink(picture.spectrogram),
            "x": 0,
            "y": top,
            "sizex": picture.duration,
            "sizey": top,
            "xref": "x",
            "yref": "y",
            "sizing": "stretch",
            "layer": "below",
        }
    )
    figure["layout"].update(
        yaxis={
            "domain": list(domain),
            "range": [0, top],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "nticks": 5,
            "title": {"text": texts("sound.frequency"), "standoff": 2},
        }
    )


def _axis(drawn: Drawn, **more: Any) -> dict[str, Any]:
    more = {**more, **({"domain": list(more["domain"])} if "domain" in more else {})}
    return {
        "range": list(drawn.heights or _heights(drawn)),
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "nticks": 5,
        "tickmode": "auto",  # the default of an axis over another is to copy its places, not its numbers
        "tickformat": "~g",
        "title": {"text": plain(drawn.label), "standoff": 2, "font": {"color": drawn.colour}},
        "tickfont": {"color": drawn.colour},
        **more,
    }


def _heights(drawn: Drawn) -> tuple[float, float]:
    seen = drawn.contour.values[drawn.contour.counted]
    if not len(seen):
        return 0.0, 1.0
    values = [float(seen.min()), float(seen.max())]
    for line in drawn.marks.lines:  # a line that is fitted may leave the range of the values
        values += [float(line.values.min()), float(line.values.max())]
    low, high = min(values), max(values)
    space = 0.06 * (high - low) or 1.0
    return low - space, high + space


def _contour(figure: Plot, drawn: Drawn, axis: str, texts: Texts) -> None:
    contour, marks = drawn.contour, drawn.marks
    values = np.where(contour.counted, contour.values, np.nan)
    if marks.band:
        low, high = marks.band
        figure["layout"].setdefault("shapes", []).append(
            {
                "type": "rect",
                "xref": "x",
                "yref": axis,
                "x0": float(contour.times[0]),
                "x1": float(contour.times[-1]),
                "y0": low,
                "y1": high,
                "fillcolor": MARK,
                "opacity": 0.18,
                "line": {"width": 0},
            }
        )
    for width, colour in ((5.0, "rgba(255,255,255,0.75)"), (2.0, drawn.colour)):  # a halo keeps it readable
        _scatter(
            figure,
            x=_short(contour.times, 3),
            y=_short(values),
            mode="lines",
            connectgaps=False,
            line={"width": width, "color": colour},
            yaxis=axis,
            name=plain(drawn.label),
            hoverinfo="skip" if width > 3 else None,
            hovertemplate=None if width > 3 else "%{x:.2f} s: %{y:.4~g}<extra></extra>",
        )
    _frames(figure, drawn, axis)
    _lines(figure, marks, axis, texts)


def _frames(figure: Plot, drawn: Drawn, axis: str) -> None:
    contour, frames = drawn.contour, drawn.marks.frames
    if frames is None:
        return
    _scatter(
        figure,
        x=_short(contour.times, 3),
        y=_short(np.where(frames, contour.values, np.nan)),
        mode="lines+markers",
        connectgaps=False,
        line={"width": 4, "color": MARK},
        marker={"size": 4, "color": MARK},
        yaxis=axis,
        hoverinfo="skip",
    )


def _lines(figure: Plot, marks: Marks, axis: str, texts: Texts) -> None:
    for line in marks.lines:
        _scatter(
            figure,
            x=_short(line.times, 3),
            y=_short(line.values),
            mode="lines",
            line={"width": 2.5, "color": MARK, "dash": "6px,3px"},
            yaxis=axis,
            name=mark_words(line.label, texts),
            hovertemplate="%{fullData.name}: %{y:.4~g}<extra></extra>",
        )
    for point in marks.points:
        _scatter(
            figure,
            x=[point.time],
            y=[point.value],
            mode="markers",
            marker={"size": 13, "color": MARK, "symbol": "circle-open", "line": {"width": 3}},
            yaxis=axis,
            name=mark_words(point.label, texts),
            hovertemplate="%{fullData.name}: %{x:.2f} s, %{y:.4~g}<extra></extra>",
        )


def mark_words(label: str, texts: Texts) -> str:
    """Return a mark in words: ``line`` is a line of its own, ``percentile99`` a word and a number."""
    found = _LEVEL.fullmatch(label)
    if found:
        return texts(f"sound.mark.{found['word']}", number=found["number"])
    return texts(f"sound.mark.{label}")


def legend_words(drawn: Drawn, texts: Texts) -> str:
    """Return what is drawn over a contour, in a sentence for those who do not see it."""
    marks = drawn.marks
    if not drawn.contour.counted.any():
        return texts("sound.mark.uncounted")
    labels = [*(line.label for line in marks.lines), *(point.label for point in marks.points)]
    words = [mark_words(label, texts) for label in dict.fromkeys(labels)]
    if marks.band:
        words.append(texts("sound.mark.band"))
    if marks.frames is not None:
        words.append(texts("sound.mark.frames"))
    return ", ".join(words) or texts("sound.mark.none")


def _short(values: Any, digits: int | None = None) -> list[float | None]:
    """Return numbers with as many digits as a screen shows; None (a gap) where they are missing."""
    numbers = np.asarray(values, dtype=np.float64)
    if digits is None:
        return [None if number != number else float(f"{number:.4g}") for number in numbers.tolist()]
    return [round(number, digits) for number in numbers.tolist()]
