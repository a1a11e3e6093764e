"""The reader of the demo corpus."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.demo.rules import EMOTIONS
from msfl.corpora.demo.speakers import SPEAKERS
from msfl.corpora.table import Record

_SPEAKERS = {speaker.name: speaker for speaker in SPEAKERS}


def _record(match: re.Match[str], file: Path) -> Record:
    speaker = _SPEAKERS[match["speaker"].lower()]
    emotion = match["emotion"].lower()
    return Record(
        file=file,
        key=file.stem,
        speaker=speaker.name,
        gender=speaker.gender,
        emotion=emotion,
        emotion_original=emotion,
        language=speaker.language,
        text=f"{speaker.language}-{match['sentence'].lower()}",
    )


READER = Reader(
    name="demo",
    title="SYNTHETIC demo corpus of msfl (espeak-ng voices, planted emotion)",
    language="",
    naturalness="synthetic",
    emotions=EMOTIONS,
    speakers="6 female, 6 male synthetic voices, four in each of de, zh, en",
    licence="made on your machine by `msfl demo`; nothing about human speech follows from it",
    source="`msfl demo`, which needs pip install 'msfl[demo]'",
    layout="de/de-f1/de-f1_anger_s01.wav",
    labels="de-f1_anger_s01: language de, zh or en, speaker de-f1 (f female, m male), emotion, sentence; "
    "planted.json says what is planted",
    citation="synthetic; by rules of Murray & Arnott (1993), Burkhardt & Sendlmeier (2000), "
    "Burkhardt et al. (2022, SyntAct)",
    find=by_name(
        rf"(?P<speaker>{'|'.join(_SPEAKERS)})_(?P<emotion>{'|'.join(EMOTIONS)})_(?P<sentence>s\d\d)", _record
    ),
)
