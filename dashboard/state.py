"""What the reader looks at: one small value that is the address of the page, so that every view has a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from dashboard.data import Data, RunData

LEVELS = ("feature", "contour", "functional", "family")
LONGEST = 200
"""Longest value that is read from an address."""
FIRST_PAGE = "overview"


@dataclass(frozen=True)
class State:
    """A view. Every field but ``page`` is one parameter of the address; see `read_state` for what is accepted.

    Attributes:
        page: Name of the page.
        run: Key of the run (`RunData.key`).
        lang: Language of the interface.
        set: Language set.
        model: Model of the run.
        method: Explanation method.
        level: Level of a ranking, one of `LEVELS`.
        emotion: One emotion, or empty: all.
        language: One language of the corpora, or empty: all.
        task: ``emotion`` or another task of the run.
        feature: Name of a feature of the run, or empty.
        utterance: Id of an utterance of the run, or empty.
        view: What a page wants to remember about itself: a word of letters, digits, ``-``, ``_``, ``.``.
        search: What the reader searches for, free text.
        run2, set2, model2, method2, emotion2: The other side of a comparison; empty: as the first side.
    """

    page: str = FIRST_PAGE
    run: str = ""
    lang: str = "en"
    set: str = ""
    model: str = ""
    method: str = ""
    level: str = "feature"
    emotion: str = ""
    language: str = ""
    task: str = ""
    feature: str = ""
    utterance: str = ""
    view: str = ""
    search: str = ""
    run2: str = ""
    set2: str = ""
    model2: str = ""
    method2: str = ""
    emotion2: str = ""

    def query(self) -> str:
        """Return the query of the address, ``?run=...``: fields that are empty are left out."""
        said = {key: value for key, value in asdict(self).items() if value and key != "page"}
        return "?" + urlencode(said)

    def link(self, page: str | None = None, **changes: str) -> str:
        """Return the address of a view: this one, with changes.

        Example:
            >>> State(run="demo").link("feature", feature="F0final_sma_amean")
            '/feature?run=demo&lang=en&level=feature&feature=F0final_sma_amean'
        """
        changed = replace(self, **changes)
        return f"/{page or self.page}{changed.query()}"


FIELDS = tuple(field.name for field in fields(State) if field.name != "page")


@dataclass(frozen=True)
class Notice:
    """Something in an address that was ignored: the key of its sentence, and the values for it."""

    key: str
    values: Mapping[str, str]


def read_state(
    pathname: str | None, search: str | None, data: Data, pages: tuple[str, ...] = ()
) -> tuple[State, list[Notice]]:
    """Read an address. What the run does not have is ignored, with a notice, and the default takes its place.

    Args:
        pathname: Path of the address, ``/feature``.
        search: Its query, ``?run=demo&...``.
        data: The runs that are open.
        pages: Names of the pages that exist; empty: any name will do.
    """
    given = {key: value[:LONGEST] for key, value in parse_qsl((search or "").lstrip("?"), max_num_fields=60)}
    page = (pathname or "/").strip("/") or FIRST_PAGE
    notices: list[Notice] = []
    if pages and page not in pages:
        notices.append(Notice("notice.no_page", {"value": page[:LONGEST]}))
        page = FIRST_PAGE
    return _checked({"page": page, **given}, data, notices), notices


def bare_state(pathname: str | None, search: str | None, data: Data, pages: tuple[str, ...]) -> State:
    """Return page, run and interface language of an address: all that is known of a run that cannot be read."""
    given = dict(parse_qsl((search or "").lstrip("?"), max_num_fields=60))
    page = (pathname or "/").strip("/")
    run, lang = given.get("run", ""), given.get("lang", "")
    return State(
        page=page if page in pages else FIRST_PAGE,
        run=run if run in data.runs else data.first,
        lang=lang if lang in data.languages else data.lang,
    )


def state_of(stored: object, data: Data) -> State:
    """Return the state that a ``dcc.Store`` holds; it comes from the browser and is checked again."""
    given = (
        {str(key): str(value)[:LONGEST] for key, value in stored.items()} if isinstance(stored, dict) else {}
    )
    return _checked(given, data, [])


def _checked(given: dict[str, str], data: Data, notices: list[Notice]) -> State:
    def keep(field: str, allowed: tuple[str, ...] | frozenset[str], default: str) -> str:
        value = given.get(field, "")
        if value in allowed:
            return value
        if value:
            notices.append(Notice("notice.ignored", {"field": field, "value": value}))
        return default

    run = data.get(keep("run", tuple(data.runs), data.first))
    choices = run.choices
    other = data.get(keep("run2", tuple(data.runs), "") or run.key)
    view = given.get("view", "")
    return State(
        page=given.get("page", FIRST_PAGE),
        run=run.key,
        lang=keep("lang", data.languages, data.lang),
        set=keep("set", choices.sets, choices.set),
        model=keep("model", choices.models, choices.model),
        method=keep("method", choices.methods, choices.method),
        level=keep("level", LEVELS, LEVELS[0]),
        emotion=keep("emotion", choices.emotions, ""),
        language=keep("language", choices.languages, ""),
        task=keep("task", choices.tasks, choices.task),
        feature=keep("feature", run.feature_set, ""),
        utterance=keep("utterance", run.utterance_set, ""),
        view=view if _is_word(view) else "",
        search=given.get("search", "")[:80],
        run2=other.key if given.get("run2") else "",
        **_other_side(other, keep),
    )


def _other_side(other: RunData, keep: object) -> dict[str, str]:
    choices = other.choices
    assert callable(keep)
    return {
        "set2": keep("set2", choices.sets, ""),
        "model2": keep("model2", choices.models, ""),
        "method2": keep("method2", choices.methods, ""),
        "emotion2": keep("emotion2", choices.emotions, ""),
    }


def _is_word(value: str) -> bool:
    return len(value) <= 80 and all(letter.isalnum() or letter in "-_." for letter in value)
