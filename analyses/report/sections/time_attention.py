"""Which part of the utterances each task listened to, for models with attention over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.report import words
from analyses.report.blocks import Block, Figure, Fold, Notice, Paragraph, Section
from analyses.report.context import Context

if TYPE_CHECKING:
    import pandas as pd

ORDER = 95
_MARKED = 1.25
"""From so many times even attention on, a part of the utterance is said to be preferred."""
_COLUMNS = {
    "task": "task",
    "language": "language",
    "place": "% of the utterance",
    "mean": "mean",
    "low": "lower quartile",
    "high": "upper quartile",
    "utterances": "utterances",
}


def section(context: Context) -> Section | None:
    """Return the section; None where no model attends to time."""
    models = context.run.models_over_time(context.language_set)
    if not models:
        return None
    made: list[list[Block]] = [_model(context, model) for model in models]
    blocks: list[Block] = [
        Paragraph(
            "Some models weigh the time steps of an utterance, each task by itself: this is where they listened, "
            "averaged over the test utterances.",
            lead=True,
        ),
        Notice(
            "Attention is not an explanation by itself. These models read a recording from its beginning, so a step "
            "knows all that came before it: weight near the end may be weight on the whole utterance. And a part that "
            "has weight need not have changed the answer."
        ),
        *made[0],
    ]
    blocks += [Fold(words.model(model), own) for model, own in zip(models[1:], made[1:], strict=True)]
    return Section("Which part of the utterance each task listened to", "time-attention", blocks)


def _model(context: Context, model: str) -> list[Block]:
    from analyses.figures import time_attention as plot
    from analyses.time_attention import concentrations, profiles

    table = context.run.time_attention(language_set=context.language_set, model=model)
    found = profiles(table)
    name = "".join(letter if letter.isalnum() else "-" for letter in model.lower())
    return [
        Figure(
            f"time-attention-{name}",
            f"Attention over time, {words.model(model)}",
            plot.how_to_read(),
            plot.figure(found, named=words.language),
            found,
            _COLUMNS,
        ),
        Paragraph(_sentences(found, concentrations(table))),
    ]


def _sentences(profiles: pd.DataFrame, shares: pd.DataFrame) -> str:
    """Say for every task where its attention is highest, and how concentrated it is."""
    said = []
    for task, group in profiles.groupby("task", sort=True):
        weight = group["mean"] * group["utterances"]
        mean = weight.groupby(group["place"]).sum() / group["utterances"].groupby(group["place"]).sum()
        own = shares[shares["task"] == task]
        share = float((own["mean"] * own["utterances"]).sum() / own["utterances"].sum())
        highest = float(mean.max())
        where = (
            f"is heard most at {float(mean.index[int(mean.argmax())]):.0f} % of the utterance "
            f"({highest:.1f} times even attention)"
            if highest >= _MARKED
            else f"prefers no part of the utterance on average (at most {highest:.1f} times even attention)"
        )
        said.append(
            f"{str(task).capitalize()} {where}; within an utterance, half of its attention lies on "
            f"{100 * share:.0f} % of the time."
        )
    return " ".join([*said, "With even attention it would be 50 %."])
