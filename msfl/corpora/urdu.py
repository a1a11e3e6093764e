"""URDU, emotional speech from Urdu television talk shows."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.table import Record

EMOTIONS = {"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness"}


def _record(match: re.Match[str], file: Path) -> Record:
    gender, letter = match["gender"].upper(), match["emotion"].upper()
    return Record(
        file=file,
        key=file.stem,
        speaker=f"S{gender}{int(match['number'])}",
        gender="female" if gender == "F" else "male",
        emotion=EMOTIONS[letter],
        emotion_original=letter,
    )


READER = Reader(
    name="urdu",
    title="URDU",
    language="ur",
    naturalness="spontaneous",
    emotions=tuple(sorted(EMOTIONS.values())),
    speakers="11 female, 18 male",
    licence="free for research",
    source="https://github.com/siddiquelatif/URDU-Dataset",
    layout="Angry/SM1_F10_A010.wav",
    labels="SM1_F10_A010: gender and number of the speaker, file of the speaker, emotion and number; A "
    "anger, H happiness, N neutral, S sadness",
    citation="Latif, Qayyum, Usman & Qadir (2018). Cross lingual speech emotion recognition: Urdu vs. "
    "Western languages. FIT, 88-93.",
    find=by_name(r"S(?P<gender>[MF])(?P<number>\d+)_F\d+_(?P<emotion>[AHNS])\d+", _record),
)
