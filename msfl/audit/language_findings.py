"""What follows for several languages together: what a comparison can show, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from msfl.audit.findings import Finding, Level, listed

ALL = "all"


def language_findings(table: pd.DataFrame) -> list[Finding]:
    """Draw the conclusions that concern the corpora and languages together."""
    found = list(_few_speakers(table))
    if table["language"].nunique() > 1:
        found += [*_recording_chain(table), *_naturalness(table), *_rates(table), *_emotions(table)]
    return found


def _few_speakers(table: pd.DataFrame) -> Iterator[Finding]:
    for language, part in table.groupby("language"):
        speakers = part["speaker"].nunique()
        if speakers == 1:
            yield Finding(
                "serious",
                "language",
                ALL,
                f"The language {language} has one speaker.",
                "loso (leave one speaker out) is impossible for a model of this language alone, and in a "
                "pool the language cannot be told from the voice: add speakers, or leave the language out.",
            )
        elif 2 <= speakers < 4:
            yield Finding(
                "warning",
                "language",
                ALL,
                f"The language {language} has {speakers} speakers only.",
                "What is found for it may be the habit of one of them.",
            )


def _recording_chain(table: pd.DataFrame) -> Iterator[Finding]:
    corpora = table.groupby("language")["corpus"].nunique()
    single = [str(language) for language in corpora.index[corpora == 1]]
    if not single:
        return
    every = len(single) == len(corpora)
    which = "Each language comes" if every else f"{listed(single)} come{'s' if len(single) == 1 else ''}"
    yield Finding(
        "warning",
        "language",
        ALL,
        f"{which} from one corpus, so that language, corpus and recording chain (room, microphone, level, "
        "actors, instructions) are one and the same.",
        "Can be concluded: which features carry emotion in all of the corpora, in spite of everything that "
        "differs between them. Cannot be concluded: that a difference between two corpora is a difference "
        "between the languages. A high score in recognising the language may be the microphone; for a "
        "claim on one language, add a second corpus of it.",
    )


def _naturalness(table: pd.DataFrame) -> Iterator[Finding]:
    kinds = _sets(table, "naturalness", by="language")
    if len(set(kinds.values())) < 2:
        return
    described = "; ".join(
        f"{kind}: {listed([language for language, values in kinds.items() if kind in values], limit=12)}"
        for kind in sorted({value for values in kinds.values() for value in values})
    )
    yield Finding(
        "warning",
        "language",
        ALL,
        f"The languages differ in naturalness ({described}).",
        "Acted emotion is stronger and more alike than spontaneous emotion: a difference between these "
        "languages may be one between acting and life.",
    )


def _rates(table: pd.DataFrame) -> Iterator[Finding]:
    rates = _sets(table, "sampling_rate", by="language")
    if len(set(rates.values())) < 2:
        return
    by_rate: dict[tuple[int, ...], list[str]] = {}
    for language, values in rates.items():
        by_rate.setdefault(values, []).append(language)
    described = "; ".join(
        f"{' and '.join(f'{value / 1000:g}' for value in values)} kHz: {listed(languages, limit=12)}"
        for values, languages in sorted(by_rate.items())
    )
    low = [language for language, values in rates.items() if min(values) < 16000]
    level: Level = "warning" if low else "note"
    consequence = (
        "The same speech gives other features at another rate, so the rate would be a hidden label of the "
        "language; msfl therefore resamples every recording to 16 kHz."
    )
    if low:
        consequence += (
            f" Resampling cannot restore what is above half of a rate below 16 kHz ({listed(low)}): the "
            "missing high frequencies still tell the language."
        )
    yield Finding(
        level, "recording format", ALL, f"The sampling rate differs by language ({described}).", consequence
    )


def _emotions(table: pd.DataFrame) -> Iterator[Finding]:
    languages = table["language"].nunique()
    spread = _sets(table, "language", by="emotion")
    shared = [emotion for emotion, tags in spread.items() if len(tags) == languages]
    if shared:
        yield Finding(
            "note",
            "emotion",
            ALL,
            f"{len(shared)} of {len(spread)} emotions occur in every language: {listed(shared, limit=12)}.",
            "A comparison between languages should use these.",
        )
    else:
        yield Finding(
            "serious",
            "emotion",
            ALL,
            "No emotion occurs in every language.",
            "Rankings of different languages would answer different questions: leave languages out until "
            "emotions are shared.",
        )
    alone = [f"{emotion} ({tags[0]})" for emotion, tags in spread.items() if len(tags) == 1]
    if alone:
        yield Finding(
            "warning",
            "emotion",
            ALL,
            f"In one language only: {listed(alone, limit=12)}.",
            "A model of several languages can recognise such an emotion by recognising the language: leave "
            "it out of the comparison.",
        )


def _sets(table: pd.DataFrame, column: str, *, by: str) -> dict[str, tuple[Any, ...]]:
    """Return the sorted distinct values of a column for each value of another; missing ones left out."""
    pairs = table[[by, column]].dropna().drop_duplicates()
    return {str(key): tuple(sorted(part)) for key, part in pairs.groupby(by)[column]}
