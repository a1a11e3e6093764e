"""Colours of emotions and families: Okabe and Ito's, apart for every colour vision, always given to the same things."""

from __future__ import annotations

from collections.abc import Iterable

_SET = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#7f7f7f")
_EMOTIONS = {
    "anger": "#d55e00",
    "happiness": "#e69f00",
    "sadness": "#0072b2",
    "fear": "#cc79a7",
    "neutral": "#7f7f7f",
    "disgust": "#009e73",
    "surprise": "#56b4e9",
    "boredom": "#b8a800",
}
FOR, AGAINST = "#009e73", "#d55e00"


def emotion_colours(emotions: Iterable[str]) -> dict[str, str]:
    """Return a colour for each emotion; one without a colour of its own gets the next that is free."""
    names = list(emotions)
    free = [colour for colour in _SET if colour not in {_EMOTIONS.get(name) for name in names}] or list(_SET)
    rest = [name for name in names if name not in _EMOTIONS]
    given = {name: free[place % len(free)] for place, name in enumerate(rest)}
    return {name: _EMOTIONS.get(name) or given[name] for name in names}
