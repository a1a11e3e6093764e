"""What follows for one corpus: labels that give the emotion away, labels that are thin or missing."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from msfl.audit.confounds import ALL
from msfl.audit.findings import Finding, Level, counted, listed

SINGLE_EMOTION_SHARE = 0.5
"""From this share of speakers with one emotion only, a confound of speaker and emotion is always serious."""
FEW_UTTERANCES = 10
"""An emotion with fewer utterances than this in a corpus is called rare."""
UNEVEN = 3.0
"""From this ratio of the largest to the smallest emotion, a corpus is called uneven."""


def corpus_findings(
    table: pd.DataFrame, confounds: pd.DataFrame, concentration: pd.DataFrame
) -> list[Finding]:
    """Draw the conclusions that concern one corpus at a time.

    Args:
        table: Utterance table.
        confounds: As `confounds.confounds` returns it.
        concentration: As `counts.concentration` returns it.
    """
    strengths = {
        (row["corpus"], row["first"]): row for _, row in confounds.iterrows() if row["corpus"] != ALL
    }
    spread = {row["corpus"]: row for _, row in concentration.iterrows()}
    found: list[Finding] = []
    for name, part in table.groupby("corpus"):
        corpus = str(name)
        if corpus in spread:
            found += _speaker(corpus, strengths[corpus, "speaker"], spread[corpus])
        found += _text(corpus, strengths[corpus, "text"])
        found += _gender(corpus, strengths[corpus, "gender"])
        found += _rate(corpus, strengths[corpus, "sampling_rate"])
        found += _emotions(corpus, part)
        found += _missing(corpus, part)
    return found


def _v(row: pd.Series) -> str:
    """Return ``Cramer's V .92, strong``."""
    return f"Cramer's V {row['cramers_v']:.2f}, {row['strength']}"


def _grave(row: pd.Series) -> bool:
    return row["strength"] in ("moderate", "strong")


def _speaker(corpus: str, row: pd.Series, spread: pd.Series) -> Iterator[Finding]:
    if pd.isna(row["cramers_v"]) or row["values_second"] < 2:
        return
    single, speakers = int(spread["one_emotion_only"]), int(spread["speakers"])
    concentrated = ""
    if speakers > 2 * spread["largest"] and spread["largest_utterances"] >= spread["utterances"] / 2:
        concentrated = (
            f" The {spread['largest']} speakers with the most recordings make up "
            f"{spread['largest_utterances']:,} of {spread['utterances']:,} recordings."
        )
    if not _grave(row):
        if concentrated:
            yield Finding("note", "speaker", corpus, concentrated.strip(), "Scores rest on few voices.")
        return
    mostly_single = single / speakers >= SINGLE_EMOTION_SHARE
    yield Finding(
        "serious" if mostly_single or row["strength"] == "strong" else "warning",
        "speaker",
        corpus,
        f"Speaker and emotion are confounded: {single} of {speakers} speakers occur with one emotion only "
        f"({_v(row)}).{concentrated}",
        _SPLIT + (_SINGLE if mostly_single else "") + _NORMALISATION,
    )


_SPLIT = (
    "For the split: a random split puts the same speakers into training and test and would recognise "
    "speakers instead of emotions; use speaker-independent splits only (speaker-kfold; or loso, which leaves "
    "one speaker out at a time). "
)
_SINGLE = (
    "A held-out speaker often has one emotion only, so scores mean something over all speakers together, not "
    "for each. "
)
_NORMALISATION = (
    "For the normalisation: normalising per speaker takes away what is common to a speaker's recordings, "
    "which here is the emotion, and so erases the label; use `train` normalisation for this corpus."
)


def _text(corpus: str, row: pd.Series) -> Iterator[Finding]:
    if row["reason"].startswith("every utterance has its own"):
        yield Finding(
            "note",
            "text",
            corpus,
            "Every recording has a sentence of its own.",
            "Whether the words give the emotion away cannot be measured from the labels.",
        )
    elif _grave(row):
        yield Finding(
            "serious" if row["strength"] == "strong" else "warning",
            "text",
            corpus,
            f"Sentence and emotion are confounded ({_v(row)}, {row['values_first']:,} sentences).",
            "The speech sounds of a sentence shape the features too: a model can recognise the sentence in "
            "place of the emotion. Features of spectrum and cepstrum that rank high here may tell the "
            "words, not the voice.",
        )


def _gender(corpus: str, row: pd.Series) -> Iterator[Finding]:
    if row["values_first"] == 1 and row["utterances"]:
        yield Finding(
            "note",
            "gender",
            corpus,
            "All speakers have the same gender.",
            "Features that depend on it (pitch level, formants) are tested on half of the voices that "
            "there are.",
        )
    elif _grave(row):
        yield Finding(
            "serious" if row["strength"] == "strong" else "warning",
            "gender",
            corpus,
            f"Gender and emotion are confounded ({_v(row)}).",
            "The level of pitch tells women from men and with it the emotion: do not read the importance "
            "of pitch level in this corpus as a cue of emotion.",
        )


def _rate(corpus: str, row: pd.Series) -> Iterator[Finding]:
    if _grave(row):
        yield Finding(
            "serious" if row["strength"] == "strong" else "warning",
            "recording format",
            corpus,
            f"Sampling rate and emotion go together ({_v(row)}).",
            "The recordings of different emotions went through different equipment or editing; resampling "
            "to 16 kHz cannot undo all of it, so a model may recognise the source of a file in place of "
            "its emotion.",
        )


def _emotions(corpus: str, part: pd.DataFrame) -> Iterator[Finding]:
    known = part.dropna(subset=["emotion"])
    sizes = known["emotion"].value_counts()
    if len(sizes) == 1:
        yield Finding(
            "serious",
            "emotion",
            corpus,
            f"Only one emotion occurs: {sizes.index[0]}.",
            "Nothing can be told apart within this corpus; in a pool of corpora, the emotion would be "
            "known from the corpus.",
        )
        return
    speakers = known.dropna(subset=["speaker"]).groupby("emotion")["speaker"].nunique()
    lonely = sorted(str(name) for name in speakers.index[speakers == 1])
    if lonely:
        yield Finding(
            "warning",
            "emotion",
            corpus,
            f"One speaker only has {listed(lonely)}.",
            "In a speaker-independent split this emotion is either in training or in test, never in both: "
            "leave it out.",
        )
    rare = sorted(str(name) for name in sizes.index[sizes < FEW_UTTERANCES])
    if rare:
        yield Finding(
            "warning",
            "emotion",
            corpus,
            f"Fewer than {FEW_UTTERANCES} recordings have {listed(rare)}.",
            "Its recall will be a matter of chance: leave it out, or read its interval first.",
        )
    elif len(sizes) and sizes.max() / sizes.min() >= UNEVEN:
        yield Finding(
            "note",
            "emotion",
            corpus,
            f"The emotions are uneven: {sizes.max():,} of {sizes.idxmax()}, {sizes.min():,} of "
            f"{sizes.idxmin()}.",
            "Judge by UAR (unweighted average recall: every emotion counts the same), not by accuracy.",
        )


def _missing(corpus: str, part: pd.DataFrame) -> Iterator[Finding]:
    for label, grave, consequence in _MISSING:
        absent = int(part[label].isna().sum())
        if not absent:
            continue
        level: Level = "note" if not grave else "serious" if absent == len(part) else "warning"
        which = (
            "all recordings" if absent == len(part) else f"{counted(absent, 'recording')} of {len(part):,}"
        )
        yield Finding(level, "labels", corpus, f"The {label} of {which} is not known.", consequence)


_MISSING = (
    ("emotion", True, "They can neither train nor test the emotion; other tasks can still use them."),
    (
        "speaker",
        True,
        "Without the speaker no split can be proved to be speaker-independent: give the speakers, or leave "
        "these recordings out.",
    ),
    ("gender", False, "The task gender, and counts by gender, leave these recordings out."),
)
"""Label, whether results suffer when it is missing, what follows."""
