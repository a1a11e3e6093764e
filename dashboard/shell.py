"""What stands around every page: skip link, runs, languages, light and dark, navigation, notices."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard.data import Data
from dashboard.pages import Page
from dashboard.state import Notice, State
from dashboard.texts import LANGUAGES, Texts, texts_for

THEME = {
    "primaryColor": "teal",
    "primaryShade": 9,
    "fontFamily": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', sans-serif",
    "headings": {"fontWeight": 600},
    "defaultRadius": "sm",
    "cursorType": "pointer",
    "autoContrast": True,
}


def shell(data: Data) -> Any:
    """Return the frame; the routing fills it."""
    texts = texts_for(data.lang)
    return dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Store(id="state"),
            dcc.Store(id="words"),
            dcc.Store(id="arrived"),
            html.A(texts("shell.skip"), href="#main", className="skip-link", id="skip-link"),
            html.Header(
                [
                    html.Div(id="bar", className="bar"),
                    html.Nav(id="navigation", className="navigation"),
                ],
                className="head",
            ),
            html.Div(id="controls", className="controls"),
            html.Main(
                [
                    html.Div(id="notices", **{"aria-live": "polite"}),
                    dcc.Loading(
                        html.Div(html.Div(className="first-wait"), id="page"),
                        custom_spinner=dmc.Loader(type="dots"),
                        delay_show=350,
                        overlay_style={"visibility": "visible", "opacity": 0.5},
                        target_components={"page": "children"},
                    ),
                ],
                id="main",
                tabIndex="-1",
                className="main",
            ),
            html.Footer(html.Span("msfl"), className="foot"),
        ],
        theme=THEME,
        defaultColorScheme="auto",
    )


def bar_of_runs(state: State, data: Data, texts: Texts) -> list[Any]:
    """Return the uppermost line: which run, which language, light or dark."""
    run = data.run(state).run
    synthetic = [html.Span(texts("shell.synthetic"), className="pill pill-caution")]
    runs = [_item(item.name, state.link(run=key), key == state.run) for key, item in data.runs.items()]
    return [
        dcc.Link("msfl", href=state.link("overview"), className="brand", title=texts("shell.home")),
        _menu(texts("shell.run"), run.manifest.name, runs),
        *(synthetic if run.manifest.data.synthetic else []),
        html.Span(className="spring"),
        _menu(
            texts("shell.language"),
            LANGUAGES[state.lang],
            [_item(name, state.link(lang=lang), lang == state.lang) for lang, name in LANGUAGES.items()],
        ),
        dmc.ColorSchemeToggle(
            lightIcon="☀", darkIcon="☾", size="md", variant="default", **{"aria-label": texts("shell.scheme")}
        ),
    ]


def _menu(label: str, current: str, items: list[Any]) -> Any:
    """Return a menu that opens by click and keyboard; ``msfl.js`` closes it when the reader turns away."""
    words = [html.Span(f"{label}:", className="quiet"), current, html.Span("▾", **{"aria-hidden": "true"})]
    return html.Details([html.Summary(words), html.Div(items, className="menu-items")], className="menu")


def _item(words: str, href: str, here: bool) -> Any:
    return dcc.Link(words, href=href, className="menu-item menu-item-here" if here else "menu-item")


def navigation(state: State, pages: tuple[Page, ...], texts: Texts) -> list[Any]:
    """Return the links to the pages; what was chosen goes with the reader."""
    return [
        dcc.Link(
            texts(page.TITLE),
            href=state.link(page.NAME, view="", search=""),
            className="page-tab page-tab-here" if state.page == page.NAME else "page-tab",
        )
        for page in pages
    ]


def notices_of(notices: list[Notice], texts: Texts) -> list[Any]:
    """Return what was ignored in the address, as a sentence each."""
    return [
        dmc.Alert(
            texts(notice.key, **notice.values), color="yellow", variant="light", withCloseButton=True, mb="sm"
        )
        for notice in notices
    ]


def problems_of(problem: str, texts: Texts) -> list[Any]:
    """Return what is wrong with the explanations of the run, above every page; nothing where nothing is."""
    if not problem:
        return []
    body = [dmc.Text(problem, size="sm"), dmc.Text(texts("notice.damaged_rest"), size="sm", mt=4)]
    return [dmc.Alert(body, title=texts("notice.damaged"), color="red", variant="light", mb="sm")]
