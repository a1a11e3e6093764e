"""EMOVO, Italian emotional speech."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.table import Record

EMOTIONS = {
    "dis": "disgust",
    "gio": "happiness",
    "pau": "fear",
    "rab": "anger",
    "sor": "surprise",
    "tri": "sadness",
    "neu": "neutral",
}


def _record(match: re.Match[str], file: Path) -> Record:
    speaker, code = match["speaker"].lower(), match["emotion"].lower()
    return Record(
        file=file,
        key=file.stem,
        speaker=speaker,
        gender="female" if speaker.startswith("f") else "male",
        emotion=EMOTIONS[code],
        emotion_original=code,
        text=match["text"].lower(),
    )


READER = Reader(
    name="emovo",
    title="EMOVO Corpus",
    language="it",
    naturalness="acted",
    emotions=tuple(sorted(EMOTIONS.values())),
    speakers="3 female, 3 male",
    licence="free for research",
    source="Fondazione Ugo Bordoni, http://voice.fub.it/activities/corpora/emovo/index.html",
    layout="f1/dis-f1-b1.wav",
    labels="dis-f1-b1: emotion, speaker, text; dis disgust, gio happiness, pau fear, rab anger, sor "
    "surprise, tri sadness, neu neutral",
    citation="Costantini, Iaderola, Paoloni & Todisco (2014). EMOVO Corpus: an Italian emotional speech "
    "database. LREC, 3501-3504.",
    find=by_name(r"(?P<emotion>dis|gio|pau|rab|sor|tri|neu)-(?P<speaker>[fm]\d)-(?P<text>[a-z]\d+)", _record),
)
