"""A recording to be played, and its drawing with a play head."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.audio import audio_url, find_recording
from dashboard.data import Data, RunData
from dashboard.texts import Texts


def player(run: RunData, utterance: str, data: Data, texts: Texts) -> Any:
    """Return the browser's own player; a sentence in its place where the recording is missing."""
    file, problem = find_recording(run, utterance, data.audio_root)
    return player_of(run, utterance, problem if file is None else "", texts)


def player_of(run: RunData, utterance: str, problem: str, texts: Texts) -> Any:
    """Return a player like `player`, where it is known already what is missing (a key of the texts, or empty)."""
    if problem:
        return dmc.Text(texts(problem), size="sm", className="no-sound")
    return html.Audio(
        src=audio_url(run, utterance),
        controls=True,
        preload="none",
        className="player",
        **{"aria-label": texts("sound.play", utterance=utterance)},
    )


def with_drawing(player: Any, drawing: Any) -> Any:
    """Return a player and its drawing: ``assets/sound.js`` moves the play head and plays from where one clicks."""
    return html.Div([html.Div(drawing, className="sound-drawing"), player], className="sound")


def play_head() -> Any:
    """Return the line that moves over a drawing; it stands beside the figure, within the same box."""
    return html.Div(className="play-head", **{"aria-hidden": "true"})
