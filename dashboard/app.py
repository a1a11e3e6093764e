"""The Dash app over open runs: its shell, its routing, its safety."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, no_update
from dash import State as Held

from dashboard.audio import serve_audio
from dashboard.components import failed, page_head
from dashboard.compression import compress
from dashboard.controls import KIND, chosen, controls
from dashboard.data import Data
from dashboard.later import fill
from dashboard.later import register as register_parts
from dashboard.pages import Page, controls_of, load_pages
from dashboard.security import Door, protect
from dashboard.shell import bar_of_runs, navigation, notices_of, problems_of, shell
from dashboard.state import FIRST_PAGE, State, bare_state, read_state, state_of
from dashboard.tables import serve_tables
from dashboard.texts import Texts, texts_for
from dashboard.workshop import LARGEST_REQUEST
from msfl.errors import MsflError

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}<link rel="preload" href="PLOTLY" as="script"></head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>
""".replace("PLOTLY", "/assets/vendor/plotly-cartesian-4.1.1.min.js?v=4.1.1")  # as in assets/msfl.js
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How the app is served.

    Attributes:
        door: Who may ask.
        pages: Page modules; by default all.
    """

    door: Door = field(default_factory=Door)
    pages: tuple[Page, ...] | None = None


class _App(Dash):  # type: ignore[misc]
    """Dash starts its renderer with an inline script, which the security policy forbids: ours is a file.

    It also tells the browser where to ask for a newer Dash; nothing here asks anybody outside.
    """

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = super()._config()
        return {**config, "disable_version_check": True, "dash_version_url": ""}

    def _generate_renderer(self) -> str:
        return '<script id="_dash-renderer" src="/assets/start/renderer.js"></script>'


def create_app(data: Data, settings: Settings | None = None) -> Dash:
    """Return the app; ``.server`` is the Flask application that a web server serves."""
    settings = settings or Settings()
    pages = load_pages() if settings.pages is None else settings.pages
    app = _App(
        __name__,
        title="msfl",
        index_string=INDEX,
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        use_pages=False,
        pages_folder="",
        assets_ignore=r"renderer\.js|plotly-.*",
        enable_mcp=False,
        add_log_handler=False,
    )
    app.server.config.update(MAX_CONTENT_LENGTH=LARGEST_REQUEST, MSFL_DATA=data)
    compress(app.server)  # functions after a request run last to first: this one sees the final answer
    protect(app.server, settings.door)
    serve_audio(app.server, data)
    serve_tables(app.server, pages, data)
    app.layout = lambda: shell(data)
    _route(app, data, pages)
    register_parts(app, data, {page.NAME: page for page in pages})
    for page in pages:
        page.register(app, data)
    return app


def _route(app: Dash, data: Data, pages: tuple[Page, ...]) -> None:
    names = tuple(page.NAME for page in pages)
    by_name = {page.NAME: page for page in pages}

    @app.callback(
        Output("bar", "children"),
        Output("navigation", "children"),
        Output("controls", "children"),
        Output("notices", "children"),
        Output("page", "children"),
        Output("state", "data"),
        Output("words", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
    )
    def show(pathname: str | None, search: str | None) -> tuple[Any, ...]:
        try:
            state, notices = read_state(pathname, search, data, names)
        except MsflError as error:
            return unreadable(str(error), pathname, search)
        texts, run = texts_for(state.lang), data.run(state)
        page = by_name[state.page]
        said = [*problems_of(run.problem, texts), *notices_of(notices, texts)]
        return (
            bar_of_runs(state, data, texts),
            navigation(state, pages, texts),
            controls(controls_of(page), state, data, texts),
            said,
            content(page, state, data, texts),
            asdict(state),
            {"title": f"{texts(page.TITLE)} · {run.name} · msfl", "lang": state.lang},
        )

    def unreadable(sentence: str, pathname: str | None, search: str | None) -> tuple[Any, ...]:
        """Return the frame around a run that cannot even be looked at: other runs can be chosen."""
        state = bare_state(pathname, search, data, names)
        texts, title = texts_for(state.lang), by_name[state.page].TITLE
        return (
            bar_of_runs(state, data, texts),
            navigation(state, pages, texts),
            [],
            [],
            dmc.Stack([page_head(texts(title)), failed(texts, sentence)]),
            asdict(state),
            {"title": f"{texts(title)} · {data.run(state).name} · msfl", "lang": state.lang},
        )

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        Input({"type": KIND, "field": ALL}, "value"),
        Held("state", "data"),
        prevent_initial_call=True,
    )
    def choose(values: list[str | None], stored: object) -> Any:
        state = state_of(stored, data)
        fields = [item["id"]["field"] for item in dash.ctx.inputs_list[0]]
        changes = chosen(dict(zip(fields, values, strict=True)))
        changes = {key: value for key, value in changes.items() if value != getattr(state, key)}
        return State(**{**asdict(state), **changes}).query() if changes else no_update

    app.clientside_callback(
        ClientsideFunction("msfl", "arrive"),
        Output("arrived", "data"),
        Input("words", "data"),
        Held("url", "pathname"),
    )


QUIET = 0.4
"""Seconds without a question after which the server prepares the next page."""
PATIENCE = 20.0
"""Seconds after which it does so anyway."""


def warm_up(app: Dash, data: Data) -> None:
    """Make every page once, in the background and while nobody asks: imports and tables are then there in time."""
    asked = [0.0]

    @app.server.before_request
    def note() -> None:
        asked[0] = time.monotonic()

    def make() -> None:
        texts = texts_for(data.lang)
        for page in load_pages():
            latest = time.monotonic() + PATIENCE
            while time.monotonic() < min(asked[0] + QUIET, latest) and page.NAME != FIRST_PAGE:
                time.sleep(QUIET / 4)
            state, _ = read_state(f"/{page.NAME}", "", data)
            if page.NAME == "feature":
                state = replace(state, feature=data.run(state).feature_names[0])
            fill(content(page, state, data, texts), page, state, data, texts)

    threading.Thread(target=make, daemon=True, name="msfl-warm").start()


def content(page: Page, state: State, data: Data, texts: Texts) -> Any:
    """Return a page; what cannot be read is a sentence in its place, and the rest of the dashboard goes on."""
    try:
        return page.layout(state, data, texts)
    except MsflError as error:
        return failed(texts, str(error))
    except Exception:
        _log.exception("The page '%s' could not be made", page.NAME)
        return failed(texts, texts("error.page", page=texts(page.TITLE)))
