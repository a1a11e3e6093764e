"""IEMOCAP, dyads of actors, scripted and improvised, with categories and ratings."""

from __future__ import annotations

import re
from pathlib import Path

from msfl.corpora.base import Found, Reader, recordings, text_of
from msfl.corpora.labels import harmonise
from msfl.corpora.table import Record

NO_MAJORITY = "xxx"
_NAME = re.compile(r"(?P<session>Ses0[1-5])[FM]_(?P<kind>impro|script)\w*_(?P<gender>[FM])[X\d]+")
_EVALUATION = re.compile(
    r"^\[[\d.]+ - [\d.]+\]\s+(?P<key>\w+)\s+(?P<emotion>\w+)"
    r"\s+\[(?P<valence>[\d.]+), (?P<arousal>[\d.]+), (?P<dominance>[\d.]+)\]",
    re.MULTILINE,
)
_TURN = re.compile(r"^(?P<key>\w+) \[[\d.-]+\]:[ \t]*(?P<text>.+?)\s*$", re.MULTILINE)


def _labels(root: Path, folder: str, pattern: re.Pattern[str]) -> dict[str, re.Match[str]]:
    """Return utterance -> match, from the text files of all folders of that name."""
    lines: dict[str, re.Match[str]] = {}
    for file in sorted(root.rglob(f"{folder}/*.txt")):
        if not file.name.startswith("."):
            lines |= {match["key"]: match for match in pattern.finditer(text_of(file, encoding="latin-1"))}
    return lines


def _rating(label: re.Match[str] | None, name: str) -> float | None:
    """Return a mean rating; a few means lie outside the raters' scale of 1 to 5 and are clipped to it."""
    return min(max(float(label[name]), 1.0), 5.0) if label else None


def _record(
    file: Path, name: re.Match[str], label: re.Match[str] | None, turn: re.Match[str] | None
) -> Record:
    original = label["emotion"] if label else None
    return Record(
        file=file,
        key=file.stem,
        # Both actors of a session speak in every dialogue: the letter before the turn says who it is.
        speaker=name["session"] + name["gender"],
        gender="female" if name["gender"] == "F" else "male",
        emotion=harmonise(original) if original and original != NO_MAJORITY else None,
        emotion_original=original,
        arousal=_rating(label, "arousal"),
        valence=_rating(label, "valence"),
        dominance=_rating(label, "dominance"),
        text=turn["text"] if turn else None,
        naturalness="acted" if name["kind"] == "script" else "elicited",
    )


def _find(root: Path) -> Found:
    found = Found()
    evaluations = _labels(root, "EmoEvaluation", _EVALUATION)
    turns = _labels(root, "transcriptions", _TURN)
    for file in recordings(root):
        if "dialog" in file.relative_to(root).parts:
            continue  # the whole dialogue, of which sentences/wav holds the utterances
        name = _NAME.fullmatch(file.stem)
        if name is None:
            found.left_out.append(file)
        else:
            found.records.append(_record(file, name, evaluations.get(file.stem), turns.get(file.stem)))
    return found


READER = Reader(
    name="iemocap",
    title="IEMOCAP (Interactive Emotional Dyadic Motion Capture)",
    language="en-US",
    naturalness="",
    emotions=(
        "anger",
        "disgust",
        "excitement",
        "fear",
        "frustration",
        "happiness",
        "neutral",
        "other",
        "sadness",
        "surprise",
    ),
    speakers="5 female, 5 male",
    licence="free for research, on signed agreement with USC",
    source="https://sail.usc.edu/iemocap",
    layout="Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav with "
    "Session1/dialog/EmoEvaluation/*.txt",
    labels="EmoEvaluation: [start - end] utterance emotion [valence, activation, dominance]; xxx (no "
    "majority) is missing; the letter before the turn is the speaker; scripted = acted, improvised = "
    "elicited (our choice)",
    citation="Busso, Bulut, Lee, Kazemzadeh, Mower, Kim, Chang, Lee & Narayanan (2008). IEMOCAP: Interactive "
    "emotional dyadic motion capture database. Language Resources and Evaluation 42, 335-359.",
    find=_find,
)
