"""How strongly two labels go together: Cramer's V with Bergsma's bias correction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

STRENGTHS = ((0.5, "strong"), (0.3, "moderate"), (0.1, "weak"), (0.0, "none"))
"""Lower limit -> word: the limits that Cohen (1988, section 7.2) gives for an effect size of contingency
tables."""


@dataclass(frozen=True)
class Association:
    """Strength of the association of two labels.

    Attributes:
        utterances: Number of utterances that have both labels.
        values_a: Number of different values of the first label among them.
        values_b: Number of different values of the second label among them.
        cramers_v: Bias-corrected Cramer's V, 0 (independent) to 1 (one label tells the other); None if
            not computable.
        uncorrected: The plain Cramer's V, which is too high when values are many and utterances few.
        reason: Why it cannot be computed, as a sentence without full stop; empty if it can.
    """

    utterances: int
    values_a: int
    values_b: int
    cramers_v: float | None = None
    uncorrected: float | None = None
    reason: str = ""

    @property
    def strength(self) -> str:
        """``none``, ``weak``, ``moderate`` or ``strong``; ``unknown`` where V is not computable."""
        return "unknown" if self.cramers_v is None else strength(self.cramers_v)


def strength(cramers_v: float) -> str:
    """Return the word for a value of Cramer's V, see `STRENGTHS`."""
    return next(word for limit, word in STRENGTHS if cramers_v >= limit)


def associate(a: pd.Series[str], b: pd.Series[str]) -> Association:
    """Measure how strongly two labels of the same utterances go together.

    With phi2 = chi2/n, r rows and k columns, the plain V is sqrt(phi2 / min(k-1, r-1)). It is above zero for
    independent labels too, and close to one when nearly every utterance has its own value (its own sentence,
    its own speaker). The correction takes off what chance gives: phi2' = max(0, phi2 - (k-1)(r-1)/(n-1)), r'
    = r - (r-1)^2/(n-1), k' = k - (k-1)^2/(n-1), V' = sqrt(phi2' / min(k'-1, r'-1)).
    Bergsma, W. (2013): A bias-correction for Cramer's V and Tschuprow's T. J. Korean Statistical Society 42,
    323-328.

    Args:
        a: First label, shape (n,); utterances where either label is missing are left out.
        b: Second label, shape (n,), same index.
    """
    known = a.notna() & b.notna()
    n = int(known.sum())
    if n == 0:
        unknown = [str(label.name) for label in (a, b) if label.isna().all()]
        return Association(
            0, 0, 0, reason=f"no {unknown[0]} is known" if unknown else "no utterance has both labels"
        )
    rows, row_names = pd.factorize(a[known])
    columns, column_names = pd.factorize(b[known])
    r, k = len(row_names), len(column_names)
    if min(r, k) < 2:
        which = a.name if r < 2 else b.name
        return Association(n, r, k, reason=f"only one value of {which}")
    phi2 = _phi_squared(rows, columns, r, k)
    plain = math.sqrt(min(phi2 / min(k - 1, r - 1), 1.0))
    r_corrected = r - (r - 1) ** 2 / (n - 1)
    k_corrected = k - (k - 1) ** 2 / (n - 1)
    room = min(k_corrected, r_corrected) - 1
    if room < 1e-9:
        which = a.name if r == n else b.name
        return Association(n, r, k, uncorrected=plain, reason=f"every utterance has its own {which}")
    corrected = math.sqrt(min(max(0.0, phi2 - (k - 1) * (r - 1) / (n - 1)) / room, 1.0))
    return Association(n, r, k, cramers_v=corrected, uncorrected=plain)


def _phi_squared(rows: np.ndarray, columns: np.ndarray, r: int, k: int) -> float:
    """Return chi2/n of the cross table of two code vectors, through the cells that are not empty."""
    n = len(rows)
    row_sums, column_sums = np.bincount(rows, minlength=r), np.bincount(columns, minlength=k)
    cells, observed = np.unique(rows.astype(np.int64) * k + columns, return_counts=True)
    # sum over all cells of (o - e)^2 / e = sum over the filled cells of o^2 / e, minus n
    expected = row_sums[cells // k] * column_sums[cells % k] / n
    return float((observed**2 / expected).sum() / n - 1)
