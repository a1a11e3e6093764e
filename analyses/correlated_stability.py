"""Stability of lists whose items may stand for each other: the index of Sechidis et al.

Of 1,582 features many are nearly copies of one another: the quartiles of a contour, a mean and a mean of the upper
half. Two lists that choose different copies differ for Nogueira's index and hardly differ for a reader; this index
tells whether that is why lists differ. Sechidis, Papangelou, Nogueira, Weatherall & Brown (2019): On the stability of
feature selection in the presence of feature correlations. ECML PKDD, LNCS 11906, 327-342.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from msfl.runs import Run

SECHIDIS = "sechidis"
ALIKE = 0.9
"""Correlations below this count as none."""
UTTERANCES = 2000
"""Correlations are computed from so many utterances at most."""
BLOCK = 512
"""Features whose correlations with all others are in memory at once."""


@dataclass(frozen=True)
class Likeness:
    """How alike the D items of a list are.

    Attributes:
        values: Standardised values whose products are correlations, shape (n, D): columns of length one, or zero.
        total: Sum of the likeness of all ordered pairs of different items.
    """

    values: NDArray[np.float32]
    total: float

    def among(self, items: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the likeness among some items: the absolute correlation from `ALIKE` on, else 0; the diagonal is 1."""
        own = self.values[:, items]
        found = _likeness(own.T @ own)
        np.fill_diagonal(found, 1.0)
        return found


def likeness_of(values: NDArray[np.floating], groups: NDArray[np.str_]) -> Likeness:
    """Return the likeness of features by their correlation within groups.

    Args:
        values: Shape (n, D).
        groups: Corpus of each row, shape (n,): correlations of means between corpora do not count.
    """
    inside = values.astype(np.float64)
    for one in np.unique(groups):
        rows = groups == one
        inside[rows] -= inside[rows].mean(axis=0)
        spread = inside[rows].std(axis=0)
        inside[rows] = np.divide(inside[rows], spread, out=np.zeros_like(inside[rows]), where=spread > 1e-12)
    length = np.sqrt((inside**2).sum(axis=0))
    unit = np.divide(inside, length, out=np.zeros_like(inside), where=length > 0).astype(np.float32)
    total = 0.0
    for start in range(0, unit.shape[1], BLOCK):
        found = _likeness(unit[:, start : start + BLOCK].T @ unit)
        rows = np.arange(len(found))
        found[rows, rows + start] = 0.0
        total += float(found.sum())
    return Likeness(unit, total)


def likeness_of_run(run: Run) -> Likeness:
    """Return the likeness of the features of a run, in the order of their names."""
    features = run.features()
    corpus = run.utterances["corpus"].reindex(features.index).astype(str).to_numpy(dtype=str)
    if len(features) > UTTERANCES:
        rows = np.sort(np.random.default_rng(0).choice(len(features), UTTERANCES, replace=False))
        features, corpus = features.iloc[rows], corpus[rows]
    return likeness_of(features[sorted(features.columns)].to_numpy(dtype=np.float32), corpus)


def sechidis(chosen: NDArray[np.bool_], likeness: Likeness) -> float:
    """Return the stability index of Sechidis et al. (2019, definition 3).

    With M repeats, d items, C the likeness, S the unbiased covariance matrix of the choices, k_i the number of items
    that repeat i chooses and kbar their mean:

        Phi_C = 1 - tr(C S) / tr(C S0),    S0_ff = kbar/d (1 - kbar/d),
        S0_fg = (mean k_i^2 - kbar) / (d^2 - d) - kbar^2 / d^2

    S0 is what random choices have. Where C is the identity it is Nogueira's index.

    Args:
        chosen: Whether each repeat chooses each item, shape (M, d), in the order of the items of `likeness`.
        likeness: How alike the items are.

    Returns:
        NaN where it is not defined: one repeat, or every item chosen.
    """
    repeats, items = chosen.shape
    sizes = chosen.sum(axis=1).astype(np.float64)
    mean = float(sizes.mean())
    share = mean / items
    apart = (float((sizes**2).mean()) - mean) / (items**2 - items) - share**2
    room = items * share * (1 - share) + apart * likeness.total
    if repeats < 2 or room <= 0:
        return float("nan")
    used = np.flatnonzero(chosen.any(axis=0))
    deviation = chosen[:, used] - chosen[:, used].mean(axis=0)
    observed = float(np.einsum("if,fg,ig->", deviation, likeness.among(used), deviation, optimize=True))
    return float(1 - observed / (repeats - 1) / room)


def _likeness(correlations: NDArray[np.floating]) -> NDArray[np.float64]:
    values = np.abs(correlations.astype(np.float64))
    return np.where(values >= ALIKE, np.minimum(values, 1.0), 0.0)
