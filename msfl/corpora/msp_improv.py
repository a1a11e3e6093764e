"""MSP-IMPROV, dyadic improvisations around target sentences, with categories and ratings.

Names and `Evaluation.txt` were seen in public code that reads the corpus. That code takes A, V and D as they
are, and so do we; whether 5 means active and strong was not confirmed, so a warning is given where the
ratings say the contrary.
"""

from __future__ import annotations

import re
from pathlib import Path
from statistics import fmean

from msfl.corpora.base import Found, Reader, recordings, text_of, warn
from msfl.corpora.table import Record
from msfl.errors import DataError

EMOTIONS = {"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness", "O": "other"}
"""Consensus of the raters; X (no agreement) is missing."""
NATURALNESS = {"R": "acted", "T": "elicited", "S": "elicited", "P": "spontaneous"}
"""Target sentence read, target sentence improvised, rest of the improvisation, talk in the breaks: our
reading."""

_NAME = re.compile(
    r"(?:MSP|UTD)-IMPROV-(?P<key>S(?P<sentence>\d\d)[AHNS]-(?P<speaker>(?P<gender>[FM])\d\d)-(?P<scenario>[PRST])-\w+)"
)
_EVALUATION = re.compile(
    r"^(?:MSP|UTD)-IMPROV-(?P<key>[A-Z0-9-]+)\.\w+; *(?P<emotion>[A-Z]); *"
    r"A:(?P<arousal>[\d.]+|NaN) *; *V:(?P<valence>[\d.]+|NaN) *; *D:(?P<dominance>[\d.]+|NaN)",
    re.MULTILINE,
)


def _evaluations(root: Path) -> dict[str, re.Match[str]]:
    """Return the utterance's name without its prefix -> its line in Evaluation.txt."""
    files = [file for file in sorted(root.rglob("Eval*.txt")) if not file.name.startswith(".")]
    lines = {m["key"]: m for file in files for m in _EVALUATION.finditer(text_of(file, encoding="latin-1"))}
    if not lines:
        raise DataError(
            f"'{root}' has no Evaluation.txt with the ratings of MSP-IMPROV; put it into this folder."
        )
    return lines


def _rating(label: re.Match[str] | None, name: str) -> float | None:
    """Return a mean rating; None where the raters gave none (NaN)."""
    return float(label[name]) if label and label[name] != "NaN" else None


def _record(file: Path, name: re.Match[str], label: re.Match[str] | None) -> Record:
    return Record(
        file=file,
        key=file.stem,
        speaker=name["speaker"],
        gender="female" if name["gender"] == "F" else "male",
        emotion=EMOTIONS.get(label["emotion"]) if label else None,
        emotion_original=label["emotion"] if label else None,
        text=f"S{name['sentence']}" if name["scenario"] in "RT" else None,
        naturalness=NATURALNESS[name["scenario"]],
        arousal=_rating(label, "arousal"),
        valence=_rating(label, "valence"),
        dominance=_rating(label, "dominance"),
    )


def _check_scale(records: list[Record]) -> None:
    """Warn if sadness is rated more aroused than anger: then the scale runs the other way."""
    anger, sadness = (
        [record.arousal for record in records if record.emotion == emotion and record.arousal is not None]
        for emotion in ("anger", "sadness")
    )
    if anger and sadness and fmean(sadness) > fmean(anger):
        warn(
            "In MSP-IMPROV sadness is rated more aroused than anger: the scale of arousal seems to run "
            "downwards."
        )


def _find(root: Path) -> Found:
    found = Found()
    names = {file: _NAME.fullmatch(file.stem) for file in recordings(root)}
    evaluations = _evaluations(root) if any(names.values()) else {}
    for file, name in names.items():
        if name is None:
            found.left_out.append(file)
        else:
            found.records.append(_record(file, name, evaluations.get(name["key"])))
    _check_scale(found.records)
    return found


READER = Reader(
    name="msp_improv",
    title="MSP-IMPROV",
    language="en-US",
    naturalness="",
    emotions=tuple(sorted(EMOTIONS.values())),
    speakers="6 female, 6 male",
    licence="free for research, on signed agreement with UT Dallas",
    source="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html",
    layout="session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav with Evaluation.txt",
    labels="Evaluation.txt: consensus A anger, H happiness, N neutral, S sadness, O other, X missing; A, "
    "V, D mean ratings; scenario R read = acted, T and S improvised = elicited, P talk in the breaks = "
    "spontaneous (our reading)",
    citation="Busso, Parthasarathy, Burmania, AbdelWahab, Sadoughi & Mower Provost (2017). MSP-IMPROV: An "
    "acted corpus of dyadic interactions to study emotion perception. IEEE Trans. Affective Computing "
    "8(1), 67-80.",
    find=_find,
)
