"""Parts of a page that come after it, each in an answer of its own: figures, which take longer than all the rest.

What was drawn is kept until the run or its explanations change.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from dash import MATCH, Dash, Input, Output, html, no_update
from dash import State as Held

from dashboard.components import failed
from dashboard.state import State, state_of
from dashboard.texts import Texts, texts_for
from msfl.errors import MsflError

if TYPE_CHECKING:
    from dashboard.data import Data
    from dashboard.pages import Page

Part = Callable[[State, "Data", Texts], Any]
"""Makes a part of a page; what it shows follows from the state and the run alone."""
KIND = "later"
"""``type`` of the ids of the places: ``{"type": KIND, "page": "trust", "part": "stability"}``."""
SERVICE = "drawn"
MOST = 256
"""Parts that are kept, some 50 kB each."""
AT_ONCE = 2
"""Parts that are drawn at a time: more would only make all of them wait for the last."""
_log = logging.getLogger(__name__)


class Drawn:
    """The parts that were drawn last, by what they show; several threads may ask."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()
        self.turn = threading.BoundedSemaphore(AT_ONCE)
        """To be held while a part is drawn."""

    def find(self, key: Hashable) -> Any:
        """Return what is kept for a key; None where nothing is."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what is kept for a key, or make and keep it."""
        found = self.find(key)
        if found is None:
            found = make()
            with self._lock:
                self._kept[key] = found
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return found


def drawn_of(data: Data) -> Drawn:
    """Return what this server has drawn."""
    kept: Drawn = data.services.setdefault(SERVICE, Drawn())
    return kept


def later(page: str, part: str, height: int = 320) -> Any:
    """Return the place of a part; the browser asks for it as soon as the page is there.

    Args:
        page: Name of the page, in whose ``PARTS`` the part stands.
        part: Name of the part.
        height: Pixels that are kept free for it, so that the page does not jump.
    """
    return html.Div(
        html.Div(className="later-wait", style={"minHeight": f"{height}px"}),
        id={"type": KIND, "page": page, "part": part},
    )


def part_of(page: Page, name: str, state: State, data: Data, texts: Texts) -> Any:
    """Return a part of a page, drawn now or before; what cannot be read is a sentence in its place."""
    kept = drawn_of(data)
    run, other = data.run(state), data.other_run(state)
    key = (page.NAME, name, state, run.stamp, other.stamp if other is not run else ())
    found = kept.find(key)
    if found is not None:
        return found
    try:
        with kept.turn:
            return kept.get(key, lambda: page.PARTS[name](state, data, texts))
    except MsflError as error:
        return failed(texts, str(error))
    except Exception:
        _log.exception("The part '%s' of the page '%s' could not be made", name, page.NAME)
        return failed(texts, texts("error.page", page=texts(page.TITLE)))


def fill(made: Any, page: Page, state: State, data: Data, texts: Texts) -> Any:
    """Put all parts into a page that was made; returns the page."""
    for one in made._traverse():
        place = getattr(one, "id", None)
        if isinstance(place, dict) and place.get("type") == KIND:
            one.children = part_of(page, place["part"], state, data, texts)
    return made


def register(app: Dash, data: Data, pages: Mapping[str, Page]) -> None:
    """Set up the callback that brings the parts."""
    place = {"type": KIND, "page": MATCH, "part": MATCH}

    @app.callback(Output(place, "children"), Input(place, "id"), Held("state", "data"))
    def bring(asked: dict[str, str], stored: object) -> Any:
        state = state_of(stored, data)
        page = pages.get(str(asked.get("page")))
        if page is None or asked.get("part") not in getattr(page, "PARTS", {}):
            return no_update
        return part_of(page, asked["part"], state, data, texts_for(state.lang))
