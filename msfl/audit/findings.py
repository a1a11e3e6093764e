"""What an audit says in words: one sentence on what was found, one on what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["note", "warning", "serious"]

LEVELS: tuple[Level, ...] = ("serious", "warning", "note")
"""Gravest first. ``serious``: a result would be wrong; ``warning``: decide about it; ``note``: know it."""


@dataclass(frozen=True)
class Finding:
    """One finding of the audit.

    Attributes:
        level: How grave it is, see `LEVELS`.
        topic: What it is about: ``speaker``, ``text``, ``gender``, ``language``, ``labels``, ``files``, ...
        corpus: Label of the corpus; ``all`` where it concerns the corpora together.
        sentence: What was found, in plain words.
        consequence: What follows for split, normalisation, training or conclusions; may be empty.
    """

    level: Level
    topic: str
    corpus: str
    sentence: str
    consequence: str = ""


def by_level(findings: list[Finding]) -> list[Finding]:
    """Return the findings, gravest first, otherwise in the order given."""
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def listed(names: list[str], limit: int = 6) -> str:
    """Return names in one phrase: ``a, b and c``; ``a, b and 5 more`` beyond the limit.

    Example:
        >>> listed(["anger", "fear", "joy"])
        'anger, fear and joy'
    """
    shown = names if len(names) <= limit else [*names[: limit - 1], f"{len(names) - limit + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def counted(number: int, noun: str) -> str:
    """Return ``1 file``, ``2 files``, ``1,200 files``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
