"""The lexicon of feature names: `contours.toml` and `functionals.toml`, read into frozen entries."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

FAMILIES = (
    "pitch",
    "loudness",
    "voice quality",
    "spectrum",
    "cepstrum",
    "line spectral frequencies",
    "timing",
)
"""The families of contours, in the order in which they are listed."""

OTHER = "other"
"""The family of columns that are no openSMILE features."""


@dataclass(frozen=True)
class Contour:
    """One kind of low-level descriptor.

    Attributes:
        pattern: Regular expression over the LLD without smoothing suffix; its groups fill the templates.
        words: Noun phrase for the description, such as ``the pitch contour``.
        thing: What the question asks about, such as ``pitch``.
        family: One of `FAMILIES`.
        source: openSMILE component and paper.
        unit: Unit of one value, None where there is none.
        step: Unit of a difference of two values, where it is not `unit`.
        about: One or two sentences more, for those who want to know what it is.
        bands: Number of mel bands and the limits in Hz, where the contour is one band of a mel filter bank.
    """

    pattern: str
    words: str
    thing: str
    family: str
    source: str
    unit: str | None = None
    step: str | None = None
    about: str = ""
    bands: tuple[int, float, float] | None = None


@dataclass(frozen=True)
class Functional:
    """One statistic over a contour.

    Attributes:
        pattern: Regular expression over the functional's name; its groups fill the templates.
        words: Template with ``{c}`` for the contour.
        question: Template with ``{thing}``.
        source: openSMILE component.
        unit: A unit that is always the same, or one of the rules ``level``, ``step``, ``square``, ``/frame``,
            ``/frame2``, ``/s``, ``position`` (see `msfl.features.units`); None where there is none.
        about: One or two sentences more.
        questions: Family -> a question in everyday words, where the template sounds stiff.
    """

    pattern: str
    words: str
    question: str
    source: str
    unit: str | None = None
    about: str = ""
    questions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Whole:
    """A feature without the form ``contour_functional``, or one that counts time and not values.

    Attributes:
        pattern: Regular expression over the whole name.
        contour: The contour under which rankings collect it.
        functional: Name of its statistic.
        family: One of `FAMILIES`.
        contour_words: What is measured.
        functional_words: What is counted.
        description: First line.
        question: Second line.
        source: openSMILE component and paper.
        unit: Its unit.
        about: One or two sentences more.
    """

    pattern: str
    contour: str
    functional: str
    family: str
    contour_words: str
    functional_words: str
    description: str
    question: str
    source: str
    unit: str | None = None
    about: str = ""


@lru_cache(maxsize=1)
def contours() -> tuple[Contour, ...]:
    """Return all contours; the first whose pattern matches the whole LLD counts."""
    return tuple(
        Contour(**(entry | {"bands": tuple(entry["bands"]) if "bands" in entry else None}))
        for entry in _read("contours.toml")["contour"]
    )


@lru_cache(maxsize=1)
def functionals() -> tuple[Functional, ...]:
    """Return all functionals; each name matches at most one pattern."""
    return tuple(Functional(**entry) for entry in _read("functionals.toml")["functional"])


@lru_cache(maxsize=1)
def wholes() -> tuple[Whole, ...]:
    """Return the features that are matched by their whole name, where the grammar does not apply."""
    return tuple(Whole(**entry) for entry in _read("functionals.toml")["whole"])


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("msfl.features").joinpath(name).read_text(encoding="utf-8"))
