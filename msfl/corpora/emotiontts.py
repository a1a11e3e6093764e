"""EmotionTTS Open DB, its emotional part, Korean."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Found, Reader, recordings, text_of
from msfl.corpora.table import Record

EMOTIONS = ("neutral", "happiness", "anger", "sadness")
"""A speaker's sentences 1-100, 101-200, 201-300 and 301-400."""
FEMALE = {"ema", "emb", "nea", "neb", "nec", "ned", "nee"}
_NAME = re.compile(r"(?P<speaker>em[abfgh]|ne[a-ek-o])(?P<number>\d{5})", re.IGNORECASE)


def _text(file: Path) -> str | None:
    """Return the sentence; `transcript/` is a sister of the folder of the sound."""
    transcript = file.parent.parent / "transcript" / f"{file.stem}.txt"
    return text_of(transcript).strip() or None if transcript.is_file() else None


def _find(root: Path) -> Found:
    found = Found()
    for file in recordings(root):
        match = _NAME.fullmatch(file.stem)
        if match is None or not 1 <= int(match["number"]) <= 400:
            found.left_out.append(file)
            continue
        speaker, number = match["speaker"].lower(), int(match["number"])
        emotion = EMOTIONS[(number - 1) // 100]
        found.records.append(
            Record(
                file=file,
                key=file.stem,
                speaker=speaker,
                gender="female" if speaker in FEMALE else "male",
                emotion=emotion,
                emotion_original=emotion,  # the publisher gives ranges of numbers, not a label
                text=_text(file),
            )
        )
    return found


READER = Reader(
    name="emotiontts",
    title="EmotionTTS Open DB, emotional part",
    language="ko",
    naturalness="acted",
    emotions=tuple(sorted(EMOTIONS)),
    speakers="7 female, 8 male",
    licence="CC BY-NC-SA 4.0 (public 5 %; the whole on application)",
    source="https://github.com/emotiontts/emotiontts_open_db",
    layout="Dataset/SpeechCorpus/Emotional/plain-to-emotional/ema/wav/ema00103.wav",
    labels="ema00103: speaker ema, sentence 103; 1-100 neutral, 101-200 happiness, 201-300 anger, 301-400 "
    "sadness; ema emb nea-nee are women; the text is in transcript/",
    citation="Selvas AI & KAIST (2019). EmotionTTS Open DB.",
    find=_find,
)
