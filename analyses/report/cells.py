"""How the value of a cell of a table is written, by the name of its column."""

from __future__ import annotations

from typing import Any

from analyses.report import words

_P_VALUES = {"p_value", "p", "p_holm", "p_bh", "p_normal"}
_PERCENT = {"in_top", "share_of_weights"}
_WHOLE = {"rank", "k", "size", "min_rank", "max_rank", "repeats", "random_draws", "utterances", "seed"}
_ONE_DIGIT = {"mean_rank", "sd_rank", "minutes"}
_SCORES = {"difference", "uar", "uar_against", "recall"}


def written(value: Any, column: str) -> str:
    """Return the text of a cell.

    Args:
        value: A number, text, truth value, or something missing.
        column: The column's own name (not its heading).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    if is_missing(value):
        return words.NONE
    if type(value).__name__ in ("bool_", "bool"):
        return "yes" if value else ""
    try:
        return _number(value, column)
    except (TypeError, ValueError, OverflowError):
        return str(value)


def is_missing(value: Any) -> bool:
    """Whether a cell holds None, NaN, NaT or NA."""
    import pandas as pd

    return bool(pd.isna(value)) if pd.api.types.is_scalar(value) else False


def is_number(value: Any) -> bool:
    """Whether a cell is aligned to the right."""
    return not isinstance(value, str | bool | list | tuple) and value is not None


def _number(value: Any, column: str) -> str:
    if column in _P_VALUES:
        return words.p_value(value)
    if column in _PERCENT:
        return words.percent(value)
    if column == "lift":
        return f"{float(value):.2f} ×"
    if column in _WHOLE or (float(value).is_integer() and abs(float(value)) >= 2):
        return f"{int(value):,}"
    if column in _ONE_DIGIT:
        return f"{float(value):.1f}"
    if type(value).__name__.startswith(("int", "uint")):
        return str(value)
    small = 0 < abs(float(value)) < 0.005
    return f"{float(value):.2g}" if small else words.number(value, 3 if column in _SCORES else 2)
