"""Colours: the same thing has the same colour in every figure, for every colour vision, on white and on black.

The eight colours are those of Okabe & Ito (2008, Color Universal Design), with brown in place of yellow, which does not
show on white, and grey in place of black, which does not show on black. A darker yellow will not do: without red cones
it is the orange. Colour never stands alone: labels or symbols say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from msfl.features.lexicon import FAMILIES, OTHER

Theme = Literal["light", "dark"]

VERMILLION, ORANGE, PURPLE, GREEN = "#d55e00", "#e69f00", "#cc79a7", "#009e73"
BLUE, SKY, BROWN, GREY = "#0072b2", "#56b4e9", "#8b5a2b", "#6b6b6b"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, BROWN, GREY)
"""In the order in which things without a colour of their own get one."""

FAMILY: Mapping[str, str] = MappingProxyType(
    dict(zip((*FAMILIES, OTHER), (VERMILLION, ORANGE, PURPLE, GREEN, BLUE, SKY, BROWN, GREY), strict=True))
)
_EMOTION = {
    "anger": VERMILLION,
    "happiness": ORANGE,
    "sadness": BLUE,
    "fear": PURPLE,
    "neutral": GREY,
    "disgust": GREEN,
    "surprise": SKY,
    "boredom": BROWN,
}
_LANGUAGE = {
    "de": BLUE,
    "en": ORANGE,
    "it": GREEN,
    "ko": PURPLE,
    "ur": SKY,
    "zh": VERMILLION,
    "pl": BROWN,
    "all": GREY,
}
_METHOD = {
    "attention": ORANGE,
    "shap": BLUE,
    "owen": SKY,
    "permutation": GREEN,
    "linear": PURPLE,
    "consensus": VERMILLION,
}
_TASK = {"emotion": VERMILLION, "language": BLUE, "gender": BROWN, "arousal": ORANGE, "valence": GREEN}

FOR, AGAINST = GREEN, VERMILLION
"""What speaks for and against; the direction of the bar says the same."""

INK: Mapping[str, str] = MappingProxyType({"light": "#1f2328", "dark": "#e6e8eb"})
SOFT: Mapping[str, str] = MappingProxyType({"light": "#6a737d", "dark": "#9aa4af"})
GRID: Mapping[str, str] = MappingProxyType({"light": "#e6e8eb", "dark": "#30363d"})
PAPER: Mapping[str, str] = MappingProxyType({"light": "#ffffff", "dark": "#16191d"})

Scale = list[tuple[float, str]]


def families(names: Iterable[str]) -> list[str]:
    """Return the colour of each family; unknown ones are grey."""
    return [FAMILY.get(name, GREY) for name in names]


def emotions(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each emotion."""
    return _given(names, _EMOTION)


def languages(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each language tag; a variety (`en-US`) has the colour of its language."""
    own = list(dict.fromkeys(names))
    return _given(own, _LANGUAGE | {tag: _LANGUAGE[base] for tag in own if (base := tag[:2]) in _LANGUAGE})


def methods(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each method of explanation."""
    return _given(names, _METHOD)


def tasks(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each task."""
    return _given(names, _TASK)


def diverging(theme: Theme) -> Scale:
    """Return blue over paper to orange-brown, for less and more than usual."""
    low, high = ("#2166ac", "#b35806") if theme == "light" else ("#6fb0e6", "#f0a35c")
    soft_low, soft_high = ("#92c5de", "#fdb863") if theme == "light" else ("#2d5f8a", "#8a5523")
    return [(0.0, low), (0.25, soft_low), (0.5, PAPER[theme]), (0.75, soft_high), (1.0, high)]


def sequential(theme: Theme) -> Scale:
    """Return paper to blue: lightness alone carries the value."""
    steps = ("#ffffff", "#c6dcec", "#7fb2d6", "#3b7fb6", "#0b3c6b")
    if theme == "dark":
        steps = (PAPER["dark"], "#1d3f5e", "#2d6a9c", "#5aa0d6", "#cfe6f7")
    return [(place / 4, colour) for place, colour in enumerate(steps)]


def _given(names: Iterable[str], fixed: Mapping[str, str]) -> dict[str, str]:
    """Return fixed colours, and for the others the next ones that are free, in the order of their names."""
    own = list(dict.fromkeys(names))
    taken = {fixed[name] for name in own if name in fixed}
    free = [colour for colour in COLOURS if colour not in taken] or list(COLOURS)
    others = {name: free[place % len(free)] for place, name in enumerate(sorted(set(own) - set(fixed)))}
    return {name: fixed.get(name) or others[name] for name in own}
