"""One part per emotion: its leading features, those that the languages share, and how they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.report import drawn, words
from analyses.report.blocks import Block, Fold, Notice, Paragraph, Section, Table
from analyses.report.context import Context
from analyses.report.files import slug
from analyses.report.sections.shared import shared_names

if TYPE_CHECKING:
    import pandas as pd

ORDER = 80


def section(context: Context) -> Section:
    """Return the section."""
    title, anchor = "Emotion by emotion", "emotions"
    method = context.main_method
    parts = (
        [one for emotion in context.emotions if (one := _part(context, emotion, method)) is not None]
        if method
        else []
    )
    if not parts:
        reason = (
            context.why_missing("rankings/attention")
            or "No utterance of this run has an emotion label with a ranking."
        )
        return Section(title, anchor, [Notice(reason, "missing", context.command("explain"))])
    blocks: list[Block] = [
        Paragraph(
            "Each emotion has its own list, made from its test utterances alone: fewer utterances, so "
            "more chance in it. An arrow "
            "says whether the feature is higher (↑) or lower (↓) with the emotion than with the "
            "others, where a method knows."
        ),
        *drawn.emotions(context),
        *parts,
    ]
    return Section(title, anchor, blocks)


def emotion_table(context: Context, emotion: str, method: str) -> pd.DataFrame | None:
    """Return the leading features of an emotion by a method, with the ranks of the single languages."""
    ranking = context.rankings(method, part_kind="emotion", part=emotion)
    if ranking is None:
        return None
    frame = ranking.head(context.top)[
        ["rank", "name", "in_words", "family", "lift", "mean_rank", "sd_rank", "direction"]
    ].copy()
    for language, name in context.alone.items():
        other = context.rankings(method, language_set=name, part_kind="emotion", part=emotion)
        if other is not None:
            frame[f"rank_{language}"] = frame["name"].map(other.set_index("name")["rank"])
    effects = context.table(
        "effects", emotion=emotion, contrast="rest", language="all", name=list(frame["name"])
    )
    if effects is not None and len(effects):
        frame["hedges_g"] = frame["name"].map(effects.drop_duplicates("name").set_index("name")["hedges_g"])
    frame["shared"] = frame["name"].isin(shared_names(context, method, emotion))
    return frame


def _part(context: Context, emotion: str, method: str) -> Fold | None:
    frame = emotion_table(context, emotion, method)
    if frame is None or frame.empty:
        return None
    shared = shared_names(context, method, emotion)
    labels = frame.set_index("name")["in_words"]
    known = [str(labels[name]) for name in shared if name in labels.index]
    told = (
        f"Shared by all languages: {'; '.join(known)}."
        if known
        else "No feature of the first places is shared by all languages."
    )
    columns = {"rank": "rank", "in_words": "feature, in words", "family": "family", "lift": "weight"}
    shown = frame.copy()
    if "hedges_g" in frame:
        shown["way"] = [_arrow(value) + f" {words.number(value)}" for value in frame["hedges_g"]]
        columns["way"] = "effect (Hedges' g)"
    elif frame["direction"].notna().any():
        shown["way"] = [_arrow(value) for value in frame["direction"]]
        columns["way"] = "direction in the model"
    columns |= {
        f"rank_{tag}": f"rank in {words.language(tag)} alone"
        for tag in context.alone
        if f"rank_{tag}" in frame
    }
    columns["shared"] = "shared"
    number = int((context.run.utterances["emotion"] == emotion).sum())
    blocks: list[Block] = [
        Paragraph(f"{words.counted(number, 'utterance')}. {told}"),
        Table(
            f"emotion-{slug(emotion)}",
            f"{emotion.capitalize()}: first features by {words.method(method)}",
            frame,
            columns,
            shown=shown,
        ),
    ]
    return Fold(emotion.capitalize(), blocks)


def _arrow(value: float) -> str:
    return "" if value != value or value == 0 else "↑" if value > 0 else "↓"
