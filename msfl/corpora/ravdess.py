"""RAVDESS, the Ryerson audio-visual database: its speech, audio only."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.table import Record

EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}


def _record(match: re.Match[str], file: Path) -> Record:
    return Record(
        file=file,
        key=file.stem,
        speaker=match["actor"],
        gender="male" if int(match["actor"]) % 2 else "female",
        emotion=EMOTIONS[match["emotion"]],
        emotion_original=match["emotion"],
        text=STATEMENTS[match["statement"]],
    )


READER = Reader(
    name="ravdess",
    title="RAVDESS (Ryerson Audio-Visual Database of Emotional Speech and Song), speech",
    language="en-US",
    naturalness="acted",
    emotions=tuple(sorted(EMOTIONS.values())),
    speakers="12 female, 12 male",
    licence="CC BY-NC-SA 4.0",
    source="https://doi.org/10.5281/zenodo.1188976 (Audio_Speech_Actors_01-24.zip)",
    layout="Actor_01/03-01-06-01-02-01-01.wav, audio only (03-) and speech (-01-)",
    labels="modality-channel-emotion-intensity-statement-repetition-actor; 01 neutral, 02 calm, 03 "
    "happiness, 04 sadness, 05 anger, 06 fear, 07 disgust, 08 surprise; odd actors are men",
    citation="Livingstone & Russo (2018). The Ryerson Audio-Visual Database of Emotional Speech and Song. "
    "PLoS ONE 13(5), e0196391.",
    find=by_name(
        r"03-01-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<statement>0[12])-(?P<repetition>0[12])"
        r"-(?P<actor>0[1-9]|1\d|2[0-4])",
        _record,
    ),
)
