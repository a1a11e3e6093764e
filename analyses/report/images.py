"""Figures as SVG, where kaleido and a Chrome are there to draw them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from msfl.atomic import naming

if TYPE_CHECKING:
    from analyses.report.blocks import Figure

WIDTH = 900
"""Pixels."""
_INSTEAD = "The HTML page has every figure, and a camera above each saves it as SVG."


def write_svg(folder: Path, figures: Sequence[Figure]) -> str:
    """Write figures as SVG.

    Args:
        folder: Folder to write into.
        figures: The figures.

    Returns:
        Why there are none, in a sentence; empty if all were written.
    """
    if not figures:
        return ""
    if find_spec("kaleido") is None:
        return f"No SVG files: they need `pip install 'msfl[figures]'` and a Chrome. {_INSTEAD}"
    import plotly.io

    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{one.name}.svg" for one in figures]
    drawn = [_sized(one) for one in figures]
    try:
        with _quiet(), naming(folder):
            plotly.io.write_images(drawn, [str(file) for file in files])
    except OSError:
        raise
    except Exception as error:  # kaleido raises what its browser does: not installed, no sandbox, no display
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        for file in files:
            file.unlink(missing_ok=True)
        return f"No SVG files: Chrome could not draw them ({reason.rstrip('.')}). {_INSTEAD}"
    return ""


def _sized(figure: Figure) -> dict[str, object]:
    """Return the figure at a fixed width, on white."""
    found: dict[str, object] = figure.drawn.to_plotly_json()
    layout = dict(found["layout"])  # type: ignore[call-overload]
    found["layout"] = layout | {
        "width": WIDTH,
        "height": layout.get("height") or 450,
        "paper_bgcolor": "#fff",
    }
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Hush the log of the browser's driver."""
    import logging

    loggers = [logging.getLogger(name) for name in ("choreographer", "kaleido")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
