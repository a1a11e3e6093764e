"""The choices above a page: one select for each field of the state that the page uses."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc

from dashboard.data import Data
from dashboard.state import LEVELS, State
from dashboard.texts import Texts

Options = list[dict[str, str]]
KIND = "control"
"""``type`` of the ids of the selects: ``{"type": KIND, "field": "set"}``."""
_WIDE = 230
_WITH_ALL = ("emotion", "language")
_PLURAL = {
    "set": "sets",
    "model": "models",
    "method": "methods",
    "emotion": "emotions",
    "language": "languages",
    "task": "tasks",
}
CONTROLS = ("set", "model", "method", "level", "emotion", "language", "task")
"""Fields that a page can ask for."""


def controls(fields: tuple[str, ...], state: State, data: Data, texts: Texts) -> list[Any]:
    """Return one select per field; its value is that of the state."""
    return [_select(field, state, data, texts) for field in fields]


def _select(field: str, state: State, data: Data, texts: Texts) -> Any:
    value = getattr(state, field)
    return dmc.Select(
        id={"type": KIND, "field": field},
        label=texts(f"control.{field}"),
        data=_options(field, state, data, texts),
        value=value or ("*" if field in _WITH_ALL else None),
        allowDeselect=False,
        searchable=False,
        size="xs",
        w=_WIDE if field == "method" else 170,
        comboboxProps={"shadow": "md"},
        disabled=not value and field not in _WITH_ALL,
    )


def _options(field: str, state: State, data: Data, texts: Texts) -> Options:
    if field == "level":
        values: tuple[str, ...] = LEVELS
    else:
        values = getattr(data.run(state).choices, _PLURAL[field])
    options = [{"value": value, "label": texts.label(field, value)} for value in values]
    if field in _WITH_ALL:
        options.insert(0, {"value": "*", "label": texts("control.all")})
    return options


def chosen(values: dict[str, str | None]) -> dict[str, str]:
    """Return the fields of the state that a set of selects stands for."""
    return {field: "" if value in (None, "*") else str(value) for field, value in values.items()}
