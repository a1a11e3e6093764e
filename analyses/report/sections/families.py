"""Families, contours and functionals: which sides of the voice carry emotion in which language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.report import drawn, words
from analyses.report.blocks import Block, Fold, Notice, Paragraph, Section, Table
from analyses.report.context import Context

if TYPE_CHECKING:
    import pandas as pd

ORDER = 70
_PLURAL = {"family": "Families", "contour": "Contours", "functional": "Functionals"}
_COLUMNS = {
    "rank": "rank",
    "in_words": "in words",
    "name": "name",
    "size": "features",
    "lift": "weight",
    "mean_rank": "mean rank",
    "sd_rank": "spread",
    "in_top": "in the top of so many repeats",
}


def section(context: Context) -> Section:
    """Return the section."""
    title, anchor = "Which sides of the voice", "families"
    method = context.main_method
    if not method:
        reason = (
            context.why_missing("rankings/attention") or "No model of this run has a ranking of features."
        )
        return Section(title, anchor, [Notice(reason, "missing", context.command("explain"))])
    blocks: list[Block] = [
        Paragraph(_in_words(context, method), lead=True),
        Paragraph(
            "Single features come in families of relatives, and which of two relatives a model takes "
            "is partly luck. Families are "
            f"steadier. Importance here is by {words.method(method)}: the mean over the features of a "
            "family, so that "
            "a large family does not win by its size."
        ),
        *drawn.families(context),
        *drawn.contour_functional(context),
    ]
    tables = [_table(context, name, level) for name in context.both for level in _PLURAL]
    blocks.append(
        Fold(
            "All families, contours and functionals in order",
            [one for one in tables if one is not None],
            printed=False,
        )
    )
    return Section(title, anchor, blocks)


def by_language(context: Context, method: str, level: str = "family") -> pd.DataFrame:
    """Return the weight (lift) of each family in the model of all languages and of each language alone.

    Returns:
        Columns name, language_set, lift, rank.
    """
    import pandas as pd

    pieces = []
    for name in [context.language_set, *context.alone.values()]:
        ranking = context.rankings(method, language_set=name, level=level)
        if ranking is not None:
            pieces.append(ranking[["name", "language_set", "lift", "rank"]])
    return (
        pd.concat(pieces, ignore_index=True)
        if pieces
        else pd.DataFrame(columns=["name", "language_set", "lift", "rank"])
    )


def _in_words(context: Context, method: str) -> str:
    frame = by_language(context, method)
    told = []
    for name in dict.fromkeys(frame["language_set"]):
        rows = frame[frame["language_set"] == name].sort_values("rank")
        first = words.listed(f"{row['name']} ({row['lift']:.1f} ×)" for _, row in rows.head(2).iterrows())
        told.append((context.set_words(str(name)), first))
    if not told:
        return "There is no ranking of families."
    if len(told) == 1:
        return f"The most important families are {told[0][1]}."
    return f"Most important families: {'; '.join(f'{name} {first}' for name, first in told)}."


def _table(context: Context, method: str, level: str) -> Table | None:
    ranking = context.rankings(method, level=level)
    if ranking is None:
        return None
    columns = {key: text for key, text in _COLUMNS.items() if level != "family" or key != "in_words"}
    return Table(
        f"{level}-{method}",
        f"{_PLURAL[level]} by {words.method(method)}, {context.set_words(context.language_set)}",
        ranking,
        columns,
        rows=30,
    )
