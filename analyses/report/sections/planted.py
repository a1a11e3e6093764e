"""Synthetic speech only: every method against what was planted in it."""

from __future__ import annotations

from analyses.report import findings, words
from analyses.report.absent import absent
from analyses.report.blocks import Block, Paragraph, Section, Table
from analyses.report.context import Context

ORDER = 140
_PURPOSE = (
    "In synthetic speech we know which features carry emotion, because we put it there: so it shows "
    "which method to believe."
)


def section(context: Context) -> Section | None:
    """Return the section; None for real speech."""
    if not context.run.manifest.data.synthetic:
        return None
    title, anchor = "Against what was planted", "planted"
    found = context.table("planted")
    if found is None or found.empty:
        return absent(context, title, anchor, "planted", _PURPOSE)
    main = found[found["language_set"] == context.language_set]
    shown = main.assign(
        method=[words.method(str(name)) for name in main["method"]],
        level=[words.LEVELS.get(str(name), str(name)) for name in main["level"]],
        where=["all languages" if name == "all" else words.language(str(name)) for name in main["where"]],
    )
    columns = {
        "where": "planted in",
        "level": "level",
        "method": "ranking",
        "k": "first places",
        "precision": "share that was planted",
        "chance": "by chance",
        "average_precision": "average precision",
    }
    blocks: list[Block] = [
        Paragraph(" ".join([_PURPOSE, *findings.planted(context)]), lead=True),
        Table(
            "planted",
            "What was planted, in the lists of each method",
            found,
            columns,
            shown=shown,
            rows=100,
            folded=len(main) > 15,
        ),
    ]
    return Section(title, anchor, blocks)
