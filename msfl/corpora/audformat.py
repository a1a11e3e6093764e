"""A database in audEERING's audformat."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msfl.corpora import labels
from msfl.corpora.base import Found, Reader, warn
from msfl.corpora.manifest import GENDERS
from msfl.corpora.table import RATINGS, Record
from msfl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "emotion": ("emotion", "emotion.gold", "emotion.categories", "category", "label"),
    "speaker": ("speaker", "speaker_id"),
    "gender": ("gender", "sex"),
    "language": ("language",),
    "text": ("transcription", "transcript", "text", "sentence"),
    **{name: (name,) for name in RATINGS},
}
"""What we look for -> names of columns or of their schemes, best first."""

Values = Mapping[Hashable, Any]
"""File as the database names it -> value."""


def _load(path: Path) -> Any:
    import audformat

    if not (path / "db.yaml").is_file():
        raise DataError(
            f"'{path}' is not an audformat database: expected a folder with db.yaml and its tables."
        )
    try:
        return audformat.Database.load(str(path))
    except Exception as error:  # the library raises whatever YAML, CSV and Parquet readers raise
        raise DataError(f"The audformat database '{path}' cannot be read: {error}.") from error


def _file_values(column: pd.Series) -> pd.Series:
    """Return the values by file; a segmented column counts where every file has one segment."""
    values = column.dropna()
    if values.index.nlevels > 1:
        values.index = values.index.get_level_values("file")
        values = values[~values.index.duplicated(keep=False)]
    return values


def _columns(db: Any, name: str) -> list[Any]:
    """Return the columns of all tables that have this name or a scheme of this name."""
    return [
        column
        for table_id in sorted(db.tables)
        for column_id, column in db[table_id].columns.items()
        if name in (column_id, column.scheme_id)
    ]


def _values(db: Any, what: str) -> dict[Hashable, Any]:
    """Return file -> value: of the columns of that name, then of the metadata of the speakers' scheme."""
    values: dict[Hashable, Any] = {}
    for name in COLUMNS[what]:
        for column in _columns(db, name):
            values = {**_file_values(column.get()).to_dict(), **values}
        if values:
            break
    if what in ("gender", "language"):
        for column in _columns(db, "speaker"):
            try:
                mapped = column.get(map=what)
            except ValueError:
                continue  # the scheme's labels say nothing of it
            values = {**_file_values(mapped).to_dict(), **values}
    return values


def _tag(language: str) -> str:
    """Return the shortest code of a language, as BCP 47 wants it: audformat writes ``deu``, we ``de``."""
    from iso639 import Lang
    from iso639.exceptions import InvalidLanguageValue

    try:
        known = Lang(language)
    except InvalidLanguageValue:
        return language
    return str(known.pt1 or known.pt3)


def _language(db: Any, value: str | None) -> str | None:
    """Return the recording's own language, or that of the database where it has only one."""
    if value is not None:
        return _tag(str(value))
    return _tag(db.languages[0]) if len(db.languages) == 1 else None


def _optional(value: Any) -> str | None:
    return None if value is None else str(value)


def _emotion(own: Mapping[str, str], file: str, value: Any) -> str | None:
    if value is None:
        return None
    try:
        return labels.harmonise(str(value), own)
    except DataError as error:
        raise DataError(f"'{file}': {error}") from error


def _find(path: Path) -> Found:
    db = _load(path)
    values: dict[str, Values] = {what: _values(db, what) for what in COLUMNS}
    if not values["emotion"]:
        raise DataError(
            f"The audformat database '{path}' has no column for emotion with one value per file; looked for "
            f"the columns or schemes {', '.join(COLUMNS['emotion'])} in the tables "
            f"{', '.join(sorted(db.tables)) or '(none)'}."
        )
    own = labels.read_own(path)
    files = [str(file) for file in db.files]
    unlabelled = [file for file in files if file not in values["emotion"]]
    if unlabelled:
        warn(
            f"{len(unlabelled)} of {len(files)} files of '{path}' have no emotion, or several in segments, "
            f"first '{unlabelled[0]}'."
        )
    missing = [file for file in files if not (path / file).is_file()]
    if missing:
        warn(f"{len(missing)} of {len(files)} files of '{path}' do not exist, first '{missing[0]}'.")
    return Found(
        records=[_record(db, path, file, {k: v.get(file) for k, v in values.items()}, own) for file in files]
    )


def _record(db: Any, path: Path, file: str, row: Mapping[str, Any], own: Mapping[str, str]) -> Record:
    language = _language(db, row["language"])
    if language is None:
        raise DataError(
            f"'{file}' of the audformat database '{path}' has no language, and the database names none."
        )
    return Record(
        file=path / file,
        key=Path(file).with_suffix("").as_posix(),
        speaker=_optional(row["speaker"]),
        gender=GENDERS.get(str(row["gender"]).lower()),
        emotion=_emotion(own, file, row["emotion"]),
        emotion_original=_optional(row["emotion"]),
        text=_optional(row["text"]),
        language=language,
        arousal=_rating(row["arousal"]),
        valence=_rating(row["valence"]),
        dominance=_rating(row["dominance"]),
    )


def _rating(value: Any) -> float | None:
    return None if value is None else float(value)


READER = Reader(
    name="audformat",
    title="A database in audformat",
    language="",
    naturalness="",
    emotions=(),
    speakers="as in the database",
    licence="that of the database",
    source="https://audeering.github.io/audformat, for example from audb",
    layout="a folder with db.yaml, its tables and its files",
    labels="columns (or schemes) emotion, speaker, gender, language, transcription, arousal, valence, "
    "dominance; gender and language also from the labels of the speakers' scheme; language also from the "
    "database; ratings 1 to 5",
    citation="that of the database",
    find=_find,
)
