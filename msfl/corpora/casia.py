"""CASIA, the Chinese emotional speech corpus of the Institute of Automation (the part with equal texts)."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Reader, by_name
from msfl.corpora.labels import harmonise
from msfl.corpora.table import Record

GENDERS = {"liuchanhg": "female", "zhaoquanyin": "female", "wangzhe": "male", "zhaozuoxiang": "male"}


def _record(match: re.Match[str], file: Path) -> Record:
    speaker, emotion = match["speaker"].lower(), match["emotion"].lower()
    return Record(
        file=file,
        key=f"{speaker}_{emotion}_{match['text']}",  # the stem alone repeats in every folder
        speaker=speaker,
        gender=GENDERS[speaker],
        emotion=harmonise(emotion),
        emotion_original=emotion,
        text=match["text"],
    )


READER = Reader(
    name="casia",
    title="CASIA Chinese Emotional Corpus",
    language="zh",
    naturalness="acted",
    emotions=("anger", "fear", "happiness", "neutral", "sadness", "surprise"),
    speakers="2 female, 2 male",
    licence="sold for research by the Chinese Linguistic Data Consortium",
    source="Institute of Automation, Chinese Academy of Sciences; http://www.chineseldc.org",
    layout="liuchanhg/angry/201.wav",
    labels="folder = speaker (liuchanhg, zhaoquanyin are women; wangzhe, ZhaoZuoxiang men), folder = "
    "emotion, number = text",
    citation="Institute of Automation, Chinese Academy of Sciences (2005). CASIA Chinese Emotional Corpus.",
    find=by_name(
        r"(?P<speaker>liuchanhg|zhaoquanyin|wangzhe|zhaozuoxiang)"
        r"/(?P<emotion>angry|fear|happy|neutral|sad|surprise)/(?P<text>\d+)",
        _record,
    ),
)
