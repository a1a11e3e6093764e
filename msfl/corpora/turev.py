"""TurEV-DB, the Turkish emotion voice database; layout as in the folder `Sound Source` of its repository.

The repository does not say who is a woman or a man: gender stays missing.
"""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.labels import harmonise
from msfl.corpora.table import Record


def _record(match: re.Match[str], file: Path) -> Record:
    emotion = match["emotion"].lower()
    return Record(
        file=file,
        key=file.stem,
        speaker=match["speaker"],
        emotion=harmonise(emotion),
        emotion_original=emotion,
        text=match["word"].lower(),
    )


READER = Reader(
    name="turev",
    title="TurEV-DB (Turkish Emotion-Voice Database)",
    language="tr",
    naturalness="acted",
    emotions=("anger", "calm", "happiness", "sadness"),
    speakers="6, gender not in the files",
    licence="not stated by the publisher; ask before use",
    source="https://github.com/Xeonen/TurEV-DB",
    layout="Sound Source/Angry/1157_kz_acik.wav",
    labels="folder = emotion; 1157_kz_acik: speaker, emotion in Turkish, word",
    citation="Canpolat, Ormanoglu & Zeyrek (2020). Turkish Emotion Voice Database (TurEV-DB). SLTU-CCURL, "
    "368-375.",
    find=by_name(
        r"(?P<emotion>angry|calm|happy|sad)/(?P<speaker>\d+)_(?P<code>[a-z]+)_(?P<word>[^/]+)", _record
    ),
)
