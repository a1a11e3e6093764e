"""Confounds: labels that go together, so that a model may learn one in place of the other."""

from __future__ import annotations

import pandas as pd

from msfl.audit.association import associate

WITHIN = (("speaker", "emotion"), ("text", "emotion"), ("gender", "emotion"), ("sampling_rate", "emotion"))
"""Pairs measured inside each corpus."""
ACROSS = (
    ("corpus", "language"),
    ("sampling_rate", "language"),
    ("encoding", "language"),
    ("naturalness", "language"),
    ("emotion", "language"),
)
"""Pairs measured over all corpora together."""
ALL = "all"
"""Stands in the column corpus for all corpora together."""


def confounds(table: pd.DataFrame) -> pd.DataFrame:
    """Measure every pair of labels that can be confounded in emotional speech.

    Returns:
        Columns corpus (a label or ``all``), first, second (names of the labels), utterances, values_first,
        values_second, cramers_v (bias-corrected, see `association.associate`; missing if not computable),
        uncorrected, strength (``none``, ``weak``, ``moderate``, ``strong``, ``unknown``), reason (why it is
        not computable).
    """
    rows = [_row(str(name), part, pair) for name, part in table.groupby("corpus") for pair in WITHIN]
    rows += [_row(ALL, table, pair) for pair in ACROSS]
    frame = pd.DataFrame(rows)
    return frame.astype({"cramers_v": "float64", "uncorrected": "float64"})


def _row(corpus: str, part: pd.DataFrame, pair: tuple[str, str]) -> dict[str, object]:
    found = associate(part[pair[0]], part[pair[1]])
    return {
        "corpus": corpus,
        "first": pair[0],
        "second": pair[1],
        "utterances": found.utterances,
        "values_first": found.values_a,
        "values_second": found.values_b,
        "cramers_v": found.cramers_v,
        "uncorrected": found.uncorrected,
        "strength": found.strength,
        "reason": found.reason,
    }
