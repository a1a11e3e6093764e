"""The fixed words of the figures that report and dashboard share, in the language of the page.

`analyses.figures` writes English. Here titles of axes, legends and labels that are known are put into the language of
the reader; names of features in words, and what stands in hover texts, stay as they were made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dashboard.texts import Texts, texts_for

GROUPS = ("family", "method", "language", "emotion")
_PREFIX = "figure."
_BELOW = re.compile(r"below (\d+)")
_VARIETY = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
_MARKED = re.compile(r"(.*?)( <span .*)", re.DOTALL)


def translate(drawn: dict[str, Any], texts: Texts) -> None:
    """Put the labels of a figure (``data`` and ``layout``) into the language of a page, in place."""
    for trace in drawn["data"]:
        _text(trace, "name", texts)
        for key in ("x", "y"):
            if _are_words(trace.get(key)):
                trace[key] = [word(one, texts) for one in trace[key]]
        _bar(trace.get("colorbar"), texts)
    layout = drawn["layout"]
    for key, part in layout.items():
        if key.startswith(("xaxis", "yaxis")):
            _text(part.get("title"), "text", texts)
            _ticks(part, texts)
        elif key.startswith("coloraxis"):
            _bar(part.get("colorbar"), texts)
    for note in layout.get("annotations") or ():
        _text(note, "text", texts)


def word(said: str, texts: Texts) -> str:
    """Return a label in the language of a page, or as it is where it is none of those that are known."""
    marked = _MARKED.fullmatch(said)
    if marked:
        return word(marked[1], texts) + marked[2]
    below = _BELOW.fullmatch(said)
    if below:
        return texts("figure.below", count=below[1])
    if _VARIETY.fullmatch(said):
        return texts.label("language", said)
    return _known(texts.lang).get(said, said)


@lru_cache
def _known(lang: str) -> Mapping[str, str]:
    texts, english = texts_for(lang), texts_for("en")
    found: dict[str, str] = {}
    for group in GROUPS:
        prefix = f"label.{group}."
        raw = [key.removeprefix(prefix) for key in texts.entries if key.startswith(prefix)]
        found |= {one: texts.label(group, one) for one in raw}
    fixed = [key for key in english.entries if key.startswith(_PREFIX)]
    return {**found, **{english(key): texts(key) for key in fixed}}


def _are_words(values: Any) -> bool:
    return isinstance(values, list | tuple) and bool(values) and all(isinstance(one, str) for one in values)


def _text(part: Any, key: str, texts: Texts) -> None:
    if isinstance(part, dict) and isinstance(part.get(key), str):
        part[key] = word(part[key], texts)


def _ticks(part: dict[str, Any], texts: Texts) -> None:
    if part.get("ticktext") is not None:
        part["ticktext"] = [word(str(one), texts) for one in part["ticktext"]]


def _bar(part: Any, texts: Texts) -> None:
    if isinstance(part, dict):
        _text(part.get("title"), "text", texts)
        _ticks(part, texts)
