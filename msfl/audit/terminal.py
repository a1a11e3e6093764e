"""The audit for the terminal: tables first, then the findings in plain sentences, gravest first."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from msfl.audit.confounds import ALL
from msfl.audit.findings import LEVELS
from msfl.audit.result import Audit

HEADINGS = {
    "serious": ("Serious: a result would be wrong", "bold red"),
    "warning": ("Warnings: decide about them", "bold yellow"),
    "note": ("Notes: know them", "bold cyan"),
}
STYLES = {"strong": "bold red", "moderate": "yellow", "weak": "", "none": "dim"}
LABELS = {"sampling_rate": "sampling rate", "text": "sentence"}
"""Names of columns that a reader would not know."""
MOST_FAULTS = 12
"""So many faulty recordings are listed; the rest are in the JSON file."""
WIDTH = 100
"""Columns of a text that is not a table: longer lines are hard to read."""


def show(audit: Audit, console: Console) -> None:
    """Print the audit."""
    width = min(console.width, WIDTH)
    for part in (
        _corpora(audit),
        _speakers(audit),
        _emotions(audit),
        _confounds(audit),
        _faults(audit.faults),
    ):
        console.print(Group(*part))
    console.print(Group(*_findings(audit)), width=width)


def _table(*columns: str, left: int = 1) -> Table:
    """Return an empty table, the first `left` columns to the left, the others to the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place < left else "right", overflow="fold")
    return table


def _titled(title: str, table: Table, note: str = "") -> Iterator[RenderableType]:
    """Yield a table under its title, with a note on how to read it."""
    yield Text(f"\n{title}", style="bold")
    if note:
        yield Text(note, style="dim")
    yield table


def _corpora(audit: Audit) -> Iterator[RenderableType]:
    table = _table("corpus", "language", "files", "minutes", "seconds", "kHz", "channels", "encoding", left=2)
    durations = {row["corpus"]: row for _, row in audit.durations.iterrows()}
    for _, sizes in audit.speakers_by_corpus.iterrows():
        corpus = str(sizes["corpus"])
        formats = audit.formats[audit.formats["corpus"] == corpus]
        heard = durations.get(corpus)
        table.add_row(
            corpus,
            " ".join(_values(audit, corpus, "language")),
            f"{sizes['utterances']:,}",
            "" if heard is None else f"{heard['minutes']:.0f}",
            "" if heard is None else "/".join(f"{heard[k]:.1f}" for k in ("shortest", "median", "longest")),
            _distinct(formats["sampling_rate"] / 1000),
            _distinct(formats["channels"]),
            _distinct(formats["encoding"]),
        )
    return _titled("Recordings", table, "seconds: shortest / median / longest recording")


def _speakers(audit: Audit) -> Iterator[RenderableType]:
    table = _table("corpus", "speakers", "women", "men", "recordings\nof a speaker", "with one\nemotion only")
    single = {row["corpus"]: row["one_emotion_only"] for _, row in audit.concentration.iterrows()}
    for _, row in audit.speakers_by_corpus.iterrows():
        table.add_row(
            row["corpus"],
            *(f"{row[name]:,}" for name in ("speakers", "female", "male")),
            f"{row['least']:,} / {row['median']:g} / {row['most']:,}",
            str(single.get(row["corpus"], "")),
        )
    return _titled("Speakers", table, "recordings of a speaker: fewest / median / most")


def _emotions(audit: Audit) -> Iterator[RenderableType]:
    counts = audit.emotions_by_corpus
    corpora = [name for name in counts.columns if name != "emotion"]
    heads = [f"{name}\n{' '.join(_values(audit, name, 'language'))}" for name in corpora]
    table = _table("emotion", *heads)
    for _, row in counts.iterrows():
        table.add_row(str(row["emotion"]), *(f"{row[name]:,}" if row[name] else "-" for name in corpora))
    return _titled("Recordings by emotion", table)


def _confounds(audit: Audit) -> Iterator[RenderableType]:
    table = _table("corpus", "labels", "strength", "Cramer's V", "recordings", "values", left=3)
    unknown: dict[str, list[str]] = {}
    previous = None
    for _, row in _worth_showing(audit).iterrows():
        corpus = "all together" if row["corpus"] == ALL else row["corpus"]
        pair = " x ".join(_words(row[name]) for name in ("first", "second"))
        if pd.isna(row["cramers_v"]):
            unknown.setdefault(f"{pair}: {_words(row['reason'])}", []).append(corpus)
            continue
        if previous not in (None, corpus):
            table.add_section()
        table.add_row(
            "" if corpus == previous else corpus,
            pair,
            Text(row["strength"], style=STYLES[row["strength"]]),
            f"{row['cramers_v']:.2f}",
            f"{row['utterances']:,}",
            f"{row['values_first']:,} x {row['values_second']:,}",
        )
        previous = corpus
    yield from _titled(
        "Which labels go together?",
        table,
        "Cramer's V: 0 = independent, 1 = one label tells the other; corrected for chance (Bergsma 2013).\n"
        "Weak from 0.1, moderate from 0.3, strong from 0.5 (Cohen 1988).",
    )
    if unknown:
        lines = [f"{reason} ({', '.join(corpora)})" for reason, corpora in unknown.items()]
        yield Text("\n".join(["Cannot be computed:", *lines]), style="dim")


def _worth_showing(audit: Audit) -> pd.DataFrame:
    """Leave the pairs with language out where there is one language: nothing can be confounded with it."""
    several = len(audit.speakers_by_language) > 1
    return audit.confounds if several else audit.confounds[audit.confounds["corpus"] != ALL]


def _faults(faults: pd.DataFrame) -> Iterator[RenderableType]:
    if faults.empty:
        return
    more = len(faults) - MOST_FAULTS
    # some of each kind, so that thirty clipped recordings do not hide the one that is cut off
    place = faults.groupby("fault", sort=False).cumcount()
    shown = faults.loc[place.sort_values(kind="stable").index[:MOST_FAULTS].sort_values()]
    table = _table("recording", "fault", "detail", left=3)
    for _, row in shown.iterrows():
        table.add_row(row["utterance"], row["fault"], row["detail"])
    yield from _titled("Faulty recordings", table)
    if more > 0:
        yield Text(f"and {more:,} more, all of them in audit.json", style="dim")


def _findings(audit: Audit) -> Iterator[RenderableType]:
    if not audit.findings:
        yield Text("\nNothing stands out.")
    for level in LEVELS:
        found = [finding for finding in audit.findings if finding.level == level]
        if not found:
            continue
        heading, style = HEADINGS[level]
        yield Text(f"\n{heading}", style=style)
        for finding in found:
            head = Text("" if finding.corpus == ALL else f"{finding.corpus}: ", style="bold")
            head.append(finding.sentence, style="not bold")
            parts: list[RenderableType] = [Padding(head, (0, 0, 0, 2))]
            if finding.consequence:
                parts.append(Padding(Text(finding.consequence, style="dim"), (0, 0, 0, 6)))
            yield Group(*parts)


def _words(text: str) -> str:
    for name, words in LABELS.items():
        text = text.replace(name, words)
    return text


def _values(audit: Audit, corpus: str, label: str) -> list[str]:
    rows = audit.labels[(audit.labels["corpus"] == corpus) & (audit.labels["label"] == label)]
    return [str(value) for value in rows["value"]]


def _distinct(values: pd.Series) -> str:
    """Return the distinct values in one cell, ``16 44.1``."""
    known = sorted(values.dropna().unique())
    return " ".join(value if isinstance(value, str) else f"{value:g}" for value in known)
