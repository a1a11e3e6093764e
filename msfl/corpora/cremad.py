"""CREMA-D, the crowd-sourced emotional multimodal actors dataset (the audio)."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.table import Record

EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
FEMALE = {
    1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1018, 1020, 1021, 1024, 1025, 1028, 1029,
    1030, 1037, 1043, 1046, 1047, 1049, 1052, 1053, 1054, 1055, 1056, 1058, 1060, 1061, 1063, 1072, 1073,
    1074, 1075, 1076, 1078, 1079, 1082, 1084, 1089, 1091,
}  # fmt: skip
"""Actresses, from the publisher's VideoDemographics.csv."""


def _record(match: re.Match[str], file: Path) -> Record:
    code = match["emotion"].upper()
    return Record(
        file=file,
        key=file.stem,
        speaker=match["actor"],
        gender="female" if int(match["actor"]) in FEMALE else "male",
        emotion=EMOTIONS[code],
        emotion_original=code,
        text=match["text"].upper(),
    )


READER = Reader(
    name="cremad",
    title="CREMA-D (Crowd-sourced Emotional Multimodal Actors Dataset)",
    language="en-US",
    naturalness="acted",
    emotions=tuple(sorted(EMOTIONS.values())),
    speakers="43 female, 48 male",
    licence="Open Database License 1.0",
    source="https://github.com/CheyneyComputerScience/CREMA-D",
    layout="AudioWAV/1001_DFA_ANG_XX.wav",
    labels="actor_text_emotion_intensity: the intended emotion; ANG anger, DIS disgust, FEA fear, HAP "
    "happiness, NEU neutral, SAD sadness",
    citation="Cao, Cooper, Keutmann, Gur, Nenkova & Verma (2014). CREMA-D: Crowd-sourced emotional "
    "multimodal actors dataset. IEEE Trans. Affective Computing 5(4), 377-390.",
    find=by_name(
        r"(?P<actor>10[0-8]\d|109[01])_(?P<text>[A-Z]{3})_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)",
        _record,
    ),
)
