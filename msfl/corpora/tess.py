"""TESS, the Toronto emotional speech set."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.labels import harmonise
from msfl.corpora.table import Record


def _record(match: re.Match[str], file: Path) -> Record:
    code = match["emotion"].lower()
    return Record(
        file=file,
        key=file.stem,
        speaker=f"{match['speaker'].upper()}AF",
        gender="female",
        emotion=harmonise(code),
        emotion_original=code,
        text=match["word"].lower(),
    )


READER = Reader(
    name="tess",
    title="TESS (Toronto Emotional Speech Set)",
    language="en-CA",
    naturalness="acted",
    emotions=("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
    speakers="2 female",
    licence="CC BY-NC-ND 4.0",
    source="https://doi.org/10.5683/SP2/E8H2MF",
    layout="OAF_Fear/OAF_back_fear.wav",
    labels="OAF_back_fear: speaker OAF (aged 64) or YAF (aged 26), word in 'Say the word ...', emotion; "
    "ps = pleasant surprise = surprise",
    citation="Pichora-Fuller & Dupuis (2020). Toronto emotional speech set (TESS). Borealis.",
    find=by_name(
        # One file of the published set is called OA_bite_neutral.
        r"(?P<speaker>[OY])AF?_(?P<word>[a-z]+)_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)",
        _record,
    ),
)
