"""A section whose table was not computed."""

from __future__ import annotations

from analyses.report.blocks import Notice, Paragraph, Section
from analyses.report.context import Context


def absent(context: Context, title: str, anchor: str, table: str, purpose: str) -> Section:
    """Return a section that says what would stand here, why it does not, and the command that computes it.

    Args:
        context: The context.
        title: Title of the section.
        anchor: Its address.
        table: The table that is missing, see docs/explanations.md.
        purpose: What it would answer, in a sentence.
    """
    reason = context.why_missing(table)
    if context.explanations is None:
        reason = "`msfl explain` has not been run on this run folder, or what it wrote cannot be read."
    return Section(
        title,
        anchor,
        [Paragraph(purpose), Notice(reason.replace("`", ""), "missing", context.command("explain"))],
    )
