"""The tables behind the page "Shared features": one ranking, what it shares with others, and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dashboard.data import RunData
from dashboard.state import State

if TYPE_CHECKING:
    import pandas as pd

TOP = 10
"""Length of a top list."""
DEFINITIONS = ("top", "aggregated", "direction")
"""The three meanings of "shared", as in the table of shared features."""
_COLUMNS = ("name", "in_words", "contour", "family", "rank", "mean_rank", "sd_rank", "min_rank", "max_rank")
_FIGURES = ("in_top", "lift", "size", "importance", "direction")


def ranking(run: RunData, state: State, language_set: str | None = None) -> pd.DataFrame | None:
    """Return the ranking of a view, best first; None where it was not computed.

    Args:
        run: The run.
        state: The view: task, method, level, emotion.
        language_set: Another language set than that of the view.
    """
    kind = "emotion" if state.emotion else ""
    return run.table(
        f"rankings/{state.method}",
        columns=[*_COLUMNS, *_FIGURES],
        task=state.task,
        language_set=language_set or state.set,
        part_kind=kind,
        part=state.emotion,
        level=state.level,
    )


def marks(run: RunData, state: State) -> dict[str, set[str]]:
    """Return definition -> the items that are shared by it, for the method, emotion and level of a view."""
    table = run.table(
        "shared",
        columns=["definition", "name", "shared"],
        method=state.method,
        part_kind="emotion" if state.emotion else "",
        part=state.emotion,
        level=state.level,
    )
    if table is None:
        return {}
    kept = table[table["shared"].astype(bool)]
    return {str(key): set(map(str, rows["name"])) for key, rows in kept.groupby("definition")}


def verdict(run: RunData, state: State) -> pd.Series | None:
    """Return how far the ranking of a view can be trusted, where that was examined."""
    table = run.table("verdicts", method=state.method, language_set=state.set, level=state.level)
    return None if table is None or table.empty else table.iloc[0]


def monolingual(run: RunData) -> list[str]:
    """Return the language sets of one language."""
    return [name for name, languages in run.run.manifest.language_sets.items() if len(languages) == 1]


@dataclass(frozen=True)
class SideBySide:
    """The rankings of every language alone and of the set of a view.

    Attributes:
        table: `name`, `rank`, `language_set`, `in_words`, `family` of what is in the top of any list.
        lists: The language sets, that of the view last.
        items: How many items are ranked.
    """

    table: pd.DataFrame
    lists: list[str]
    items: int


def side_by_side(run: RunData, state: State) -> SideBySide | None:
    """Return the rankings side by side, as far as their tops go; None where there is none."""
    import pandas as pd

    about = ranking(run, state)
    names = [name for name in monolingual(run) if name != state.set] + [state.set]
    part = {"part_kind": "emotion" if state.emotion else "", "part": state.emotion, "level": state.level}
    found = {}
    for name in names:
        key = {"task": state.task, "language_set": name, **part}
        table = run.table(f"rankings/{state.method}", columns=["name", "rank"], **key)
        if table is not None and len(table):
            found[name] = table
    if about is None or not found:
        return None
    leading = {one for table in found.values() for one in table.loc[table["rank"] <= TOP, "name"]}
    pieces = [table[table["name"].isin(leading)].assign(language_set=name) for name, table in found.items()]
    words = about.loc[about["name"].isin(leading), ["name", "in_words", "family"]]
    joined = pd.concat(pieces, ignore_index=True).merge(words, on="name")
    return SideBySide(joined, list(found), max(len(table) for table in found.values()))


def found_by(table: pd.DataFrame, search: str) -> pd.DataFrame:
    """Return the rows whose name or words hold every word of a search."""
    words = search.lower().split()
    if not words:
        return table
    text = (
        table["name"].astype(str) + " " + table["in_words"].astype(str) + " " + table["family"]
    ).str.lower()
    keep = text.map(lambda one: all(word in one for word in words))
    return table[keep]
