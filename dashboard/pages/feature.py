"""A feature: what it is, how it differs between emotions and languages, how much models use it, and how it sounds."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
import numpy as np
from dash import MATCH, Dash, Input, Output, dcc, html, no_update
from dash import State as Held

from dashboard.components import card, csv_link, empty, figure, help_mark, page_head, page_link, pill
from dashboard.components.example_list import drawing_of, example_columns, known_facts
from dashboard.components.feature_figures import MANY, distribution, forest
from dashboard.components.feature_ranks import attention_ranks_of, ranks, ranks_part
from dashboard.data import Data, RunData
from dashboard.examples import SCALES, Groups, groups_of, scaled
from dashboard.feature_search import search
from dashboard.later import later
from dashboard.sound.service import SoundService
from dashboard.state import State, state_of
from dashboard.texts import Texts, texts_for

if TYPE_CHECKING:
    import pandas as pd

NAME = "feature"
TITLE = "feature.title"
CONTROLS = ("set", "task", "language", "emotion")
FOUND = 12
CONTRASTS = ("rest", "neutral")
_EFFECTS = ["name", "language", "emotion", "contrast", "hedges_g", "low", "high", "n", "n_other", "speakers"]


def layout(state: State, data: Data, texts: Texts) -> Any:
    """Return the page; without a feature, a way to find one."""
    run = data.run(state)
    finder = _finder(state, texts)
    if not state.feature:
        return dmc.Stack([page_head(texts("feature.title"), texts("feature.choose")), finder])
    sound_of(data).warm()
    if not run.has("rankings/attention"):
        attention_ranks_of(run, data).start()
    words = run.words(state.feature)
    sentence = words.description[:1].upper() + words.description[1:]
    return dmc.Stack(
        [
            page_head(
                sentence, words.question, page_link(texts("feature.another"), replace(state, feature=""))
            ),
            _what(run, state, texts),
            html.Div(
                [later(NAME, "distribution", 460), later(NAME, "effects", 460)],
                className="two-columns" if _few(run) else "one-column",
            ),
            _examples_card(run, state, data, texts),
            card(
                texts("feature.ranks"),
                html.Div(
                    later(NAME, "ranks", 200) if _ranked(run, data) else ranks_part(run, state, data, texts),
                    id="feature-ranks",
                ),
                dcc.Interval(
                    id="feature-ranks-wait",
                    interval=1500,
                    max_intervals=0 if _ranked(run, data) else 60,
                ),
                help=help_mark(texts, "feature.help.ranks"),
                actions=csv_link(state, "ranks", texts),
            ),
        ],
        gap="md",
    )


def sound_of(data: Data) -> SoundService:
    """Return the sound process of this server."""
    service: SoundService = data.services.setdefault("sound", SoundService())
    return service


def scale_of(state: State) -> str:
    """Return how a view shows values, one of `SCALES`."""
    return state.view if state.view in SCALES else "raw"


def shown(run: RunData, state: State) -> pd.Series:
    """Return the values that a view shows: scaled over everything, then only its language and emotion."""
    values = _scaled(run, state.feature, scale_of(state))
    keep = np.ones(len(values), dtype=bool)
    for field in ("language", "emotion"):
        wanted = getattr(state, field)
        if wanted:
            keep &= _column(run, field, state.feature) == wanted
    return values if keep.all() else values[keep]


@lru_cache(maxsize=256)
def _scaled(run: RunData, feature: str, scale: str) -> pd.Series:
    raw = run.feature(feature)
    if not raw.index.equals(run.utterances.index):
        raw = raw[raw.index.isin(run.utterances.index)]
    return scaled(raw, None if scale == SCALES[0] else _groups(run, scale, feature))


@lru_cache(maxsize=64)
def _groups(run: RunData, scale: str, feature: str) -> Groups:
    return groups_of(run.utterances.loc[_scaled(run, feature, SCALES[0]).index], scale)


@lru_cache(maxsize=32)
def _column(run: RunData, field: str, feature: str) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return a fact about the utterances that have a value of a feature, in the order of its values."""
    facts = known_facts(run)
    names = _scaled(run, feature, SCALES[0]).index.tolist()
    return np.array([getattr(facts[name], field) for name in names], dtype=object)


def _few(run: RunData) -> bool:
    """Whether the values of all languages and emotions fit into half a page."""
    return len(run.choices.languages) * len(run.choices.emotions) <= 2 * MANY


def _ranked(run: RunData, data: Data) -> bool:
    return run.has("rankings/attention") or attention_ranks_of(run, data).ready


def _what(run: RunData, state: State, texts: Texts) -> Any:
    words = run.words(state.feature)
    entries = [
        ("name", html.Code(words.name)),
        ("family", texts.label("family", words.family)),
        ("contour", words.contour_words),
        ("functional", words.functional_words),
        ("unit", words.unit or texts("feature.no_unit")),
        ("source", words.source),
        ("note", words.note),
    ]
    rows = [
        html.Div([html.Dt(texts(f"feature.what.{key}")), html.Dd(value)]) for key, value in entries if value
    ]
    return card(texts("feature.what.title"), html.Dl(rows, className="facts"))


def _distribution_card(run: RunData, state: State, texts: Texts) -> Any:
    choice = dmc.SegmentedControl(
        id="feature-scale",
        data=[{"value": scale, "label": texts(f"feature.scale.{scale}")} for scale in SCALES],
        value=scale_of(state),
        size="xs",
        **{"aria-label": texts("feature.scale.title")},
    )
    values = shown(run, state)
    if values.dropna().empty:
        drawn: Any = empty(texts("feature.nothing"), texts("feature.nothing_here"))
    else:
        unit = (run.words(state.feature).unit or "") if scale_of(state) == "raw" else texts("feature.z")
        drawn = figure(
            distribution(values.dropna(), known_facts(run), unit, texts),
            "feature-distribution",
            texts("feature.distribution_alt", count=texts.count(len(values))),
            name=f"{state.feature}-values",
        )
    return card(
        texts("feature.distribution"),
        drawn,
        dmc.Text(
            texts(f"feature.note.{scale_of(state)}", normalisation=run.run.manifest.normalisation),
            size="sm",
            c="dimmed",
        ),
        help=help_mark(texts, "feature.help.distribution"),
        actions=dmc.Group([choice, csv_link(state, "values", texts)], gap="sm"),
    )


def _effects_card(run: RunData, state: State, texts: Texts) -> Any:
    found = run.table("effects", columns=_EFFECTS, name=state.feature)
    if found is None:
        body: Any = empty(
            texts("feature.no_effects"), texts("feature.no_effects_why"), f"msfl explain {run.run.path.name}"
        )
        return card(texts("feature.effects"), body, help=help_mark(texts, "feature.help.effects"))
    choice = dmc.SegmentedControl(
        id="feature-contrast",
        data=[{"value": name, "label": texts(f"feature.contrast.{name}")} for name in CONTRASTS],
        value=CONTRASTS[0],
        size="xs",
        **{"aria-label": texts("feature.contrast.title")},
    )
    return card(
        texts("feature.effects"),
        html.Div(_forest(run, state, CONTRASTS[0], texts), id="feature-forest-place"),
        help=help_mark(texts, "feature.help.effects"),
        actions=dmc.Group([choice, csv_link(state, "effects", texts)], gap="sm"),
    )


def _forest(run: RunData, state: State, contrast: str, texts: Texts) -> Any:
    rows = effects_of(run, state)
    rows = rows[rows["contrast"] == contrast]
    if not len(rows):
        return empty(texts("feature.nothing"), texts("feature.nothing_here"))
    return figure(
        forest(rows, texts), "feature-forest", texts("feature.effects_alt"), name=f"{state.feature}-effects"
    )


def effects_of(run: RunData, state: State) -> pd.DataFrame:
    """Return the effect sizes of the feature, restricted to the language and emotion of the view."""
    import pandas as pd

    rows = run.table("effects", columns=_EFFECTS, name=state.feature)
    if rows is None:
        return pd.DataFrame(columns=_EFFECTS)
    if state.emotion:
        rows = rows[rows["emotion"] == state.emotion]
    if state.language:
        rows = rows[rows["language"].isin([state.language, "all"])]
    return rows


def _examples_card(run: RunData, state: State, data: Data, texts: Texts) -> Any:
    values = shown(run, state).dropna()
    if values.empty:
        body: Any = empty(texts("feature.nothing"), texts("feature.nothing_here"))
    else:
        body = example_columns(run, state, values, data, texts)
    return card(
        texts("feature.examples"),
        dmc.Text(texts("feature.examples_lead"), size="sm", c="dimmed", mb="sm"),
        body,
        help=help_mark(texts, "feature.help.examples"),
        actions=pill(texts(f"feature.scale.{scale_of(state)}")),
    )


def _finder(state: State, texts: Texts) -> Any:
    return html.Div(
        [
            dmc.TextInput(
                id="feature-search",
                label=texts("feature.search"),
                placeholder=texts("feature.search_hint"),
                value=state.search,
                debounce=250,
                maw=520,
            ),
            html.Div(id="feature-found", **{"aria-live": "polite"}),
        ]
    )


def _found(run: RunData, state: State, query: str, texts: Texts) -> Any:
    names, total = search(run, query, FOUND)
    if not names:
        return dmc.Text(texts("feature.none_found"), c="dimmed", mt="sm")
    items = [
        html.Li([page_link(run.words(name).description, replace(state, feature=name)), " ", html.Code(name)])
        for name in names
    ]
    more = texts("feature.found", shown=len(names), count=texts.count(total))
    return [dmc.Text(more, size="sm", c="dimmed", mt="sm"), html.Ul(items, className="found")]


def _values_table(state: State, data: Data) -> pd.DataFrame:
    run = data.run(state)
    values = shown(run, state)
    columns = ["corpus", "language", "speaker", "emotion"]
    table = run.utterances.loc[values.index, columns].assign(value=values, scale=scale_of(state))
    return table.reset_index()


def _ranks(state: State, data: Data, texts: Texts) -> Any:
    return ranks_part(data.run(state), state, data, texts)


PARTS = {
    "distribution": lambda state, data, texts: _distribution_card(data.run(state), state, texts),
    "effects": lambda state, data, texts: _effects_card(data.run(state), state, texts),
    "ranks": _ranks,
}
TABLES = {
    "values": _values_table,
    "effects": lambda state, data: effects_of(data.run(state), state),
    "ranks": lambda state, data: ranks(data.run(state), state, data),
}


def register(app: Dash, data: Data) -> None:
    """Set up the callbacks."""

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input("feature-scale", "value"),
        Held("state", "data"),
        prevent_initial_call=True,
    )
    def change_scale(scale: str | None, stored: object) -> Any:
        state = state_of(stored, data)
        wanted = "" if scale == SCALES[0] or scale not in SCALES else str(scale)
        return no_update if wanted == state.view else replace(state, view=wanted).query()

    @app.callback(
        Output("feature-forest-place", "children"),
        Input("feature-contrast", "value"),
        Held("state", "data"),
        prevent_initial_call=True,
    )
    def change_contrast(contrast: str | None, stored: object) -> Any:
        state = state_of(stored, data)
        return _forest(data.run(state), state, str(contrast), texts_for(state.lang))

    @app.callback(
        Output("feature-found", "children"), Input("feature-search", "value"), Held("state", "data")
    )
    def find(query: str | None, stored: object) -> Any:
        state = state_of(stored, data)
        return _found(data.run(state), state, (query or "")[:80], texts_for(state.lang))

    @app.callback(
        Output("feature-ranks", "children"),
        Output("feature-ranks-wait", "max_intervals"),
        Input("feature-ranks-wait", "n_intervals"),
        Held("state", "data"),
        prevent_initial_call=True,
    )
    def wait_for_ranks(_: int | None, stored: object) -> Any:
        state = state_of(stored, data)
        run = data.run(state)
        if not state.feature or not _ranked(run, data):
            return no_update, no_update
        return ranks_part(run, state, data, texts_for(state.lang)), 0

    drawing = [
        Output({"type": "feature-drawing", "utterance": MATCH}, "children"),
        Output({"type": "feature-number", "utterance": MATCH}, "children"),
        Output({"type": "feature-draw", "utterance": MATCH}, "aria-expanded"),
    ]

    def drawn(place: dict[str, str], stored: object) -> Any:
        state = state_of(stored, data)
        run, texts = data.run(state), texts_for(state.lang)
        if not state.feature or place["utterance"] not in run.utterance_set:
            return no_update, no_update, no_update
        return *drawing_of(run, state, place["utterance"], data, texts), "true"

    @app.callback(
        *drawing,
        Input({"type": "feature-draw", "utterance": MATCH}, "n_clicks"),
        Held({"type": "feature-draw", "utterance": MATCH}, "id"),
        Held("state", "data"),
        prevent_initial_call=True,
    )
    def draw(clicks: int | None, place: dict[str, str], stored: object) -> Any:
        if (clicks or 0) % 2 == 0:  # a second click puts it away
            return [], no_update, "false"
        return drawn(place, stored)

    again = [Output(one.component_id, one.component_property, allow_duplicate=True) for one in drawing]

    @app.callback(
        *again,
        Input({"type": "feature-drawn", "utterance": MATCH}, "data"),
        Held({"type": "feature-drawn", "utterance": MATCH}, "id"),
        Held("state", "data"),
        prevent_initial_call="initial_duplicate",
    )
    def draw_first(_: object, place: dict[str, str], stored: object) -> Any:
        return drawn(place, stored)
