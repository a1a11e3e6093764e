"""SAVEE, Surrey Audio-Visual Expressed Emotion (the audio)."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.table import Record

EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}


def _record(match: re.Match[str], file: Path) -> Record:
    speaker, code = match["speaker"].upper(), match["emotion"].lower()
    # No text: the numbers restart for every emotion, and the names do not say which are one sentence.
    return Record(
        file=file,
        key=f"{speaker}_{code}{match['number']}",
        speaker=speaker,
        gender="male",
        emotion=EMOTIONS[code],
        emotion_original=code,
    )


READER = Reader(
    name="savee",
    title="SAVEE (Surrey Audio-Visual Expressed Emotion)",
    language="en-GB",
    naturalness="acted",
    emotions=tuple(sorted(EMOTIONS.values())),
    speakers="4 male",
    licence="free for research, on registration",
    source="http://kahlan.eps.surrey.ac.uk/savee",
    layout="DC/a01.wav or DC_a01.wav",
    labels="DC, JE, JK, KL speaker; a anger, d disgust, f fear, h happiness, n neutral, sa sadness, su "
    "surprise",
    citation="Haq & Jackson (2010). Multimodal emotion recognition. In Wang (ed.), Machine Audition. IGI "
    "Global, 398-423.",
    find=by_name(r"(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>sa|su|[adfhn])(?P<number>\d\d)", _record),
)
