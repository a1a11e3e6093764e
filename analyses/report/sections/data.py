"""The data card: how much speech of whom, and what a reviewer would ask about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.report import words
from analyses.report.blocks import Block, Fold, Notice, Paragraph, Section, Table
from analyses.report.context import Context

if TYPE_CHECKING:
    import pandas as pd

ORDER = 30
_FEW = 4
CORPORA = {
    "corpus": "corpus",
    "language": "language",
    "naturalness": "kind of speech",
    "utterances": "utterances",
    "speakers": "speakers",
    "female": "women",
    "male": "men",
    "minutes": "minutes",
}
"""Columns of the table of corpora and their headings."""


def section(context: Context) -> Section:
    """Return the section."""
    run, table = context.run, context.run.utterances
    blocks: list[Block] = [Notice(text) for text in [*run.manifest.warnings, *_confounds(table)]]
    blocks += [
        Table("corpora", "The corpora", corpora(table), CORPORA),
        _emotions(table),
        Paragraph(
            "Labels are those of the corpora, harmonised. An emotion that one language lacks cannot "
            "be compared "
            "between the languages."
        ),
    ]
    failures = run.failures
    if len(failures):
        reasons = failures[["utterance", "reason"]]
        text = (
            f"{words.counted(len(failures), 'recording')} gave no features and "
            f"{'is' if len(failures) == 1 else 'are'} missing"
        )
        blocks += [
            Notice(f"{text}; the table says which and why."),
            Table("failures", "Missing recordings", reasons, folded=True),
        ]
    speakers = _crossed(table, ["corpus", "speaker", "gender"])
    blocks.append(
        Fold(
            "Every speaker",
            [Table("speakers", "Utterances of each speaker", speakers, rows=300)],
            printed=False,
        )
    )
    return Section("The data", "data", blocks)


def corpora(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per corpus and language: utterances, speakers, women, men, minutes, naturalness."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for (corpus, language), part in table.groupby(["corpus", "language"]):
        voices = part.drop_duplicates("speaker")["gender"].value_counts()
        rows.append(
            {
                "corpus": corpus,
                "language": words.language(str(language)),
                "naturalness": words.listed(sorted(part["naturalness"].dropna().unique())) or words.NONE,
                "utterances": len(part),
                "speakers": part["speaker"].nunique(),
                "female": int(voices.get("female", 0)),
                "male": int(voices.get("male", 0)),
                "minutes": part["duration"].sum(min_count=1) / 60,
            }
        )
    return pd.DataFrame(rows)


def _emotions(table: pd.DataFrame) -> Table:
    counts = _crossed(table, ["language", "corpus"])
    shown = counts.assign(language=[words.language(str(tag)) for tag in counts["language"]])
    return Table("emotions", "Utterances of each emotion", counts, shown=shown)


def _crossed(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return counts: one row per combination of the keys, one column per emotion, and their sum."""
    frame = table[[*keys, "emotion"]].astype("object").fillna("unknown")
    counts = frame.groupby([*keys, "emotion"]).size().unstack("emotion", fill_value=0)
    counts["all"] = counts.sum(axis=1)
    return counts.rename_axis(columns=None).reset_index()


def _confounds(table: pd.DataFrame) -> list[str]:
    """Say what cannot be told apart in these data."""
    found = []
    languages = table.groupby("language")["corpus"].nunique()
    if len(languages) > 1 and (languages == 1).all() and table["corpus"].nunique() > 1:
        found.append(
            "Each language comes from one corpus, so that language, corpus and recording chain (room, "
            "microphone, level, "
            "actors, instructions) are one and the same here. What all corpora share can be found; "
            "that a difference "
            "between two of them is a difference between the languages cannot."
        )
    kinds = table.dropna(subset=["naturalness"]).groupby("language")["naturalness"].agg(frozenset)
    if kinds.nunique() > 1:
        found.append(
            "The languages differ in the kind of speech (acted, elicited, spontaneous), which cannot "
            "be told from the language."
        )
    speakers = table.groupby("language")["speaker"].nunique()
    few = [f"{words.language(str(name))} ({count})" for name, count in speakers.items() if count < _FEW]
    if few:
        found.append(
            f"Few speakers: {words.listed(few)}. What is found there may be the habit of one of them."
        )
    emotions = table.dropna(subset=["emotion"]).groupby("language")["emotion"].agg(frozenset)
    if len(emotions) > 1 and emotions.nunique() > 1:
        common = sorted(frozenset.intersection(*emotions))
        found.append(
            f"Not every language has every emotion; all have {words.listed(common) or 'none in common'}."
        )
    unknown = int(table["speaker"].isna().sum())
    if unknown:
        found.append(f"The speaker of {words.counted(unknown, 'utterance')} is not known.")
    return found
