"""The model card of a run (Mitchell et al. 2019) as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from analyses.report import cells, findings, references, words
from analyses.report.blocks import Table
from analyses.report.sections import data, limits, methods, scores

if TYPE_CHECKING:
    from analyses.report.context import Context

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
LICENCE = (
    "The code of msfl is under the MIT licence. openSMILE is not: audEERING's licence allows research "
    "and private use and forbids commercial products, and "
    "it covers what is derived from its output, so these models too. The corpora have terms of their own."
)


def plain(text: object) -> str:
    """Return a text that Markdown shows as it is: names come from run folders of others."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def model_card(context: Context) -> str:
    """Return the model card: what it is for, data, scores, what was found, limits, licences, references."""
    run = context.run
    comparison = context.comparison
    tables = [
        ("Data", Table("corpora", "", data.corpora(run.utterances), data.CORPORA)),
        *([("Scores", scores.scores_table(context, comparison))] if comparison is not None else []),
    ]
    parts = [f"# Model card: {plain(run.manifest.name)}", "", plain(run.title()), ""]
    if run.manifest.data.synthetic:
        parts += ["**Synthetic speech: nothing about people or languages follows from these models.**", ""]
    parts += ["## Intended use", "", *_points(_use(context)), ""]
    parts += ["## What was done", "", *(f"{plain(text)}\n" for text in methods.paragraphs(context))]
    for title, table in tables:
        parts += [f"## {title}", "", *_table(table), ""]
        if table.note:
            parts += [plain(table.note), ""]
    parts += [
        "## What was found",
        "",
        *_points(sentence for make in findings.ALL for sentence in make(context)),
        "",
    ]
    verdicts = [text for method in context.both if (text := findings.verdict(context, method))]
    parts += _points(verdicts) + ([""] if verdicts else [])
    told = [
        *run.manifest.warnings,
        *(f"{key}. {text}" for key, text in limits.truths(context).items()),
        *limits.further(context),
    ]
    parts += ["## Limits", "", *_points(told), ""]
    parts += ["## Licences", "", LICENCE, ""]
    parts += ["## References", "", *_points(references.of(context))]
    return "\n".join(parts).rstrip() + "\n"


def _use(context: Context) -> Sequence[str]:
    return [
        "For research: which acoustic features go with emotion in "
        f"{words.languages(context.languages)}, and which of them the languages share.",
        "Not for decisions about people. Emotion recognised from speech is uncertain, depends on "
        "language, recording and speaker, and "
        "an acted emotion is not a felt one.",
        "Not for other languages, recording conditions or emotions than those below without a test of "
        "one's own.",
    ]


def _points(texts: Iterable[str]) -> list[str]:
    return [f"- {plain(text)}" for text in texts]


def _table(table: Table) -> list[str]:
    frame = table.visible
    names = [str(name) for name in frame.columns]
    rows = [
        [plain(cells.written(value, name)) for name, value in zip(names, row, strict=True)]
        for row in frame.itertuples(index=False, name=None)
    ]
    lines = [list(map(plain, table.headings)), ["---"] * len(names), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
