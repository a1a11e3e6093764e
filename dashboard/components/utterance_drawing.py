"""The drawing of an utterance: waveform, spectrogram, pitch over it and loudness under it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
import numpy as np
from dash import html

from dashboard.audio import find_recording
from dashboard.components import figure
from dashboard.components.player import play_head
from dashboard.components.sound_figure import SECOND, Drawn, sound_figure
from dashboard.data import Data, RunData
from dashboard.sound.content import Contour
from dashboard.sound.service import SoundService
from dashboard.texts import Texts
from msfl.errors import DataError

SET = "eGeMAPSv02"
"""Its pitch and loudness are drawn whatever the run was trained on: the loudness of IS10 reads one sample a frame."""
PITCH, LOUDNESS = "F0semitoneFrom27.5Hz_sma3nz", "loudness_sma3"
HEIGHT = 340


def utterance_drawing(run: RunData, utterance: str, data: Data, texts: Texts) -> Any:
    """Return the drawing, or a sentence where there is none."""
    file, problem = find_recording(run, utterance, data.audio_root)
    if file is None:
        return dmc.Text(texts(problem), size="sm", className="no-sound")
    service: SoundService = data.services["sound"]
    try:
        picture = service.picture(file)
        found = service.contours(file, SET, (PITCH, LOUDNESS))
    except DataError as error:
        return dmc.Text(texts("sound.failed", reason=str(error)), size="sm", className="no-sound")
    hertz = _in_hertz(found[PITCH]) if PITCH in found else None
    pitch = Drawn(hertz, texts("sound.pitch"), heights=_voice(hertz)) if hertz else None
    loudness = Drawn(found[LOUDNESS], texts("sound.loudness"), colour=SECOND) if LOUDNESS in found else None
    drawn = sound_figure(picture, pitch, texts, below=loudness, height=HEIGHT)
    words = f"{texts('sound.plain', utterance=utterance)} {texts('sound.pitch')}, {texts('sound.loudness')}."
    return html.Div(
        [figure(drawn, "utterance-figure", words, name=utterance), play_head()], className="sound-figure"
    )


def _in_hertz(contour: Contour) -> Contour:
    """Return a pitch contour in Hz; the set writes semitones above 27.5 Hz."""
    return replace(contour, values=(27.5 * 2 ** (contour.values / 12)).astype(np.float32))


def _voice(contour: Contour) -> tuple[float, float] | None:
    """Return the range of the voice: the few frames that are an octave off do not press the melody flat."""
    seen = contour.values[contour.counted]
    if not len(seen):
        return None
    low, high = (float(value) for value in np.percentile(seen, [3, 95]))
    space = 0.2 * (high - low) or 10.0
    return low - space, high + space
