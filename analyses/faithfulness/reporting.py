"""From what was judged to the rows of the tables `faithfulness` and `curves`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.faithfulness.chance import against_random
from analyses.faithfulness.curves import BETTER, Curves, area, at, curves, figures
from analyses.faithfulness.judging import Groups, Judged
from analyses.faithfulness.outcomes import Outcome
from analyses.faithfulness.removal import Floats

FIGURES = (
    "method", "language_set", "model", "level", "test", "value", "random_mean", "random_sd", "random_draws",
    "p_value", "p_normal", "better", "utterances", "ranked_by",
)  # fmt: skip
POINTS = ("method", "language_set", "model", "level", "test", "share", "value", "low", "high")
RANDOM = "random"
"""What stands for a method in the curves of the random rankings."""


@dataclass(frozen=True)
class Report:
    """What was found in one language set, by one model, at one level.

    Attributes:
        place: Columns language_set, model and level of every row.
        methods: The R methods in the order of their rankings, with what they are ranked by.
        groups: The groups of the counts.
        judged: The counts, of R rankings where a model was retrained, else also of the R rankings reversed.
        resamples: Bootstrap resamples of the speakers, for the intervals of the curves.
        seed: Seed of the resamples.
    """

    place: dict[str, str]
    methods: list[tuple[str, str]]
    groups: Groups
    judged: Judged
    resamples: int
    seed: int

    def figures(self) -> Iterator[dict[str, Any]]:
        """Yield rows of the table `faithfulness`."""
        own = self._curves(self.judged.own.pooled(self.groups.membership))
        random = curves(self.judged.random, self.judged.random_shares)
        if self._is_retrained:
            measured = {"roar": area(own.shares, own.uar)}
            drawn = {"roar": area(random.shares, random.uar)}
        else:
            measured = figures(*self._ways(own))
            drawn = figures(random, random.reversed())
        for row, (method, source) in enumerate(self.methods):
            for test, values in measured.items():
                chance = against_random(float(values[row]), drawn[test], BETTER[test])
                yield {
                    "method": method,
                    **self.place,
                    "test": test,
                    "value": chance.value,
                    "random_mean": chance.mean,
                    "random_sd": chance.sd,
                    "random_draws": chance.draws,
                    "p_value": chance.p_value,
                    "p_normal": chance.p_normal,
                    "better": BETTER[test],
                    "utterances": self.judged.utterances,
                    "ranked_by": source,
                }

    def points(self) -> Iterator[dict[str, Any]]:
        """Yield rows of the table `curves`."""
        own = self._curves(self.judged.own.pooled(self.groups.membership))
        random = curves(self.judged.random, self.judged.random_shares)
        spread = self._resampled()
        if self._is_retrained:
            yield from self._points("roar", "uar", own, spread, random)
            return
        removed, kept = self._ways(own)
        ways = [self._ways(one) for one in spread]
        for name, value in (("{}", "uar"), ("{} probability", "truth")):
            yield from self._points(name.format("deletion"), value, removed, [one for one, _ in ways], random)
            yield from self._points(
                name.format("insertion"), value, kept, [one for _, one in ways], random.reversed()
            )

    @property
    def _is_retrained(self) -> bool:
        return len(self.judged.own_shares) == len(self.methods)

    def _curves(self, found: Outcome) -> Curves:
        return curves(found, self.judged.own_shares)

    def _ways(self, own: Curves) -> tuple[Curves, Curves]:
        """Return the curves of removing the leaders, and of keeping them: the second half, read backwards."""
        count = len(self.methods)
        return _part(own, slice(0, count)), _part(own, slice(count, None)).reversed()

    def _resampled(self) -> list[Curves]:
        """Return the curves of resamples of the speakers within each corpus; none where a corpus has one speaker."""
        from msfl.evaluation.intervals import draw_weights

        membership = self.groups.membership
        used = self.judged.own.support.sum(axis=1) > 0
        drawn = np.zeros((self.resamples, *membership.shape))
        for row, corpus in enumerate(self.groups.corpora):
            columns = np.flatnonzero((membership[row] > 0) & used)
            if len(columns) == 1:
                return []
            if len(columns):
                weights = draw_weights(len(columns), corpus, resamples=self.resamples, seed=self.seed)
                drawn[:, row, columns] = weights
        return [self._curves(self.judged.own.pooled(weights)) for weights in drawn]

    def _points(
        self, test: str, value: str, own: Curves, spread: list[Curves], random: Curves
    ) -> Iterator[dict[str, Any]]:
        """Yield one curve per method, with an interval over speakers, and that of the random rankings."""
        shares = _grid(own)
        middle = at(shares, own.shares, getattr(own, value))
        low = high = np.full_like(middle, np.nan)
        if spread:
            drawn = np.stack([at(shares, one.shares, getattr(one, value)) for one in spread])
            low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        for row, (method, _) in enumerate(self.methods):
            yield from self._curve(method, test, shares, middle[row], low[row], high[row])
        chance = at(shares, random.shares, getattr(random, value))
        low, high = np.quantile(chance, [0.025, 0.975], axis=0)
        yield from self._curve(RANDOM, test, shares, chance.mean(axis=0), low, high)

    def _curve(
        self, method: str, test: str, shares: Floats, middle: Floats, low: Floats, high: Floats
    ) -> Iterator[dict[str, Any]]:
        for share, value, below, above in zip(shares, middle, low, high, strict=True):
            yield {
                "method": method,
                **self.place,
                "test": test,
                "share": float(share),
                "value": float(value),
                "low": float(below),
                "high": float(above),
            }


def _grid(own: Curves) -> Floats:
    """Return the shares at which all curves of a level are given: evenly many items, whatever their sizes."""
    count = own.shares.shape[1]
    return (
        own.shares[0]
        if np.allclose(own.shares, own.shares[0])
        else np.linspace(0, own.shares[:, -1].min(), count)
    )


def _part(found: Curves, rows: slice) -> Curves:
    return Curves(found.shares[rows], found.uar[rows], found.truth[rows], found.first[rows])
