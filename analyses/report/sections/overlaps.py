"""What the lists have in common: from the languages alone to all languages, beside chance."""

from __future__ import annotations

from analyses.report import drawn, words
from analyses.report.blocks import Block, Notice, Paragraph, Section, Table
from analyses.report.context import Context

ORDER = 60
_CHANCE = {
    "exact": "lists drawn at random",
    "random lists": "lists drawn at random",
    "permutation": "lists shifted along the order of the features",
}
_NOTHING = (
    "There are no models of single languages whose lists could be compared. Monolingual language sets in the "
    'experiment (language_sets = "monolingual+all") train them.'
)
_COLUMNS = {
    "method": "ranking",
    "lists": "top lists of",
    "counted": "what is counted",
    "k": "length of each list",
    "observed": "in common",
    "expected": "by chance",
    "p_value": "P",
    "chance": "chance means",
    "common": "which",
}


def section(context: Context) -> Section | None:
    """Return the section; None where there is one language only."""
    if len(context.languages) < 2:
        return None
    title, anchor = "Where the languages agree", "overlaps"
    found = context.table("overlaps", part_kind="", level="feature", method=context.both)
    if found is None or found.empty:
        if not context.alone:
            return Section(title, anchor, [Notice(_NOTHING)])
        reason = context.why_missing("overlaps")
        return Section(title, anchor, [Notice(reason, "missing", context.command("explain"))])
    shown = found.assign(
        method=[words.method(str(name)) for name in found["method"]],
        lists=[_lists(context, str(text)) for text in found["lists"]],
        counted=[words.LEVELS.get(str(name), str(name)) for name in found["counted"]],
        chance=[_CHANCE.get(str(name), str(name)) for name in found["chance"]],
    )
    blocks: list[Block] = [
        Paragraph(
            "Two lists of ten out of many hundreds of features hardly ever share one by chance, and "
            "lists of contours or families "
            "often do: every overlap stands beside what chance alone gives. Related features make "
            "real lists overlap more than "
            "random ones, so that a small P alone does not prove sharing.",
        ),
        *drawn.bump(context),
        *drawn.upset(context),
        Table(
            "overlaps",
            "What the top lists have in common",
            found,
            _COLUMNS,
            shown=shown,
            rows=80,
            folded=len(found) > 12,
        ),
    ]
    return Section(title, anchor, blocks)


def _lists(context: Context, text: str) -> str:
    """Return ``all & de alone`` in words."""
    parts = []
    for name in text.split(" & "):
        tag = name.removesuffix(" alone")
        if name.endswith(" alone") and tag in context.languages:
            parts.append(f"{words.language(tag)} alone")
        else:
            parts.append("all languages" if name == context.language_set else name)
    return words.listed(parts)
