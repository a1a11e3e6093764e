"""How well the emotions are recognised: every system with its interval, beside the baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.report import drawn, findings, words
from analyses.report.blocks import Block, Fold, Notice, Paragraph, Section, Table
from analyses.report.context import Context

if TYPE_CHECKING:
    import pandas as pd

    from msfl.results import Comparison

ORDER = 40


def section(context: Context) -> Section:
    """Return the section."""
    comparison = context.comparison
    if comparison is None:
        text = (
            "The run has no scores: its training did not come to an end. Repeating the training continues it."
        )
        return Section("Recognition", "scores", [Notice(text, "missing", "msfl train EXPERIMENT")])
    blocks: list[Block] = [
        Paragraph(" ".join(findings.scores(context)), lead=True),
        Paragraph(
            "A ranking of features is worth as much as the model behind it: what a model that hardly "
            "recognises anything finds "
            "important says little. The protocol decides the number: with the same speakers in "
            "training and test, scores "
            "would be far higher and would mean something else."
        ),
        *drawn.scores(context),
        scores_table(context, comparison),
        *_differences(context),
        *_recalls(context),
    ]
    return Section("How well the emotions are recognised", "scores", blocks)


def scores_table(context: Context, comparison: Comparison) -> Table:
    """Return the table of scores; `shown` has one column per corpus, with intervals."""
    import pandas as pd

    frame = pd.DataFrame(comparison.records())
    shown = pd.DataFrame(
        [
            {
                "trained": context.set_words(row.language_set),
                "model": words.model(row.model),
                "seeds": row.seeds,
                **{
                    column: words.with_interval(
                        row.scores[column].value, row.scores[column].low, row.scores[column].high
                    )
                    if column in row.scores
                    else words.NONE
                    for column in comparison.columns
                },
            }
            for row in comparison.rows
        ]
    )
    headings = {"trained": "trained on", "model": "model", "seeds": "seeds"}
    headings |= {column: context.group_words(column) for column in comparison.columns}
    return Table(
        "scores",
        "Unweighted average recall (UAR) [95 % interval over speakers]",
        frame,
        headings,
        shown=shown,
        note=comparison.title,
        latex=True,
    )


def _differences(context: Context) -> list[Block]:
    frame = context.differences
    if frame is None:
        return []
    shown = frame.assign(
        system=[_named(context, text) for text in frame["system"]],
        against=[_named(context, text) for text in frame["against"]],
        difference=[
            words.with_interval(row[0], row[1], row[2], digits=3)
            for row in frame[["difference", "low", "high"]].itertuples(index=False)
        ],
    )
    columns = {
        "system": "system",
        "against": "best baseline",
        "group": "corpus",
        "difference": "difference of UAR",
        "p": "P",
    }
    return [
        Table(
            "differences",
            "Every system against the best baseline, on the same utterances",
            frame,
            columns,
            shown=shown,
            folded=True,
            note="Paired over speakers; P by flipping the sign of each speaker's difference.",
        )
    ]


def _named(context: Context, text: str) -> str:
    """Return ``MODEL@SET`` in words."""
    model, _, rest = str(text).partition("@")
    name, _, ensemble = rest.partition(":")
    return f"{words.model(model)}, {context.set_words(name)}{', ' + ensemble if ensemble else ''}"


def _recalls(context: Context) -> list[Block]:
    """Return the share of each emotion that is recognised, by the models of `findings.MULTITASK`."""
    frame = recalls(context)
    if frame.empty:
        return []
    groups = [name for name in frame.columns if name != "emotion"]
    note = (
        "The share of the utterances of each emotion that the multilingual model recognises; guessing "
        "would give the same small share everywhere."
    )
    return [
        Fold(
            "Each emotion by itself",
            [
                Table(
                    "recalls",
                    "Recall of each emotion",
                    frame,
                    {"emotion": "emotion"} | {g: context.group_words(g) for g in groups},
                    note=note,
                )
            ],
        )
    ]


def recalls(context: Context) -> pd.DataFrame:
    """Return emotion x corpus (or language): recall of MSFL, or the first model, trained on all; mean over seeds."""
    import pandas as pd

    models = list(dict.fromkeys(job.model for job in context.run.jobs if job.status == "done"))
    if not models:
        return pd.DataFrame()
    chosen = findings.MULTITASK if findings.MULTITASK in models else models[0]
    rows = context.run.predictions
    rows = rows[
        (rows["task"] == "emotion")
        & (rows["model"] == chosen)
        & (rows["language_set"] == context.language_set)
    ]
    rows = rows.dropna(subset=["truth"])
    if rows.empty:
        return pd.DataFrame()
    columns = context.comparison.columns if context.comparison else ()
    level = "language" if set(columns) & set(rows["language"]) else "corpus"
    right = (rows["truth"] == rows["predicted"]).astype(float)
    table = right.groupby([rows["truth"].astype(str), rows[level].astype(str)]).mean().unstack()
    return table.rename_axis(columns=None).rename_axis("emotion").reset_index()
