"""EYASE, Egyptian Arabic semi-natural emotional speech from a television series.

The names of women (`Female01/fm01_ang (1)`) were seen in public code that reads the corpus; those of men were
not, so that `mm01`, `ml01` and `m01` are all accepted (our choice).
"""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.labels import harmonise
from msfl.corpora.table import Record


def _record(match: re.Match[str], file: Path) -> Record:
    speaker, code = match["speaker"].lower(), match["emotion"].lower()
    return Record(
        file=file,
        key=f"{speaker}_{code}_{match['number']}",
        speaker=speaker,
        gender="female" if speaker.startswith("f") else "male",
        emotion=harmonise(code),
        emotion_original=code,
    )


READER = Reader(
    name="eyase",
    title="EYASE (Egyptian Arabic Speech Emotion)",
    language="ar-EG",
    naturalness="acted",
    emotions=("anger", "happiness", "neutral", "sadness"),
    speakers="3 female, 3 male",
    licence="for research, from the author",
    source="https://doi.org/10.1016/j.specom.2020.04.005 (from the author)",
    layout="Female01/fm01_ang (1).wav",
    labels="fm01_ang (1): speaker (f... women, m... men), emotion, number; ang anger, hap happiness, neu "
    "neutral, sad sadness",
    citation="Abdel-Hamid (2020). Egyptian Arabic speech emotion recognition using prosodic, spectral and "
    "wavelet features. Speech Communication 122, 19-30.",
    find=by_name(
        r"(?P<speaker>[fm][a-z]?\d+)_(?P<emotion>ang|hap|neu|sad)[ _]*\(?(?P<number>\d+)\)?", _record
    ),
)
