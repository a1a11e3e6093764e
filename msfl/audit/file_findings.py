"""What is wrong with single recordings: unreadable, silent, quiet, short, clipped, or there twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from msfl.audit.findings import Finding, Level, counted, listed

SILENT = -80.0
"""dBFS; a recording whose peak stays below is called silent (16-bit sound then uses 3 of its 32,768
steps)."""
VERY_QUIET = -54.0
"""dBFS; a recording whose level (`recordings.speech_level`) stays below is called very quiet: 2/1000 of full
scale."""
SHORTEST = 0.07
"""Seconds; openSMILE gives no values for shorter recordings."""
SHORT = 0.3
"""Seconds; shorter recordings are called very short: about one syllable, too short for a contour."""
CLIPPED = 1e-4
"""A recording is called clipped when a larger share of its samples than this stands in flattened peaks."""

FAULTS = ("unreadable", "silent", "too short", "very short", "very quiet", "clipped")
FAULT_DTYPES = {"utterance": "str", "corpus": "str", "file": "str", "fault": "str", "detail": "str"}
DUPLICATE_DTYPES = {
    "group": "int64",
    "utterance": "str",
    "corpus": "str",
    "speaker": "string",
    "emotion": "string",
    "file": "str",
    "different_emotions": "bool",
    "different_speakers": "bool",
}


def faults(table: pd.DataFrame, recordings: pd.DataFrame) -> pd.DataFrame:
    """List the recordings that are faulty by themselves; a recording can have several faults.

    Returns:
        Columns utterance, corpus, file, fault (one of `FAULTS`), detail (the measured value, or why it is
        unreadable).
    """
    readable = recordings["problem"].isna()
    silent = readable & (recordings["peak"] < SILENT)
    short, heard = recordings["duration"], readable & ~silent
    masks = {
        "unreadable": (~readable, _reasons(recordings)),
        "silent": (
            silent,
            recordings["peak"].map(lambda v: "digital silence" if np.isinf(v) else f"peak {v:.0f} dBFS"),
        ),
        "too short": (readable & (short < SHORTEST), short.map("{:.3f} s".format)),
        "very short": (readable & (short >= SHORTEST) & (short < SHORT), short.map("{:.2f} s".format)),
        "very quiet": (
            heard & (recordings["level"] < VERY_QUIET),
            recordings["level"].map("level {:.1f} dBFS".format),
        ),
        "clipped": (
            heard & (recordings["clipped"] > CLIPPED),
            recordings["clipped"].map("{:.2%} of samples".format),
        ),
    }
    parts = [
        pd.DataFrame(
            {
                "utterance": recordings.index[mask],
                "corpus": table["corpus"].reindex(recordings.index)[mask].to_numpy(),
                "file": recordings["file"][mask].to_numpy(),
                "fault": fault,
                "detail": detail[mask].to_numpy(),
            }
        )
        for fault, (mask, detail) in masks.items()
    ]
    return pd.concat(parts, ignore_index=True).astype(FAULT_DTYPES)


def _reasons(recordings: pd.DataFrame) -> pd.Series[str]:
    """Return the problems without the name of the file, which has a column of its own."""
    pairs = zip(recordings["problem"].fillna(""), recordings["file"], strict=True)
    return pd.Series([problem.removeprefix(f"'{file}' ") for problem, file in pairs], index=recordings.index)


def duplicates(table: pd.DataFrame, recordings: pd.DataFrame) -> pd.DataFrame:
    """Find recordings whose samples (16 kHz, mono) are exactly the same.

    Silent ones are a fault of their own, and not counted here.

    Returns:
        One row per recording that is there more than once: group (1, 2, ...), utterance, corpus, speaker,
        emotion, file, different_emotions and different_speakers (whether the labels of its group disagree).
    """
    heard = recordings["hash"].notna() & (recordings["peak"] >= SILENT)
    hashes = recordings.loc[heard, "hash"]
    hashes = hashes[hashes.duplicated(keep=False)]
    found = table.loc[hashes.index, ["corpus", "speaker", "emotion", "file"]].copy()
    found.insert(0, "group", pd.factorize(hashes)[0] + 1)
    found = found.rename_axis("utterance").reset_index()
    found = found[["group", "utterance", "corpus", "speaker", "emotion", "file"]]
    for label in ("emotion", "speaker"):
        found[f"different_{label}s"] = found.groupby("group")[label].transform("nunique") > 1
    return found.astype(DUPLICATE_DTYPES).sort_values(["group", "utterance"], ignore_index=True)


def file_findings(table: pd.DataFrame, faulty: pd.DataFrame, doubled: pd.DataFrame) -> list[Finding]:
    """Draw the conclusions from the tables that `faults` and `duplicates` return."""
    found: list[Finding] = []
    for name, part in faulty.groupby("corpus"):
        found += _fault_findings(str(name), part, table)
    groups = doubled.groupby("group")
    scopes = groups["corpus"].transform(lambda c: c.iloc[0] if c.nunique() == 1 else "all")
    for name, part in doubled.groupby(scopes) if len(doubled) else ():
        found += _duplicate_findings(str(name), part)
    return found


_CONSEQUENCES: dict[str, tuple[Level, str, str]] = {
    "unreadable": (
        "serious",
        "cannot be read",
        "Such a file gets no features and is left out everywhere: mend it, or remove it.",
    ),
    "silent": (
        "serious",
        "silent",
        "The features of silence say nothing, yet the recording carries a label: remove it.",
    ),
    "too short": (
        "serious",
        f"shorter than {SHORTEST} s",
        "openSMILE gives no values for such a recording: remove it.",
    ),
    "very short": (
        "warning",
        f"shorter than {SHORT} s",
        "A contour this short has no meaningful slope or percentile: look whether the file was cut off.",
    ),
    "very quiet": (
        "warning",
        f"very quiet (level of the loud parts below {VERY_QUIET:.0f} dBFS, decibels below full scale)",
        "Room noise and rounding shape the features of such a recording as much as the voice does. Where "
        "the quiet recordings belong to few speakers or emotions, loudness gives these away.",
    ),
    "clipped": (
        "warning",
        "clipped (peaks cut off at full scale)",
        "Cut-off peaks add high frequencies that the voice did not have. Where the clipped recordings belong "
        "to few speakers or emotions, clipping gives these away.",
    ),
}


def _fault_findings(corpus: str, part: pd.DataFrame, table: pd.DataFrame) -> Iterator[Finding]:
    for fault in FAULTS:
        rows = part[part["fault"] == fault]
        if rows.empty:
            continue
        level, words, consequence = _CONSEQUENCES[fault]
        verb = "" if fault == "unreadable" else "is " if len(rows) == 1 else "are "
        yield Finding(
            level,
            "files",
            corpus,
            f"{counted(len(rows), 'recording')} {verb}{words}{_where(rows, table)}.",
            consequence,
        )


def _where(rows: pd.DataFrame, table: pd.DataFrame) -> str:
    """Name the recordings if they are few, else the speakers and emotions that they belong to."""
    if len(rows) <= 3:
        return f": {listed([_short(key) for key in rows['utterance']])}"
    labels = table.loc[rows["utterance"]]
    parts = []
    for label in ("speaker", "emotion"):
        counts = labels[label].dropna().value_counts()
        if len(counts):
            names = [f"{_short(str(name))} ({count})" for name, count in counts.items()]
            parts.append(f"by {label}: {listed(names, limit=5)}")
    return f"; {'; '.join(parts)}" if parts else ""


def _short(key: str) -> str:
    """Return an id without its corpus, which stands beside it."""
    return key.partition("/")[2] or key


def _duplicate_findings(corpus: str, part: pd.DataFrame) -> Iterator[Finding]:
    emotions, speakers = part["different_emotions"], part["different_speakers"]
    kinds: list[tuple[Level, pd.DataFrame, str, str]] = [
        (
            "serious",
            part[emotions],
            "with different emotions",
            "At least one label of each is wrong: find out which, or remove all of them.",
        ),
        (
            "serious",
            part[speakers & ~emotions],
            "under different speakers",
            "The same sound would stand in training and in test although the speakers differ. msfl keeps "
            "duplicates on one side of every split; still, at least one speaker label of each is wrong.",
        ),
        (
            "warning",
            part[~speakers & ~emotions],
            "with the same labels",
            "A random split would test on sound that was in training, and the recording counts twice. msfl "
            "keeps duplicates on one side of every split; remove all but one of each.",
        ),
    ]
    for level, rows, words, consequence in kinds:
        if rows.empty:
            continue
        groups = [list(group["utterance"]) for _, group in rows.groupby("group")]
        examples = "; ".join(
            " = ".join(_short(key) if corpus != "all" else key for key in group) for group in groups[:3]
        )
        more = f"; and {len(groups) - 3} more" if len(groups) > 3 else ""
        yield Finding(
            level,
            "duplicates",
            corpus,
            f"{counted(len(groups), 'recording')} {'is' if len(groups) == 1 else 'are'} there more than "
            f"once {words}: {examples}{more}.",
            consequence,
        )
