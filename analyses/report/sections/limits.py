"""What this report cannot say, in plain language."""

from __future__ import annotations

from analyses.report import words
from analyses.report.blocks import Block, Notice, Points, Section, Terms
from analyses.report.context import ATTENTION, Context
from msfl.results import training_notes

ORDER = 150


def section(context: Context) -> Section:
    """Return the section."""
    blocks: list[Block] = [Terms(truths(context)), Points(further(context))]
    if not context.run.manifest.protocol.speaker_independent:
        blocks.insert(
            0,
            Notice(
                "The same speakers are in training and test of this run. Do not set its scores beside "
                "those of unknown speakers."
            ),
        )
    return Section("What this report cannot say", "limits", blocks)


def truths(context: Context) -> dict[str, str]:
    """Return the three things that every such study has to say of itself."""
    protocol = context.run.manifest.protocol
    return {
        "The split decides the number": (
            f"These scores hold for {protocol.title} and this normalisation. With another protocol they "
            "are other numbers: a random split of the same recordings gives far higher ones, because the "
            "model has heard the speakers."
        ),
        "Language, corpus and recording chain are one thing": (
            "Where each language comes from one corpus, a difference between two languages may be a "
            "difference between two microphones, two groups of actors or two instructions. What all "
            "corpora share is the safer finding; what sets them apart is not a finding about languages."
        ),
        "Attention alone explains nothing": (
            "Attention says where a network looked. Whether it decided by that is another question, and "
            "other methods and tests have to answer it."
        ),
    }


def further(context: Context) -> list[str]:
    """Return the other limits of this run."""
    run = context.run
    speakers = int(run.utterances["speaker"].nunique())
    kinds = sorted(run.utterances["naturalness"].dropna().unique())
    told = [
        "Important to a model is not the same as used by listeners: nothing here was tested with people.",
        "Related features stand in for each other. That one of them is high and its sister low is "
        "often luck; read families before features.",
        f"Everything rests on {words.counted(speakers, 'speaker')}. Intervals over speakers say how "
        "much that matters; with fewer than about ten "
        "speakers they are too short.",
    ]
    if "acted" in kinds:
        told.append(
            "Acted emotion is clearer and more alike than emotion in everyday speech; what is found "
            "here need not hold there."
        )
    if run.manifest.data.synthetic:
        told.append("The speech is synthetic: nothing about people or languages follows.")
    if run.labelled < 1:
        told.append(
            f"The models have seen {100 * run.labelled:.3g} % of the labels of the training part: with more labels, "
            "scores and rankings would be others."
        )
    told += training_notes(run)
    if context.methods in ((), (ATTENTION,)):
        told.append(
            "Only attention was looked at: take the lists as questions for the other methods, not as "
            "findings."
        )
    if len({(job.fold, job.seed) for job in run.jobs}) < 2:
        told.append("There is a single fold and seed: nothing can be said about how steady the rankings are.")
    elif len({job.seed for job in run.jobs}) < 2:
        told.append(
            "There is a single seed: how much depends on the random start of the network was not tried."
        )
    return told
