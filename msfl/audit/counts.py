"""Counting: how many utterances there are of each label, speaker, recording format and duration."""

from __future__ import annotations

import pandas as pd

COUNTED = ("language", "emotion", "gender", "naturalness")
MISSING = "(missing)"
"""Stands in the tables of counts where the label is missing."""


def label_counts(table: pd.DataFrame) -> pd.DataFrame:
    """Count utterances per corpus and value of each label in `COUNTED`.

    Returns:
        Columns corpus, label, value, utterances, speakers; missing labels are counted as `MISSING`.
    """
    parts = []
    for label in COUNTED:
        values = table[label].astype("string").fillna(MISSING).rename("value")
        grouped = table.groupby([table["corpus"], values])["speaker"]
        part = pd.DataFrame({"utterances": grouped.size(), "speakers": grouped.nunique()}).reset_index()
        part.insert(1, "label", label)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def emotions_by(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Cross-tabulate emotion with another column.

    Returns:
        Columns emotion, then one per value of `column`: number of utterances; the most widespread emotion
        first.
    """
    emotion = table["emotion"].astype("string").fillna(MISSING)
    crossed = pd.crosstab(emotion, table[column].astype("string").fillna(MISSING))
    spread = dict(zip(crossed.index, (crossed > 0).sum(axis=1), strict=True))
    crossed = crossed.loc[sorted(spread, key=lambda name: (name == MISSING, -spread[name], name))]
    crossed.columns = pd.Index([str(value) for value in crossed.columns])
    return crossed.rename_axis("emotion").reset_index()


def speaker_counts(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Count speakers, and how many utterances they have, per corpus or per language.

    Args:
        table: Utterance table.
        by: ``corpus`` or ``language``.

    Returns:
        Columns `by`, utterances, speakers, female, male, unknown_speaker (utterances without a speaker), and
        least, median, most (utterances per speaker).
    """
    rows = []
    for value, part in table.groupby(by):
        sizes = part["speaker"].dropna().value_counts()
        genders = part.dropna(subset=["speaker"]).drop_duplicates("speaker")["gender"]
        rows.append(
            {
                by: value,
                "utterances": len(part),
                "speakers": len(sizes),
                "female": int((genders == "female").sum()),
                "male": int((genders == "male").sum()),
                "unknown_speaker": int(part["speaker"].isna().sum()),
                "least": int(sizes.min()) if len(sizes) else 0,
                "median": float(sizes.median()) if len(sizes) else 0.0,
                "most": int(sizes.max()) if len(sizes) else 0,
            }
        )
    return pd.DataFrame(rows)


def concentration(table: pd.DataFrame) -> pd.DataFrame:
    """Say, per corpus, how far the speaker gives the emotion away, and how few speakers make up the corpus.

    Returns:
        Columns corpus, utterances (with speaker and emotion), speakers, one_emotion_only (speakers that occur
        with one emotion), largest (number of speakers counted in the next column, five at most),
        largest_utterances.
    """
    rows = []
    for corpus, part in table.dropna(subset=["speaker", "emotion"]).groupby("corpus"):
        emotions = part.groupby("speaker")["emotion"].nunique()
        largest = part["speaker"].value_counts().head(5)
        rows.append(
            {
                "corpus": corpus,
                "utterances": len(part),
                "speakers": len(emotions),
                "one_emotion_only": int((emotions == 1).sum()),
                "largest": len(largest),
                "largest_utterances": int(largest.sum()),
            }
        )
    columns = ["corpus", "utterances", "speakers", "one_emotion_only", "largest", "largest_utterances"]
    return pd.DataFrame(rows, columns=columns)


def formats(table: pd.DataFrame) -> pd.DataFrame:
    """Count utterances per corpus, language and recording format.

    Returns:
        Columns corpus, language, sampling_rate (Hz), channels, encoding, utterances.
    """
    keys = ["corpus", "language", "sampling_rate", "channels", "encoding"]
    known = table.dropna(subset=["sampling_rate"])
    return known.groupby(keys, dropna=False).size().rename("utterances").reset_index()


def durations(table: pd.DataFrame) -> pd.DataFrame:
    """Describe the durations of each corpus.

    Returns:
        Columns corpus, utterances (with a known duration), minutes (in all), shortest, median, longest
        (seconds).
    """
    known = table.dropna(subset=["duration"])
    grouped = known.groupby("corpus")["duration"]
    described = pd.DataFrame(
        {
            "utterances": grouped.size(),
            "minutes": grouped.sum() / 60,
            "shortest": grouped.min(),
            "median": grouped.median(),
            "longest": grouped.max(),
        }
    )
    return described.rename_axis("corpus").reset_index()
