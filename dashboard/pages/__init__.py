"""The pages, one module each. ``docs/dashboard-architecture.md`` says what a module has to offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    import pandas as pd
    from dash import Dash

    from dashboard.data import Data
    from dashboard.later import Part
    from dashboard.state import State
    from dashboard.texts import Texts

PAGES = ("overview", "shared", "feature", "utterance", "compare", "trust", "try_it")
"""Names of the page modules, in the order of the navigation."""
TableMaker = Callable[["State", "Data"], "pd.DataFrame"]


class Page(Protocol):
    """What a page module offers. ``CONTROLS``, ``TABLES`` and ``PARTS`` may be left out."""

    NAME: str
    """First part of the address, and the name of its text files."""
    TITLE: str
    """Key of its title in the texts."""
    CONTROLS: tuple[str, ...]
    """Fields of the state that the reader chooses in the bar above the page, see `dashboard.controls.CONTROLS`."""
    TABLES: Mapping[str, TableMaker]
    """Tables that the page offers as CSV, by name."""
    PARTS: Mapping[str, Part]
    """Parts that come after the page, by name, see `dashboard.later`."""

    def layout(self, state: State, data: Data, texts: Texts) -> Any:
        """Return the components of the page for a state."""

    def register(self, app: Dash, data: Data) -> None:
        """Set up the callbacks and routes of the page, once."""


def load_pages() -> tuple[Page, ...]:
    """Import the page modules that are there."""
    names = [name for name in PAGES if find_spec(f"{__name__}.{name}") is not None]
    return tuple(cast(Page, import_module(f"{__name__}.{name}")) for name in names)


def controls_of(page: Page) -> tuple[str, ...]:
    """Return the fields that are chosen above a page."""
    return tuple(getattr(page, "CONTROLS", ()))


def tables_of(page: Page) -> Mapping[str, TableMaker]:
    """Return the tables of a page."""
    return cast("Mapping[str, TableMaker]", getattr(page, "TABLES", {}))


def close_pages(data: Data) -> None:
    """End what the pages have started: every service with a ``close`` is closed."""
    for service in list(data.services.values()):
        close = getattr(service, "close", None)
        if callable(close):
            close()
