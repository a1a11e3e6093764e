"""The utterance table: one row per recording, the same columns for every corpus. See `docs/contracts.md`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from msfl.corpora import labels
from msfl.errors import DataError

INDEX = "utterance"
REQUIRED = ("file", "corpus", "language")
RATINGS = ("arousal", "valence", "dominance")
LEVELS = tuple(f"{rating}_level" for rating in RATINGS)
DTYPES = {
    "file": "string",
    "corpus": "string",
    "language": "string",
    "speaker": "string",
    "gender": "string",
    "emotion": "string",
    "emotion_original": "string",
    **dict.fromkeys(RATINGS, "float64"),
    **dict.fromkeys(LEVELS, "string"),
    "levels_source": "string",
    "naturalness": "string",
    "text": "string",
    "duration": "float64",
    "sampling_rate": "Int64",
    "channels": "Int64",
    "encoding": "string",
}
"""Column -> pandas type, in the order of the table."""
COLUMNS = tuple(DTYPES)

VALUES = {
    "gender": ("female", "male", "other"),
    "naturalness": ("acted", "elicited", "spontaneous", "synthetic"),
    "levels_source": ("rated", "mapped"),
    **dict.fromkeys(LEVELS, labels.LEVELS),
}
"""Columns with a closed set of values."""

_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """What a corpus says of one recording; None where it says nothing.

    Attributes:
        file: The recording.
        key: What makes it unique in its corpus, usually the stem of the file; the id becomes ``corpus/key``.
        speaker: The speaker's name within the corpus; a name with a slash is an id that is unique already.
        gender: ``female``, ``male`` or ``other``.
        emotion: Harmonised emotion.
        emotion_original: The label as the corpus writes it.
        arousal: Rating, 1 to 5.
        valence: Rating, 1 to 5.
        dominance: Rating, 1 to 5.
        text: The sentence or its code; equal text, equal value.
        language: Where it differs from the corpus' language.
        naturalness: Where it differs from the corpus' naturalness.
        corpus: Where one source holds several corpora.
    """

    file: Path
    key: str
    speaker: str | None = None
    gender: str | None = None
    emotion: str | None = None
    emotion_original: str | None = None
    arousal: float | None = None
    valence: float | None = None
    dominance: float | None = None
    text: str | None = None
    language: str | None = None
    naturalness: str | None = None
    corpus: str | None = None


def from_records(
    records: Iterable[Record], *, corpus: str, language: str | None = None, naturalness: str | None = None
) -> pd.DataFrame:
    """Build the table of one corpus: ids and speakers get the corpus' label, levels are cut or mapped.

    Args:
        records: The recordings, in any order; the table is sorted by id.
        corpus: Label of the corpus.
        language: BCP 47 tag of recordings that name none of their own.
        naturalness: Naturalness of recordings that name none of their own.

    Raises:
        DataError: There is no record, or a value is not what the contract allows.
    """
    rows = [_row(record, record.corpus or corpus, language, naturalness) for record in records]
    if not rows:
        raise DataError(f"The corpus '{corpus}' has no recordings.")
    return validate(pd.DataFrame(rows).set_index(INDEX).sort_index())


def _row(record: Record, corpus: str, language: str | None, naturalness: str | None) -> dict[str, object]:
    speaker = record.speaker
    if speaker is not None and "/" not in speaker:
        speaker = f"{corpus}/{speaker}"
    row: dict[str, object] = {
        INDEX: f"{corpus}/{record.key}",
        # Without "..", so that one recording has one name; links stay, people lay out corpora with them.
        "file": os.path.abspath(record.file),  # noqa: PTH100
        "corpus": corpus,
        "language": record.language or language,
        "speaker": speaker,
        "gender": record.gender,
        "emotion": record.emotion,
        "emotion_original": record.emotion_original,
        "naturalness": record.naturalness or naturalness,
        "text": record.text,
    }
    return row | _levels(record)


def _levels(record: Record) -> dict[str, object]:
    """Return ratings, levels and where the levels come from: rated where there is a rating, else mapped."""
    ratings = {name: getattr(record, name) for name in RATINGS}
    try:
        levels = {f"{name}_level": labels.level_from_rating(rating) for name, rating in ratings.items()}
    except DataError as error:
        raise DataError(f"'{record.file}': {error}") from error
    source = "rated"
    if not any(levels.values()):
        levels["arousal_level"] = labels.AROUSAL.get(record.emotion or "")
        levels["valence_level"] = labels.VALENCE.get(record.emotion or "")
        source = "mapped"
    return {**ratings, **levels, "levels_source": source if any(levels.values()) else None}


def validate(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its types cast; absent columns are added as missing, further ones kept.

    The index may also come as a column `utterance`.

    Raises:
        DataError: A required column or value is missing, an id occurs twice, or a value is not allowed.
    """
    if frame.index.name != INDEX and INDEX in frame.columns:
        frame = frame.set_index(INDEX)
    for column in REQUIRED:
        if column not in frame.columns:
            raise DataError(
                f"The utterance table has no column '{column}'; it has {', '.join(map(str, frame.columns))}."
            )
    table = frame.reindex(columns=[*COLUMNS, *(c for c in frame.columns if c not in DTYPES)])
    for column, dtype in DTYPES.items():
        table[column] = _cast(table[column], dtype)
    table.index = pd.Index([str(key) for key in table.index], name=INDEX, dtype="str")
    _check_ids(table)
    _check_values(table)
    table["language"] = table["language"].map(_canonical).astype("string")
    return table


def merge(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of several corpora.

    Raises:
        DataError: Two of them claim one corpus label, one speaker, one file or one utterance id.
    """
    if not frames:
        raise DataError("There is no corpus to read; name at least one, such as emodb=PATH.")
    tables = [validate(frame) for frame in frames]
    _refuse(
        tables, "corpus", "Two corpora have the label '{0}'; give one of them another: reader:LABEL=PATH."
    )
    _refuse(
        tables,
        "speaker",
        "The corpora '{1}' and '{2}' both claim the speaker '{0}'; if they are two people, rename one, "
        "if they are one, put the recordings into one corpus: no speaker may be on both sides of a split.",
    )
    _refuse(tables, "file", "The recording '{0}' is in both corpora '{1}' and '{2}'; leave one of them out.")
    return validate(pd.concat(tables))


def _refuse(tables: list[pd.DataFrame], column: str, sentence: str) -> None:
    """Raise the sentence, filled with the value and the two corpora, if a value stands in two tables."""
    owner: dict[str, str] = {}
    for table in tables:
        values = table[[column, "corpus"]].dropna().drop_duplicates(column)
        pairs = [(str(value), str(corpus)) for value, corpus in values.to_numpy()]
        for value, corpus in pairs:
            if value in owner:
                raise DataError(sentence.format(value, owner[value], corpus))
        owner.update(pairs)


def _cast(values: pd.Series, dtype: str) -> pd.Series:
    try:
        return values.astype(pd.api.types.pandas_dtype(dtype))
    except (ValueError, TypeError) as error:
        raise DataError(
            f"The column '{values.name}' of the utterance table is not of type {dtype}: {error}."
        ) from error


def _check_ids(table: pd.DataFrame) -> None:
    doubled = table.index[table.index.duplicated()]
    if len(doubled):
        files = table.loc[[doubled[0]], "file"].tolist()
        raise DataError(
            f"{len(doubled)} utterance ids occur more than once, first '{doubled[0]}' "
            f"(files {', '.join(map(str, files[:2]))}); ids must be unique."
        )
    for column in REQUIRED:
        missing = table.index[table[column].isna()]
        if len(missing):
            raise DataError(f"{len(missing)} utterances have no {column}, first '{missing[0]}'.")
    for key, corpus in zip(table.index, table["corpus"], strict=True):
        if not key.startswith(f"{corpus}/"):
            raise DataError(f"The utterance id '{key}' does not begin with its corpus, '{corpus}/'.")


def _check_values(table: pd.DataFrame) -> None:
    for column, allowed in VALUES.items():
        _refuse_rows(
            table, column, table[column].notna() & ~table[column].isin(allowed), " or ".join(allowed)
        )
    for column in RATINGS:
        _refuse_rows(
            table, column, table[column].notna() & ~table[column].between(1, 5), "a rating from 1 to 5"
        )
    wrong = ~table["language"].map(lambda tag: _TAG.fullmatch(tag) is not None).astype(bool)
    _refuse_rows(table, "language", wrong, "a BCP 47 tag such as de or en-US")
    owners = table[["speaker", "corpus"]].dropna().drop_duplicates()
    shared = owners[owners["speaker"].duplicated()]
    if len(shared):
        speaker = shared["speaker"].iloc[0]
        names = owners.loc[owners["speaker"] == speaker, "corpus"].tolist()
        raise DataError(f"The corpora {' and '.join(map(repr, names))} both claim the speaker '{speaker}'.")


def _refuse_rows(table: pd.DataFrame, column: str, wrong: pd.Series, expected: str) -> None:
    if wrong.any():
        key = table.index[wrong.to_numpy()][0]
        raise DataError(f"The {column} '{table.loc[key, column]}' of utterance '{key}' is not {expected}.")


def _canonical(tag: str) -> str:
    """Return a language tag in the recommended case: ``de``, ``en-US``, ``zh-Hant``."""
    first, *rest = tag.split("-")
    return "-".join(
        [
            first.lower(),
            *(r.upper() if len(r) == 2 else r.title() if len(r) == 4 else r.lower() for r in rest),
        ]
    )
