"""In short: what the rest of the report says, for a reader with one minute."""

from __future__ import annotations

from analyses.report import findings, words
from analyses.report.blocks import Block, Notice, Paragraph, Points, Section
from analyses.report.context import ATTENTION, Context

ORDER = 10


def section(context: Context) -> Section:
    """Return the section."""
    run = context.run
    utterances = run.utterances
    blocks: list[Block] = [
        Paragraph(
            f"{words.counted(len(utterances), 'utterance')} of "
            f"{words.counted(utterances['speaker'].nunique(), 'speaker')} in "
            f"{words.languages(context.languages)}; "
            f"{words.counted(run.manifest.features.count, 'acoustic feature')} of each; tested "
            f"{run.manifest.protocol.title}.",
            lead=True,
        ),
        Points([sentence for make in findings.ALL for sentence in make(context)]),
    ]
    verdict = findings.verdict(context, context.main_method)
    if verdict is not None:
        blocks.append(Notice(verdict, "verdict"))
    if context.methods in ((), (ATTENTION,)):
        blocks.append(
            Notice(
                "This report rests on attention alone, and attention alone explains nothing: it says "
                "where a network "
                "looked, not why it decided. The command below adds other methods (SHAP, Owen values, "
                "permutation, "
                "the linear model), their consensus, effect sizes without any model, and the tests "
                "that say which "
                f"ranking can be believed. {context.unexplained}".strip(),
                "missing",
                context.command("explain"),
            )
        )
    return Section("In short", "summary", blocks)
