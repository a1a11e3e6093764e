"""From outcomes to curves and figures: deletion, insertion, comprehensiveness, sufficiency.

Curves and areas: Petsiuk, Das & Saenko (BMVC 2018), with one ranking for all utterances and UAR beside the probability
of the true class. Comprehensiveness and sufficiency: DeYoung et al. (ACL 2020), averaged over their bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analyses.faithfulness.outcomes import Outcome
from analyses.faithfulness.removal import Floats

BINS = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of the features at which comprehensiveness and sufficiency are averaged (DeYoung et al. 2020)."""
Direction = Literal["lower", "higher"]
BETTER: Mapping[str, Direction] = {
    "deletion": "lower",
    "insertion": "higher",
    "deletion probability": "lower",
    "insertion probability": "higher",
    "comprehensiveness": "higher",
    "sufficiency": "lower",
    "roar": "lower",
}
"""Test -> whether a faithful ranking has a lower or a higher value than a random one."""


@dataclass(frozen=True)
class Curves:
    """Curves of R rankings over S cuts.

    Attributes:
        shares: Share of the features removed (deletion) or kept (insertion), rising from 0 to 1, shape (R, S).
        uar: Unweighted average recall, mean over corpora, shape (R, S).
        truth: Mean probability of the true class, shape (R, S).
        first: Mean probability of the class that the whole input is given, shape (R, S).
    """

    shares: Floats
    uar: Floats
    truth: Floats
    first: Floats

    def reversed(self) -> Curves:
        """Read removal as keeping: removing in one order is keeping in the other, from the other end."""
        return Curves(1.0 - self.shares[:, ::-1], self.uar[:, ::-1], self.truth[:, ::-1], self.first[:, ::-1])


def curves(found: Outcome, shares: Floats) -> Curves:
    """Make curves of the counts of R rankings and S cuts per corpus."""
    return Curves(shares, found.uar(), found.probability("truth"), found.probability("first"))


def figures(deletion: Curves, insertion: Curves) -> dict[str, Floats]:
    """Return one figure per test and ranking, shape (R,).

    Args:
        deletion: Curves of removing the leaders first.
        insertion: Curves of keeping the leaders only.
    """
    whole = deletion.first[:, :1]
    return {
        "deletion": area(deletion.shares, deletion.uar),
        "insertion": area(insertion.shares, insertion.uar),
        "deletion probability": area(deletion.shares, deletion.truth),
        "insertion probability": area(insertion.shares, insertion.truth),
        "comprehensiveness": (whole - at(BINS, deletion.shares, deletion.first)).mean(axis=1),
        "sufficiency": (whole - at(BINS, insertion.shares, insertion.first)).mean(axis=1),
    }


def area(shares: Floats, values: Floats) -> Floats:
    """Return the area under each curve divided by its width: the mean height, by trapezia, shape (R,)."""
    width = shares[:, -1] - shares[:, 0]
    return np.asarray(np.trapezoid(values, shares, axis=1) / width)


def at(wanted: tuple[float, ...] | Floats, shares: Floats, values: Floats) -> Floats:
    """Return each curve at the wanted shares, straight between its cuts, shape (R, number wanted)."""
    points = np.asarray(wanted)
    return np.stack([np.interp(points, x, y) for x, y in zip(shares, values, strict=True)])
