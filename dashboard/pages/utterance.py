"""An utterance: to hear and to see, what a model made of it, and which features spoke for and against."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html, no_update
from dash import State as Held

from dashboard.attributions import classes_explained, is_explained, methods_of
from dashboard.audio import find_recording
from dashboard.components import card, empty, help_mark, page_head, page_link
from dashboard.components.example_list import known_facts
from dashboard.components.for_and_against import Path, reasons
from dashboard.components.player import player, with_drawing
from dashboard.components.prediction import prediction
from dashboard.components.time_attention import time_attention
from dashboard.components.utterance_drawing import utterance_drawing
from dashboard.data import Data, RunData
from dashboard.later import later
from dashboard.outcomes import EXPLAINED, RIGHT, WRONG, listed, outcomes
from dashboard.state import State, state_of
from dashboard.texts import Texts, texts_for

if TYPE_CHECKING:
    import pandas as pd

NAME = "utterance"
TITLE = "utterance.title"
CONTROLS = ("set", "model", "task", "language", "emotion")
VIEWS = ("all", RIGHT, WRONG, EXPLAINED)


def layout(state: State, data: Data, texts: Texts) -> Any:
    """Return the page; without an utterance in the address, the first that fits the choices."""
    run = data.run(state)
    names = listed(run, state)
    name = state.utterance or (names[0] if names else "")
    head = [_choices(run, state, names, name, texts)]
    if not name:
        return dmc.Stack(
            [
                page_head(texts("utterance.title"), texts("utterance.lead")),
                *head,
                empty(texts("utterance.none"), texts("utterance.none_here")),
                dcc.Store(id="utterance-name", data=""),
            ]
        )
    from dashboard.pages.feature import sound_of

    sound_of(data).warm()
    here = replace(state, utterance=name)
    return dmc.Stack(
        [
            page_head(name, _facts(run, name, texts), *_neighbours(here, names, texts)),
            *head,
            _sound_card(run, name, data, texts),
            html.Div(
                [
                    card(
                        texts("utterance.predicted"),
                        prediction(run, here, texts),
                        help=help_mark(texts, "utterance.help.predicted"),
                    ),
                    later(NAME, "reasons", 480),
                ],
                className="two-columns",
            ),
            dcc.Store(id="utterance-name", data=name),
        ],
        gap="md",
    )


def _facts(run: RunData, name: str, texts: Texts) -> str:
    row = run.utterances.loc[name]
    facts = known_facts(run)[name]
    emotion = texts.label("emotion", facts.emotion) if facts.emotion else texts("utterance.no_emotion")
    parts = [texts.label("language", facts.language), emotion, facts.speaker.rpartition("/")[2]]
    if isinstance(row["text"], str):
        parts.append(f"“{row['text']}”")
    seconds = float(str(row["duration"]))
    if seconds == seconds:
        parts.append(f"{texts.number(seconds, 1)} s")
    return " · ".join(part for part in parts if part)


def _neighbours(state: State, names: list[str], texts: Texts) -> list[Any]:
    if state.utterance not in names:
        return [page_link(texts("utterance.first"), state, utterance=names[0])] if names else []
    place = names.index(state.utterance)
    parts = [dmc.Text(f"{texts.count(place + 1)} / {texts.count(len(names))}", size="sm", c="dimmed")]
    if place:
        parts.insert(0, page_link(texts("utterance.previous"), state, utterance=names[place - 1]))
    if place + 1 < len(names):
        parts.append(page_link(texts("utterance.next"), state, utterance=names[place + 1]))
    return parts


def _choices(run: RunData, state: State, names: list[str], name: str, texts: Texts) -> Any:
    judged = dmc.SegmentedControl(
        id="utterance-judged",
        data=[{"value": value, "label": texts(f"utterance.judged.{value}")} for value in VIEWS],
        value=state.view if state.view in VIEWS else "all",
        size="xs",
        **{"aria-label": texts("utterance.judged.title")},
    )
    options = names if name in names or not name else [name, *names]
    pick = dmc.Select(
        id="utterance-pick",
        data=options,
        value=name or None,
        searchable=True,
        limit=40,
        allowDeselect=False,
        size="xs",
        w=320,
        nothingFoundMessage=texts("utterance.none"),
        **{"aria-label": texts("utterance.pick")},
    )
    return dmc.Group([judged, pick], gap="sm")


def _sound_card(run: RunData, name: str, data: Data, texts: Texts) -> Any:
    file, _ = find_recording(run, name, data.audio_root)
    waiting = html.Div(texts("sound.waiting"), className="sound-wait sound-wait-tall") if file else []
    return card(
        texts("utterance.sound"),
        with_drawing(player(run, name, data, texts), html.Div(waiting, id="utterance-drawing")),
        help=help_mark(texts, "utterance.help.sound"),
    )


def _reasons_card(run: RunData, state: State, texts: Texts) -> Any:
    methods = methods_of(run, state.set, state.model)
    if not methods:
        why, command = "no_reasons", f"msfl explain {run.run.path.name}"
        if _reads_frames(run, state.model):
            why, command = "no_features", ""
        body: Any = empty(texts(f"utterance.{why}"), texts(f"utterance.{why}_why"), command)
        return card(texts("utterance.reasons"), body, help=help_mark(texts, "utterance.help.reasons"))
    method = _method(run, state, methods)
    classes = classes_explained(
        run, state.utterance, method, language_set=state.set, model=state.model, task=state.task
    )
    chosen = _first_class(run, state, classes)
    choices = [
        dmc.Select(
            id="utterance-method",
            data=[{"value": name, "label": texts.label("method", name)} for name in methods],
            value=method,
            allowDeselect=False,
            size="xs",
            w=200,
            **{"aria-label": texts("control.method")},
        ),
        dmc.SegmentedControl(
            id="utterance-class",
            data=[{"value": name, "label": texts.label(state.task, name)} for name in classes or ("-",)],
            value=chosen or "-",
            size="xs",
            style={} if len(classes) > 1 else {"display": "none"},
            **{"aria-label": texts("utterance.class")},
        ),
    ]
    return card(
        texts("utterance.reasons"),
        html.Div(reasons(run, state, method, chosen, (), texts), id="utterance-reasons"),
        dcc.Store(id="utterance-path", data=[]),
        help=help_mark(texts, "utterance.help.reasons"),
        actions=dmc.Group(choices, gap="sm"),
    )


def _reads_frames(run: RunData, model: str) -> bool:
    """Whether a model reads sound frame by frame: its jobs keep the normalisation of such an input."""
    folders = (run.run.job_folder(job.id) for job in run.run.jobs if job.model == model)
    return any(any(folder.glob("scaler-*.npz")) for folder in folders)


def _method(run: RunData, state: State, methods: tuple[str, ...]) -> str:
    """Return the method of the view; for one that ranks only (consensus), the first that explains this utterance."""
    if state.method in methods:
        return state.method
    known = {"language_set": state.set, "model": state.model, "task": state.task}
    found = (name for name in methods if is_explained(run, state.utterance, name, **known))
    return next(found, methods[0])


def _first_class(run: RunData, state: State, classes: tuple[str, ...]) -> str:
    """Return the class to explain first: the predicted one."""
    found = outcomes(run, state.set, state.model, state.task)
    if found is not None and state.utterance in found.index:
        predicted = str(found.at[state.utterance, "predicted"])
        if predicted in classes or not classes:
            return predicted
    return classes[0] if classes else ""


def _predictions_table(state: State, data: Data) -> pd.DataFrame:
    import pandas as pd

    run = data.run(state)
    found = outcomes(run, state.set, state.model, state.task)
    if found is None:
        return pd.DataFrame(columns=["utterance", "truth", "predicted"])
    return found.loc[found.index.isin(listed(run, state))].reset_index()


TABLES = {"predictions": _predictions_table}


def register(app: Dash, data: Data) -> None:
    """Set up the callbacks."""

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input("utterance-judged", "value"),
        Input("utterance-pick", "value"),
        Held("state", "data"),
        Held("utterance-name", "data"),
        prevent_initial_call=True,
    )
    def choose(judged: str | None, picked: str | None, stored: object, name: object) -> Any:
        state = state_of(stored, data)
        view = str(judged) if judged in VIEWS[1:] else ""
        if view != (state.view if state.view in VIEWS else ""):
            return replace(state, view=view, utterance="").query()
        if picked != name and picked in data.run(state).utterance_set:
            return replace(state, utterance=str(picked)).query()
        return no_update

    @app.callback(  # of its own: a callback whose inputs are not all on the page is never called
        Output("url", "search", allow_duplicate=True),
        Input("utterance-method", "value"),
        Held("state", "data"),
        prevent_initial_call=True,
    )
    def choose_method(method: str | None, stored: object) -> Any:
        state = state_of(stored, data)
        if method == state.method or method not in data.run(state).choices.methods:
            return no_update
        return replace(state, method=str(method)).query()

    @app.callback(
        Output("utterance-drawing", "children"), Input("utterance-name", "data"), Held("state", "data")
    )
    def draw(name: str | None, stored: object) -> Any:
        state = state_of(stored, data)
        run = data.run(state)
        if name not in run.utterance_set:
            return no_update
        texts = texts_for(state.lang)
        return [
            utterance_drawing(run, str(name), data, texts),
            time_attention(run, state, str(name), texts),
        ]

    _register_reasons(app, data)


def _register_reasons(app: Dash, data: Data) -> None:
    from dash import ALL, ctx

    @app.callback(
        Output("utterance-reasons", "children"),
        Output("utterance-path", "data"),
        Input("utterance-method", "value"),
        Input("utterance-class", "value"),
        Input({"type": "utterance-step", "level": ALL, "name": ALL}, "n_clicks"),
        Held("utterance-path", "data"),
        Held("utterance-name", "data"),
        Held("state", "data"),
        prevent_initial_call=True,
    )
    def unfold(
        method: str | None,
        of_class: str | None,
        clicks: list[int | None],
        path: object,
        name: object,
        stored: object,
    ) -> Any:
        state = replace(state_of(stored, data), utterance=str(name or ""))
        run = data.run(state)
        trigger = ctx.triggered_id
        if trigger == "utterance-method" and method in run.choices.methods:
            return no_update, no_update  # it becomes part of the address, and the page is made anew
        if not trigger or method not in methods_of(run) or state.utterance not in run.utterance_set:
            return no_update, no_update
        now = _path(path)
        if isinstance(trigger, dict):
            if not any(clicks):
                return no_update, no_update
            now = _walked(now, str(trigger["level"]), str(trigger["name"]))
        texts = texts_for(state.lang)
        wanted = "" if of_class in (None, "-") else str(of_class)
        shown = reasons(run, state, str(method), wanted or _first_class(run, state, ()), now, texts)
        return shown, [list(step) for step in now]


def _path(stored: object) -> Path:
    if not isinstance(stored, list):
        return ()
    pairs = [step for step in stored if isinstance(step, list) and len(step) == 2]
    return tuple((str(level), str(name)) for level, name in pairs)[:2]


def _walked(path: Path, level: str, name: str) -> Path:
    """Return the path after a step: deeper, or back to where a link of the path leads."""
    if level == "":
        return ()
    kept = tuple(step for step in path if step[0] == "family") if level == "contour" else ()
    return (*kept, (level, name))


def _reasons(state: State, data: Data, texts: Texts) -> Any:
    run = data.run(state)
    names = () if state.utterance else listed(run, state)
    here = replace(state, utterance=state.utterance or next(iter(names), ""))
    return _reasons_card(run, here, texts) if here.utterance else []


PARTS = {"reasons": _reasons}
