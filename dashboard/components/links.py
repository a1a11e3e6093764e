"""Links to other views, and to tables as CSV."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard.state import State
from dashboard.texts import Texts


def page_link(words: Any, state: State, page: str | None = None, **changes: str) -> Any:
    """Return a link to another view, followed without loading the page anew."""
    return dcc.Link(words, href=state.link(page, **changes), className="link")


def csv_link(state: State, table: str, texts: Texts) -> Any:
    """Return a link that downloads a table of the page as CSV; ``table`` is a key of its ``TABLES``."""
    return html.A(
        dmc.Text("CSV ↓", size="sm", span=True),
        href=f"/table/{quote(state.page)}/{quote(table)}.csv{state.query()}",
        download=True,
        className="link",
        **{"aria-label": texts("download.csv", table=table)},
    )
