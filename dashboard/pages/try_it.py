"""Try it: recordings of the reader's own, what a model says about them, and why."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html, no_update
from dash import State as Held
from flask import Response, abort, jsonify, request, send_file

from dashboard.audio import TYPES
from dashboard.components import empty, failed, help_mark, page_head
from dashboard.components.answers import answers
from dashboard.data import Data
from dashboard.state import State, state_of
from dashboard.texts import Texts, texts_for
from dashboard.worker import LONGEST, Status
from dashboard.workshop import LARGEST_FILE, MOST_FILES, SUFFIXES, Place, Refused, Workshop
from msfl.feature_source import OWN_TABLE

NAME = "try_it"
TITLE = "try_it.title"
CONTROLS = ("set", "model")
EVERY = 700
"""Milliseconds between two looks at the worker."""
_STEPS = {"waiting": 2, "reading": 10, "predicting": 30, "explaining": 70, "done": 100}
_SPAN = {"predicting": 40, "explaining": 28}


def layout(state: State, data: Data, texts: Texts) -> Any:
    """Return the page."""
    head = page_head(texts("try_it.title"), texts("try_it.lead"))
    run = data.run(state)
    if run.run.manifest.features.set == OWN_TABLE:
        return dmc.Stack([head, empty(texts("try_it.own_title"), texts("try_it.own"))])
    if not state.model:
        return dmc.Stack([head, empty(texts("try_it.no_model_title"), texts("try_it.no_model"))])
    return dmc.Stack(
        [
            head,
            _drop(texts),
            dmc.Group(
                [
                    dmc.Checkbox(
                        id="try-it-one-speaker", label=texts("try_it.one_speaker"), persistence=True
                    ),
                    help_mark(texts, "try_it.help.one_speaker"),
                    html.Span(className="spring"),
                    dmc.Button(
                        texts("try_it.delete"),
                        id="try-it-delete",
                        variant="default",
                        size="xs",
                        disabled=True,
                    ),
                ],
                gap="xs",
            ),
            dcc.Store(id="try-it-upload", storage_type="session"),
            dcc.Store(id="try-it-shown"),
            dcc.Interval(id="try-it-wait", interval=EVERY, disabled=True),
            html.Div(id="try-it-message", **{"aria-live": "polite"}),
            html.Div(id="try-it-result"),
        ]
    )


def _drop(texts: Texts) -> Any:
    limits = texts("try_it.limits", files=MOST_FILES, megabytes=LARGEST_FILE >> 20, seconds=f"{LONGEST:.0f}")
    return html.Div(
        [
            dmc.Text(texts("try_it.drop"), fw=600),
            dmc.Button(texts("try_it.choose"), id="try-it-choose", n_clicks=0),
            dmc.Text(limits, size="sm", c="dimmed"),
            dmc.Text(texts("try_it.stays"), size="sm", c="dimmed"),
        ],
        id="try-it-drop",
        className="drop",
        **{
            "data-accept": ",".join(SUFFIXES),
            "data-sending": texts("try_it.sending"),
            "data-failed": texts("try_it.not_sent"),
        },
    )


def register(app: Dash, data: Data) -> None:
    """Set up the routes of the uploads, and the callback that waits for the worker."""
    workshop = Workshop()
    data.services[NAME] = workshop
    _routes(app, workshop, data)
    _waiting(app, workshop, data)


def _routes(app: Dash, workshop: Workshop, data: Data) -> None:
    @app.server.post("/try_it/upload")
    def upload() -> tuple[Response, int]:
        if request.headers.get("X-Msfl") != "upload":  # a form on somebody else's page cannot send that
            abort(403)
        texts = texts_for(request.headers.get("X-Msfl-Language", data.lang)[:5])
        try:
            token, uploads = workshop.receive(request.files.getlist("recordings"))
        except Refused as refused:
            return jsonify(error=texts(refused.key, **refused.values)), 400
        return jsonify(token=token, names=[one.name for one in uploads]), 200

    @app.server.get("/try_it/recording/<token>/<int:number>")
    def recording(token: str, number: int) -> Response:
        place = workshop.place(token)
        if place is None or not 0 <= number < len(place.uploads):
            abort(404)
        file = place.recordings / place.uploads[number].file
        if not file.is_file():
            abort(404)
        return send_file(file, mimetype=TYPES[file.suffix], conditional=True)


def _waiting(app: Dash, workshop: Workshop, data: Data) -> None:
    @app.callback(
        Output("try-it-message", "children"),
        Output("try-it-result", "children"),
        Output("try-it-wait", "disabled"),
        Output("try-it-delete", "disabled"),
        Output("try-it-shown", "data"),
        Input("try-it-upload", "data"),
        Input("try-it-wait", "n_intervals"),
        Input("try-it-one-speaker", "checked"),
        Held("try-it-shown", "data"),
        Held("state", "data"),
    )
    def look(upload: Any, _: int | None, one_speaker: bool | None, shown: str | None, stored: object) -> Any:
        state = state_of(stored, data)
        texts = texts_for(state.lang)
        if not isinstance(upload, dict):
            return None, None, True, True, None
        if upload.get("error"):
            return failed(texts, str(upload["error"])[:500]), None, True, True, None
        token = str(upload.get("token", ""))
        place = workshop.place(token)
        if place is None:
            return dmc.Text(texts("try_it.gone"), c="dimmed"), None, True, True, None
        path = data.run(state).run.path
        try:
            ticket = workshop.ask(token, path, state.model, state.set, bool(one_speaker))
        except Refused as refused:
            return failed(texts, texts(refused.key, **refused.values)), None, False, False, None
        return _shown(workshop, place, token, ticket, state, data, shown)

    @app.callback(
        Output("try-it-upload", "data"),
        Input("try-it-delete", "n_clicks"),
        Held("try-it-upload", "data"),
        prevent_initial_call=True,
    )
    def delete(clicks: int | None, upload: Any) -> Any:
        if not clicks or not isinstance(upload, dict):
            return no_update
        workshop.delete(str(upload.get("token", "")))
        return {"token": ""}


def _shown(
    workshop: Workshop, place: Place, token: str, ticket: str, state: State, data: Data, shown: str | None
) -> tuple[Any, ...]:
    """Return what the callback shows of a request: its progress, its failure, or its result (once)."""
    texts = texts_for(state.lang)
    status = workshop.status(token, ticket)
    mark = f"{ticket} {state.lang}"
    if status.step == "failed":
        sentence = status.sentence or texts("try_it.failed")
        return failed(texts, sentence), None, True, False, mark
    result = workshop.result(token, ticket) if status.step == "done" else None
    if result is None:
        return _progress(status, place, texts), None, False, False, None
    if shown == mark:
        return no_update, no_update, True, False, no_update
    done = dmc.Text(texts("try_it.done", count=len(result.answers)), c="dimmed", size="sm")
    return done, answers(result, token, state, data, texts), True, False, mark


def _progress(status: Status, place: Place, texts: Texts) -> Any:
    share = _STEPS.get(status.step, 0) + _SPAN.get(status.step, 0) * status.share
    names = ", ".join(one.name for one in place.uploads)
    words = texts(f"try_it.step.{status.step}")
    return dmc.Stack(
        [
            dmc.Text(words, fw=500),
            dmc.Progress(value=share, striped=True, animated=True, **{"aria-label": words}),
            dmc.Text(names, size="sm", c="dimmed"),
        ],
        gap=6,
    )
