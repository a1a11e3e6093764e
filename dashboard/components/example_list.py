"""The utterances at the low, middle and high end of a feature, to be heard and seen."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
import numpy as np
from dash import dcc, html

from dashboard.audio import find_recording
from dashboard.components import figure, page_link
from dashboard.components.player import play_head, player_of, with_drawing
from dashboard.components.sound_figure import Drawn, legend_words, sound_figure
from dashboard.data import Data, RunData
from dashboard.examples import ENDS, Facts, choose, facts_of
from dashboard.sound.content import Contour
from dashboard.sound.levels import contour_of
from dashboard.sound.marks import marks
from dashboard.sound.service import SoundService
from dashboard.state import State
from dashboard.texts import Texts
from msfl.errors import DataError
from msfl.features.sets import FEATURE_SETS

if TYPE_CHECKING:
    import pandas as pd

EACH = 4
"""Utterances at each end."""
SHORT = 18
"""Letters of a name that fit along an axis with its unit; longer ones are shown by their code."""
_LOW = ("percentile1.0", "min", "quartile1")
_HIGH = ("percentile99.0", "max", "quartile3")


def example_columns(run: RunData, state: State, values: pd.Series, data: Data, texts: Texts) -> Any:
    """Return three lists, the first utterance of each drawn; one that the address names comes before them.

    Args:
        run: The run.
        state: The view.
        values: What the utterances are chosen by, without missing values.
        data: Everything that is open.
        texts: The texts.
    """
    chosen = choose(values, known_facts(run), EACH)
    columns = [
        html.Section(
            [
                html.H3(texts(f"feature.end.{end}")),
                html.Ul(
                    [
                        _example(run, state, name, values, data, texts, drawn=place == 0)
                        for place, name in enumerate(chosen[end])
                    ],
                    className="examples",
                ),
            ],
            className="end",
        )
        for end in ENDS
        if chosen[end]
    ]
    picked = state.utterance if state.utterance in values.index else ""
    if picked and picked not in {name for names in chosen.values() for name in names}:
        mine = html.Ul(
            [_example(run, state, picked, values, data, texts, drawn=True)], className="examples picked"
        )
        return html.Div([mine, html.Div(columns, className="ends")])
    return html.Div(columns, className="ends")


@lru_cache(maxsize=8)
def known_facts(run: RunData) -> dict[str, Facts]:
    """Return languages, emotions and speakers of the utterances of a run."""
    return facts_of(run.utterances)


def _example(
    run: RunData, state: State, name: str, values: pd.Series, data: Data, texts: Texts, *, drawn: bool
) -> Any:
    known = known_facts(run)[name]
    emotion = texts.label("emotion", known.emotion) if known.emotion else ""
    facts = [texts.label("language", known.language), emotion, known.speaker.rpartition("/")[2]]
    file, problem = find_recording(run, name, data.audio_root)
    key = {"utterance": name}
    head = html.Div(
        [
            page_link(
                " · ".join(fact for fact in facts if fact), state, "utterance", utterance=name, view=""
            ),
            html.Button(
                texts("feature.draw"),
                id={"type": "feature-draw", **key},
                n_clicks=1 if drawn and file else 0,
                type="button",
                className="draw",
                hidden=file is None,
                **{"aria-label": texts("feature.draw_of", utterance=name), "aria-expanded": "false"},
            ),
        ],
        className="example-head",
    )
    waiting = html.Div(texts("sound.waiting"), className="sound-wait") if drawn and file else []
    sound = with_drawing(
        player_of(run, name, "" if file else problem, texts),
        html.Div(waiting, id={"type": "feature-drawing", **key}),
    )
    numbers = html.Div(
        numbers_of(run, state, name, texts), id={"type": "feature-number", **key}, className="numbers"
    )
    now = [dcc.Store(id={"type": "feature-drawn", **key}, data=True)] if drawn and file else []
    return html.Li([head, numbers, sound, *now])


def numbers_of(run: RunData, state: State, utterance: str, texts: Texts) -> Any:
    """Return the value of the feature for an utterance, with its unit."""
    value = float(run.feature(state.feature).get(utterance, float("nan")))
    unit = run.words(state.feature).unit or ""
    return [html.Strong(significant(value, texts)), f" {unit}"]


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def significant(value: float, texts: Texts) -> str:
    """Return a number with three or four digits that say something, whatever its size."""
    if value != value:
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3 or size >= 1e6:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}".replace("-", "−")
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3 if size >= 0.1 else 4
    return texts.number(value, digits)


def drawing_of(run: RunData, state: State, utterance: str, data: Data, texts: Texts) -> tuple[Any, Any]:
    """Return the drawing of an utterance with the feature over it, and its numbers.

    What stands in its place where it cannot be drawn is a sentence.
    """
    numbers = numbers_of(run, state, utterance, texts)
    file, problem = find_recording(run, utterance, data.audio_root)
    if file is None:
        return dmc.Text(texts(problem), size="sm", className="no-sound"), numbers
    service: SoundService = data.services["sound"]
    feature = run.words(state.feature)
    known = FEATURE_SETS.get(run.run.manifest.features.set)
    name = contour_of(feature, known.opensmile) if known else None
    try:
        picture = service.picture(file)
        found = service.contours(file, known.opensmile, (name,)) if known and name else {}
    except DataError as error:
        sentence = texts("sound.failed", reason=str(error))
        return dmc.Text(sentence, size="sm", className="no-sound"), numbers
    contour = found.get(name or "")
    over = _drawn(run, state, contour, texts) if contour else None
    words = texts("sound.plain", utterance=utterance)
    below: Any = []
    if over:
        legend = legend_words(over, texts)
        words = texts("sound.drawing", utterance=utterance, contour=feature.contour_words, marks=legend)
        below = dmc.Text([html.Span("━ ", className="mark-sign"), legend], size="xs", className="legend")
    drawn = figure(
        sound_figure(picture, over, texts),
        {"type": "feature-figure", "utterance": utterance},
        words,
        name=utterance,
    )
    return html.Div([html.Div([drawn, play_head()], className="sound-figure"), below]), numbers


def _drawn(run: RunData, state: State, contour: Contour, texts: Texts) -> Drawn:
    feature = run.words(state.feature)
    plain = run.words(f"{contour.name}_amean")  # the unit of a mean is that of the contour
    unit = f" ({plain.unit})" if plain.unit else ""
    words = plain.contour_words.removeprefix("the ").removesuffix(" contour")
    label = words if len(words) <= SHORT else feature.contour + " Δ" * feature.delta
    return Drawn(contour, label + unit, marks(feature.functional, contour), _heights(run, contour, state))


def _heights(run: RunData, contour: Contour, state: State) -> tuple[float, float] | None:
    """Return one axis for all examples of a feature, so that they can be compared by eye.

    It spans what the corpus spans by the features that the run has of this contour, outliers aside; without such
    features each drawing has its own.
    """
    ends = []
    for names, quantile in ((_LOW, 0.02), (_HIGH, 0.98)):
        column = next(
            (f"{contour.name}_{name}" for name in names if f"{contour.name}_{name}" in run.feature_set), ""
        )
        if not column:
            return None
        ends.append(float(np.nanquantile(run.feature(column).to_numpy(), quantile)))
    seen = contour.values[contour.counted]
    if not len(seen):
        return None
    low, high = min(ends[0], float(seen.min())), max(ends[1], float(seen.max()))
    space = 0.05 * (high - low) or 1.0
    return low - space, high + space
