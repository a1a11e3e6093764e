"""What a functional picks out of a contour: its lines, points and frames, to be drawn over it, and its value.

The definitions are openSMILE's: quantiles interpolate linearly, regressions run over the number of the counted
frame, standard deviations divide by n. ComParE_2016 scales a contour before it fits lines: there the drawing is
right and the number is in other units.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.sound.content import Contour

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A line over the contour: what it is (a key of the texts), and its points."""

    label: str
    times: Values
    values: Values


@dataclass(frozen=True)
class Point:
    """A point on the contour that matters: what it is, where it is."""

    label: str
    time: float
    value: float


@dataclass(frozen=True)
class Marks:
    """What to draw over a contour.

    Attributes:
        value: The functional, computed from the contour; None where it is only drawn, or cannot be.
        lines: Lines over the contour.
        points: Points on it.
        band: Heights between which the functional measures, or None.
        frames: Whether a frame of the whole contour is one that the functional counts, or None.
    """

    value: float | None = None
    lines: tuple[Line, ...] = ()
    points: tuple[Point, ...] = ()
    band: tuple[float, float] | None = None
    frames: NDArray[np.bool_] | None = None

    @property
    def drawn(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self.lines or self.points or self.band or self.frames is not None)


@dataclass(frozen=True)
class _Seen:
    """The counted frames of a contour."""

    x: Values
    t: Values
    contour: Contour

    def level(self, label: str, height: float) -> Line:
        return Line(label, self.t[[0, -1]], np.array([height, height]))

    def frames(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        marked = np.zeros(len(self.contour.values), dtype=bool)
        marked[np.flatnonzero(self.contour.counted)] = chosen
        return marked

    def quantile(self, percent: float) -> float:
        return float(np.percentile(self.x, percent))

    def fit(self, degree: int) -> tuple[Values, Line]:
        n = np.arange(len(self.x), dtype=np.float64)
        coefficients: Values = np.polyfit(n, self.x, degree)
        label = "line" if degree == 1 else "parabola"
        heights: Values = np.polyval(coefficients, n).astype(np.float64)
        return coefficients, Line(label, self.t, heights)


def marks(functional: str, contour: Contour) -> Marks:
    """Return what a functional picks out of a contour.

    Args:
        functional: Its name, as in ``F0final_sma_linregc1``.
        contour: The contour.
    """
    x = contour.values[contour.counted].astype(np.float64)
    t = contour.times[contour.counted].astype(np.float64)
    seen = _Seen(x, t, contour)
    for pattern, draw in _DRAWN:
        found = re.fullmatch(pattern, functional)
        if found and len(x) >= (4 if "reg" in functional else 1):
            return draw(seen, found)
    return Marks()


def _mean(seen: _Seen, _: re.Match[str]) -> Marks:
    value = float(seen.x.mean())
    return Marks(value, (seen.level("mean", value),))


def _root_mean_square(seen: _Seen, found: re.Match[str]) -> Marks:
    square = float((seen.x**2).mean())
    line = seen.level("root_mean_square", square**0.5)
    return Marks(square if found[0] == "qmean" else square**0.5, (line,))


def _positive_mean(seen: _Seen, _: re.Match[str]) -> Marks:
    positive = seen.x > 0
    if not positive.any():
        return Marks()
    value = float(seen.x[positive].mean())
    return Marks(value, (seen.level("mean", value),), frames=seen.frames(positive))


def _extreme(seen: _Seen, found: re.Match[str]) -> Marks:
    highest = found["which"] == "max"
    place = int(seen.x.argmax() if highest else seen.x.argmin())
    point = Point("highest" if highest else "lowest", float(seen.t[place]), float(seen.x[place]))
    if found["place"]:
        return Marks(float(place), points=(point,))
    return Marks(point.value, (seen.level(point.label, point.value),), (point,))


def _range(seen: _Seen, _: re.Match[str]) -> Marks:
    low, high = float(seen.x.min()), float(seen.x.max())
    return Marks(high - low, (seen.level("lowest", low), seen.level("highest", high)), band=(low, high))


def _spread(seen: _Seen, found: re.Match[str]) -> Marks:
    mean, sd = float(seen.x.mean()), float(seen.x.std())
    centred = seen.x - mean
    safe = sd or float("nan")
    value = {
        "stddev": sd,
        "stddevNorm": sd / mean if mean else float("nan"),
        "skewness": float((centred**3).mean()) / safe**3,
        "kurtosis": float((centred**4).mean()) / safe**4,
    }[found[0]]
    known = value if np.isfinite(value) else None
    return Marks(known, (seen.level("mean", mean),), band=(mean - sd, mean + sd))


def _quantile(seen: _Seen, found: re.Match[str]) -> Marks:
    share = float(found["q"]) * 25 if found["q"] else float(found["p"])
    value = seen.quantile(share)
    return Marks(value, (seen.level(_quantile_label(share), value),))


def _quantile_label(share: float) -> str:
    return {25.0: "quartile1", 50.0: "median", 75.0: "quartile3"}.get(share, f"percentile{share:g}")


def _quantile_range(seen: _Seen, found: re.Match[str]) -> Marks:
    shares = {"1-2": (25.0, 50.0), "2-3": (50.0, 75.0), "1-3": (25.0, 75.0)}.get(found["iqr"] or "")
    shares = shares or {"0-1": (1.0, 99.0), "0-2": (20.0, 80.0)}[found["pctl"]]
    low, high = (seen.quantile(share) for share in shares)
    lines = tuple(
        seen.level(_quantile_label(share), height) for share, height in zip(shares, (low, high), strict=True)
    )
    return Marks(high - low, lines, band=(low, high))


def _straight(seen: _Seen, found: re.Match[str]) -> Marks:
    (slope, start), line = seen.fit(1)
    error = seen.x - line.values
    values = {"c1": slope, "c2": start, "errA": np.abs(error).mean(), "errQ": (error**2).mean()}
    return Marks(float(values[found["which"]]), (line,), _start(line) if found["which"] == "c2" else ())


def _parabola(seen: _Seen, found: re.Match[str]) -> Marks:
    (bend, slope, start), line = seen.fit(2)
    error = seen.x - line.values
    values = {"c1": bend, "c2": slope, "c3": start, "errQ": (error**2).mean(), "errA": np.abs(error).mean()}
    return Marks(float(values[found["which"]]), (line,), _start(line) if found["which"] == "c3" else ())


def _start(line: Line) -> tuple[Point, ...]:
    return (Point("start", float(line.times[0]), float(line.values[0])),)


def _level_time(seen: _Seen, found: re.Match[str]) -> Marks:
    low, spread = float(seen.x.min()), float(np.ptp(seen.x))
    height = low + float(found["level"]) / 100 * spread
    above = seen.x > height
    chosen = above if found["way"] == "up" else ~above
    line = Line(f"level{found['level']}", seen.t[[0, -1]], np.array([height, height]))
    return Marks(float(chosen.mean()), (line,), frames=seen.frames(chosen))


def _movement(seen: _Seen, found: re.Match[str]) -> Marks:
    if len(seen.x) < 2:
        return Marks()
    steps = np.diff(seen.x)
    moving = steps > 0 if found[0] == "risetime" else steps < 0
    return Marks(float(moving.mean()), frames=seen.frames(np.append(moving, False)))


def _centre(seen: _Seen, _: re.Match[str]) -> Marks:
    total = float(seen.x.sum())
    if total == 0:
        return Marks()
    place = float((seen.x * np.arange(len(seen.x))).sum()) / total
    if not 0 <= place <= len(seen.x) - 1:  # a contour with negative values has no centre of gravity
        return Marks()
    time = float(np.interp(place, np.arange(len(seen.t)), seen.t))
    return Marks(place / len(seen.x), points=(Point("centre", time, float(seen.x.mean())),))


def _voicing(seen: _Seen, _: re.Match[str]) -> Marks:
    if not seen.contour.name.startswith("F0"):
        return Marks()  # segments between level crossings, not voiced stretches
    return Marks(frames=seen.contour.counted & (seen.contour.values != 0))


_DRAWN: tuple[tuple[str, Callable[[_Seen, re.Match[str]], Marks]], ...] = (
    ("amean", _mean),
    ("r?qmean", _root_mean_square),
    ("posamean", _positive_mean),
    ("(?P<which>max|min)(?P<place>Pos)?", _extreme),
    ("range", _range),
    ("stddev|stddevNorm|skewness|kurtosis", _spread),
    (r"quartile(?P<q>[123])|percentile(?P<p>\d+\.\d+)", _quantile),
    ("iqr(?P<iqr>[123]-[123])|pctlrange(?P<pctl>0-[12])", _quantile_range),
    ("linreg(?P<which>c1|c2|errA|errQ)", _straight),
    ("qreg(?P<which>c1|c2|c3|errA|errQ)", _parabola),
    (r"(?P<way>up|down)leveltime(?P<level>\d+)", _level_time),
    ("risetime|falltime", _movement),
    ("centroid", _centre),
    ("numOnsets|nnz|numSegments|(mean|max|min)SegLen|segLenStddev", _voicing),
)
