"""The audit as one object: tables, and what follows from them, to JSON and back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd

from msfl import __version__
from msfl.audit import counts
from msfl.audit.confounds import confounds
from msfl.audit.corpus_findings import corpus_findings
from msfl.audit.file_findings import duplicates, faults, file_findings
from msfl.audit.findings import Finding, by_level
from msfl.audit.language_findings import language_findings
from msfl.audit.recordings import measure, with_formats
from msfl.errors import DataError

FORMAT = "msfl-audit"
VERSION = 1


@dataclass(frozen=True)
class Audit:
    """What `audit` found. Every table is plain: one row per thing, documented where it is made.

    Attributes:
        labels: Counts of language, emotion, gender, naturalness per corpus (`counts.label_counts`).
        emotions_by_corpus: Emotion x corpus (`counts.emotions_by`).
        emotions_by_language: Emotion x language (`counts.emotions_by`).
        speakers_by_corpus: Speakers and their utterances (`counts.speaker_counts`).
        speakers_by_language: The same per language.
        concentration: Speakers with one emotion only, share of the largest (`counts.concentration`).
        formats: Sampling rates, channels and encodings by corpus and language (`counts.formats`).
        durations: Durations per corpus (`counts.durations`).
        confounds: Cramer's V of the pairs of labels (`confounds.confounds`).
        faults: Recordings that are unreadable, silent, quiet, short, clipped (`file_findings.faults`).
        duplicates: Recordings that are there more than once (`file_findings.duplicates`).
        findings: What follows, gravest first.
    """

    labels: pd.DataFrame
    emotions_by_corpus: pd.DataFrame
    emotions_by_language: pd.DataFrame
    speakers_by_corpus: pd.DataFrame
    speakers_by_language: pd.DataFrame
    concentration: pd.DataFrame
    formats: pd.DataFrame
    durations: pd.DataFrame
    confounds: pd.DataFrame
    faults: pd.DataFrame
    duplicates: pd.DataFrame
    findings: list[Finding]

    @property
    def unreadable(self) -> int:
        """Number of recordings that could not be read."""
        return int((self.faults["fault"] == "unreadable").sum())

    def to_json(self) -> str:
        """Return the audit as a JSON text; `from_json` reads it."""
        tables = {name: _to_records(getattr(self, name)) for name in _TABLES}
        whole = {"format": FORMAT, "version": VERSION, "msfl": __version__, "tables": tables}
        return json.dumps(
            whole | {"findings": [asdict(finding) for finding in self.findings]}, indent=1, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, text: str) -> Audit:
        """Read what `to_json` wrote.

        Raises:
            DataError: The text is not such an audit, or one of another version.
        """
        try:
            whole = json.loads(text)
            if whole["format"] != FORMAT:
                raise KeyError("format")
            if whole["version"] != VERSION:
                raise DataError(
                    f"The audit has version {whole['version']}, this msfl reads version {VERSION}; run "
                    "`msfl scan` again."
                )
            tables = {name: _from_records(whole["tables"][name]) for name in _TABLES}
            findings = [Finding(**finding) for finding in whole["findings"]]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                "This is not an audit that msfl wrote, or it is damaged; run `msfl scan` again."
            ) from error
        return cls(**tables, findings=findings)


_TABLES = tuple(field.name for field in fields(Audit) if field.name != "findings")


def audit(
    table: pd.DataFrame,
    *,
    recordings: pd.DataFrame | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Audit:
    """Audit corpora before anything is trained on them.

    Args:
        table: Utterance table.
        recordings: Measurements of its recordings, as `recordings.measure` returns them; None to measure now.
        jobs: Number of threads; None for one per core.
        progress: Show a progress bar on stderr.

    Example:
        >>> found = audit(msfl.corpora.load("urdu=corpora/urdu"))  # doctest: +SKIP
        >>> found.findings[0].sentence  # doctest: +SKIP
        'Speaker and emotion are confounded: 26 of 29 speakers occur with one emotion only ...'
    """
    if recordings is None:
        recordings = measure(table, jobs=jobs, progress=progress)
    table = with_formats(table, recordings)
    strengths, concentration = confounds(table), counts.concentration(table)
    faulty, doubled = faults(table, recordings), duplicates(table, recordings)
    findings = [
        *corpus_findings(table, strengths, concentration),
        *file_findings(table, faulty, doubled),
        *language_findings(table),
    ]
    return Audit(
        labels=counts.label_counts(table),
        emotions_by_corpus=counts.emotions_by(table, "corpus"),
        emotions_by_language=counts.emotions_by(table, "language"),
        speakers_by_corpus=counts.speaker_counts(table, "corpus"),
        speakers_by_language=counts.speaker_counts(table, "language"),
        concentration=concentration,
        formats=counts.formats(table),
        durations=counts.durations(table),
        confounds=strengths,
        faults=faulty,
        duplicates=doubled,
        findings=by_level(findings),
    )


def _to_records(table: pd.DataFrame) -> dict[str, Any]:
    """Return a table as plain lists, with the types of its columns, which JSON alone would lose."""
    columns = {str(name): str(dtype) for name, dtype in table.dtypes.items()}
    rows = json.loads(table.to_json(orient="values", double_precision=15))
    return {"columns": columns, "rows": rows}


def _from_records(stored: dict[str, Any]) -> pd.DataFrame:
    columns = stored["columns"]
    if not all(len(row) == len(columns) for row in stored["rows"]):
        raise ValueError("a row does not have the columns of its table")
    return pd.DataFrame(stored["rows"], columns=list(columns)).astype(columns)
