"""EMO-DB, the Berlin database of emotional speech."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.table import Record

EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
MALE = {"03", "10", "11", "12", "15"}


def _record(match: re.Match[str], file: Path) -> Record:
    speaker, letter = match["speaker"], match["emotion"].upper()
    return Record(
        file=file,
        key=file.stem,
        speaker=speaker,
        gender="male" if speaker in MALE else "female",
        emotion=EMOTIONS[letter],
        emotion_original=letter,
        text=match["text"].lower(),
    )


READER = Reader(
    name="emodb",
    title="EMO-DB (Berlin Database of Emotional Speech)",
    language="de",
    naturalness="acted",
    emotions=tuple(sorted(EMOTIONS.values())),
    speakers="5 female, 5 male",
    licence="free to use with citation",
    source="http://emodb.bilderbar.info",
    layout="wav/03a01Fa.wav",
    labels="03a01Fa: speaker 03, text a01, emotion F, version a; W anger, L boredom, E disgust, A fear, "
    "F happiness, T sadness, N neutral; speakers 03 10 11 12 15 are men",
    citation="Burkhardt, Paeschke, Rolfes, Sendlmeier & Weiss (2005). A database of German emotional speech. "
    "Interspeech, 1517-1520.",
    find=by_name(
        r"(?P<speaker>03|08|09|1[0-6])(?P<text>[ab]\d\d)(?P<emotion>[WLEAFTN])(?P<version>[a-z]?)", _record
    ),
)
