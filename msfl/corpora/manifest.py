"""A table of the user's own recordings: CSV, TSV or Parquet, one row per recording."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msfl.corpora import labels
from msfl.corpora.base import Found, Reader, warn
from msfl.corpora.table import RATINGS, Record
from msfl.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "file": ("path", "filename", "filepath", "file_path", "wav", "audio", "audio_file"),
    "language": ("lang", "locale"),
    "emotion": ("label", "emotion_label", "category", "class"),
    "emotion_original": (),
    "utterance": ("id", "utterance_id", "key"),
    "corpus": ("dataset",),
    "speaker": ("speaker_id", "spk", "actor", "subject"),
    "gender": ("sex",),
    "text": ("sentence", "transcript", "transcription", "text_id"),
    "naturalness": (),
    "arousal": ("activation",),
    "valence": (),
    "dominance": (),
}
"""Column -> other names for it; upper and lower case do not matter."""
REQUIRED = ("file", "language", "emotion")

GENDERS = {
    **dict.fromkeys(("f", "female", "w", "woman", "weiblich", "femme"), "female"),
    **dict.fromkeys(("m", "male", "man", "männlich", "homme"), "male"),
    **dict.fromkeys(("o", "other", "d", "x", "diverse", "divers", "non-binary", "nonbinary"), "other"),
}

Row = dict[str, str]
"""The known columns of one row that have a value."""


def _table(path: Path) -> pd.DataFrame:
    """Read the file with every value as text."""
    import pandas as pd

    suffix = path.suffix.lower()
    if path.is_dir() or suffix not in (".csv", ".tsv", ".parquet"):
        raise DataError(f"'{path}' is not a manifest: expected a .csv, .tsv or .parquet file.")
    try:
        if suffix == ".parquet":
            frame = pd.read_parquet(path)
            return frame.reset_index() if frame.index.name else frame
        with path.open(encoding="utf-8-sig") as text:
            header = text.readline()
        separator = "\t" if suffix == ".tsv" else max(",;\t", key=header.count)
        return pd.read_csv(path, sep=separator, dtype=str, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"The manifest '{path}' is not UTF-8 text; save it as UTF-8 and repeat.") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"The manifest '{path}' is empty; it needs columns {', '.join(REQUIRED)}.") from None
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise DataError(f"The manifest '{path}' cannot be read: {str(error).strip().rstrip('.')}.") from error


def _known_columns(path: Path, columns: list[str]) -> dict[str, str]:
    """Return the manifest's column for each column that we know; exact names win over synonyms."""
    present = {column.strip().lower(): column for column in reversed(columns)}
    known = {}
    for name, synonyms in COLUMNS.items():
        found = next((present[word] for word in (name, *synonyms) if word in present), None)
        if found is not None:
            known[name] = found
    for name in REQUIRED:
        if name not in known:
            hint = nearest(name, list(present))
            raise DataError(
                f"The manifest '{path}' has no column '{name}'.{hint} It has {', '.join(columns) or 'none'}; "
                f"needed are {', '.join(REQUIRED)} (or {', '.join(COLUMNS[name])} for '{name}')."
            )
    return known


def _rows(path: Path) -> list[Row]:
    frame = _table(path)
    known = _known_columns(path, [str(column) for column in frame.columns])
    frame = (
        frame.rename(columns=str)[list(known.values())].set_axis(list(known), axis="columns").astype("string")
    )
    rows = [
        {str(name): value.strip() for name, value in row.items() if isinstance(value, str) and value.strip()}
        for row in frame.to_dict("records")
    ]
    if not rows:
        raise DataError(f"The manifest '{path}' has no rows; it needs one for each recording.")
    return rows


class _Reading:
    """One manifest while it is read: where it is, and which labels it declares."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.own = labels.read_own(path.parent)
        self.rows = _rows(path)
        for number, row in enumerate(self.rows):
            if "file" not in row:
                raise DataError(f"{self.where(number)} names no file.")
            if "language" not in row:
                raise DataError(f"{self.where(number)} names no language.")
        self.files = [(path.parent / row["file"].replace("\\", "/")).absolute() for row in self.rows]
        stems = Counter(file.stem for file in self.files)
        self.stems_are_unique = max(stems.values()) == 1

    def where(self, number: int) -> str:
        """Return the place of a row in words; the first row after the header of a text file is line 2."""
        return f"Row {number + 1} of the manifest '{self.path}'"

    def key(self, row: Row) -> str:
        """Return the given id; else the stem, or the path where stems repeat."""
        if "utterance" in row:
            return row["utterance"].removeprefix(f"{row.get('corpus', READER.name)}/")
        given = Path(row["file"].replace("\\", "/"))
        return given.stem if self.stems_are_unique else given.with_suffix("").as_posix().lstrip("/")

    def emotion(self, number: int, row: Row) -> str | None:
        if "emotion" not in row:
            return None
        try:
            return labels.harmonise(row["emotion"], self.own)
        except DataError as error:
            raise DataError(f"{self.where(number)}: {error}") from error

    def gender(self, number: int, row: Row) -> str | None:
        if "gender" not in row:
            return None
        word = row["gender"].lower()
        if word not in GENDERS:
            raise DataError(
                f"{self.where(number)}: the gender '{row['gender']}' is not female, male or other."
            )
        return GENDERS[word]

    def rating(self, number: int, row: Row, name: str) -> float | None:
        if name not in row:
            return None
        try:
            value = float(row[name])
            labels.level_from_rating(value)
        except (ValueError, DataError) as error:
            raise DataError(
                f"{self.where(number)}: the {name} '{row[name]}' is no rating from 1 to 5; convert it."
            ) from error
        return value

    def record(self, number: int) -> Record:
        """Return one row as a record."""
        row = self.rows[number]
        return Record(
            file=self.files[number],
            key=self.key(row),
            speaker=row.get("speaker"),
            gender=self.gender(number, row),
            emotion=self.emotion(number, row),
            emotion_original=row.get("emotion_original", row.get("emotion")),
            text=row.get("text"),
            language=row["language"],
            naturalness=row.get("naturalness"),
            corpus=row.get("corpus"),
            **{name: self.rating(number, row, name) for name in RATINGS},
        )


def _find(path: Path) -> Found:
    reading = _Reading(path)
    missing = [file for file in reading.files if not file.is_file()]
    if len(missing) == len(reading.files):
        raise DataError(
            f"No file of the manifest '{path}' exists ({len(missing)} named, first '{missing[0]}'); names are "
            "relative to the folder of the manifest."
        )
    if missing:
        # They stay in the table, so that the extraction reports each by name.
        warn(f"{len(missing)} of {len(reading.files)} files of '{path}' do not exist, first '{missing[0]}'.")
    return Found(records=[reading.record(number) for number in range(len(reading.rows))])


def without_recordings(path: Path, label: str | None = None) -> pd.DataFrame:
    """Return the utterance table of a manifest whose recordings need not be here.

    For experiments on a table of features: labels come from the manifest, and no sound is read.

    Raises:
        DataError: As `Reader.read`, but for recordings that do not exist.
    """
    from msfl.corpora.table import from_records

    if not path.exists():
        raise DataError(f"There is no manifest '{path}'; correct its path.")
    reading = _Reading(path)
    records = [reading.record(number) for number in range(len(reading.rows))]
    if label:
        records = [replace(record, corpus=None) for record in records]
    return from_records(records, corpus=label or READER.name)


READER = Reader(
    name="manifest",
    title="Your own recordings, listed in a table",
    language="",
    naturalness="",
    emotions=(),
    speakers="as listed",
    licence="yours",
    source="a .csv, .tsv or .parquet file that you write",
    layout="columns file, language, emotion; and, where known, utterance, corpus, speaker, gender, text, "
    "naturalness, arousal, valence, dominance",
    labels="file is relative to the folder of the table; language is a BCP 47 tag; emotion any word of the "
    "vocabulary or one that a labels.toml beside the table declares; ratings 1 to 5; a speaker is unique "
    "within the corpus unless written with a slash",
    citation="none",
    find=_find,
)
