"""nEMO, Polish emotional speech. Layout and speakers as in the publisher's repository."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from msfl.corpora.base import Found, Reader, recordings, text_of
from msfl.corpora.labels import harmonise
from msfl.corpora.table import Record

FEMALE = {"EB0", "IC0", "KD0", "MK0"}
_NAME = re.compile(
    r"(?P<speaker>[A-Z]{2}\d)_(?P<emotion>anger|fear|happiness|neutral|sadness|surprised)_(?P<text>\d+)"
)


def _sentences(root: Path) -> dict[str, str]:
    """Return the number of a sentence -> its text, from data.tsv beside or above the recordings, if there."""
    for folder in (root, root.parent):
        table = folder / "data.tsv"
        if table.is_file():
            rows = csv.DictReader(text_of(table).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
            names = ((Path(row.get("file_id") or "").stem, row.get("raw_text")) for row in rows)
            return {name.rsplit("_", 1)[-1]: text.strip() for name, text in names if text}
    return {}


def _find(root: Path) -> Found:
    found = Found()
    sentences = _sentences(root)
    for file in recordings(root):
        match = _NAME.fullmatch(file.stem)
        if match is None:
            found.left_out.append(file)
            continue
        found.records.append(
            Record(
                file=file,
                key=file.stem,
                speaker=match["speaker"],
                gender="female" if match["speaker"] in FEMALE else "male",
                emotion=harmonise(match["emotion"]),
                emotion_original=match["emotion"],
                text=sentences.get(match["text"], match["text"]),
            )
        )
    return found


READER = Reader(
    name="nemo",
    title="nEMO",
    language="pl",
    naturalness="acted",
    emotions=("anger", "fear", "happiness", "neutral", "sadness", "surprise"),
    speakers="4 female, 5 male",
    licence="CC BY-NC-SA 4.0",
    source="https://github.com/amu-cai/nEMO",
    layout="samples/EB0_anger_1.wav, with data.tsv for the texts",
    labels="EB0_anger_1: speaker, emotion, sentence; EB0 IC0 KD0 MK0 are women",
    citation="Christop (2024). nEMO: Dataset of emotional speech in Polish. LREC-COLING, 12111-12116.",
    find=_find,
)
