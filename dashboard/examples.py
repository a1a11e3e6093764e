"""Which utterances stand for the low, middle and high end of a feature, and how its values are made comparable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ENDS = ("low", "middle", "high")
SCALES = ("raw", "corpus", "speaker")
"""How values are shown: as measured, or as z-scores within each corpus or speaker."""


Groups = tuple[np.ndarray[tuple[int], np.dtype[np.intp]], int]
"""Number of the group of each utterance, and how many groups there are."""


def groups_of(utterances: pd.DataFrame, scale: str) -> Groups:
    """Return the corpus or speaker of utterances as numbers.

    Args:
        utterances: Rows of the utterance table.
        scale: ``corpus`` or ``speaker``. Utterances without a speaker are taken together within their corpus.
    """
    import pandas as pd

    group = utterances["corpus"].astype("string")
    if scale == "speaker":
        group = utterances["speaker"].astype("string").fillna(group)
    codes, found = pd.factorize(group.fillna(""))
    return codes, len(found)


def scaled(values: pd.Series, groups: Groups | None) -> pd.Series:
    """Return a feature as z-scores within groups of utterances.

    Args:
        values: Raw values, index ``utterance``.
        groups: The groups of these utterances, see `groups_of`; None: the values stay as they were measured.

    Returns:
        Values on the same index; missing where a group has one value only.
    """
    if groups is None:
        return values
    codes, count = groups
    x = values.to_numpy(dtype=np.float64)
    known = np.isfinite(x)
    sizes = np.bincount(codes[known], minlength=count)
    means = np.bincount(codes[known], x[known], minlength=count) / np.maximum(sizes, 1)
    squares = np.bincount(codes[known], (x[known] - means[codes[known]]) ** 2, minlength=count)
    deviations = np.sqrt(squares / np.maximum(sizes, 1))
    deviations[deviations == 0] = np.nan
    return (values - means[codes]) / deviations[codes]


WIDEST = 120
"""Utterances at an end that are gone through, at most."""


@dataclass(frozen=True)
class Facts:
    """Who speaks an utterance, and how; empty where the corpus does not say."""

    language: str
    emotion: str
    speaker: str


def facts_of(utterances: pd.DataFrame) -> dict[str, Facts]:
    """Return the facts of all utterances by id: a dictionary answers faster than a table."""
    columns = [
        utterances[name].astype("string").fillna("").tolist() for name in ("language", "emotion", "speaker")
    ]
    rows = zip(*columns, strict=True)
    return {str(name): Facts(*row) for name, row in zip(utterances.index, rows, strict=True)}


def choose(values: pd.Series, facts: Mapping[str, Facts], count: int) -> dict[str, list[str]]:
    """Return utterances at the low end, around the median, and at the high end of a feature.

    The extreme tenth of the values is gone through so that languages take turns, and within a language the speakers;
    otherwise one high voice would be all that one hears.

    Args:
        values: Values to choose by, index ``utterance``; missing ones are left out.
        facts: Languages and speakers.
        count: How many at each end; no utterance stands at two ends.

    Returns:
        Ids by end (`ENDS`), nearest to the end first.
    """
    heights = values.to_numpy(dtype=np.float64)
    order = np.argsort(heights, kind="stable")[
        : int(np.isfinite(heights).sum())
    ]  # missing values sort to the end

    def names(places: np.ndarray[tuple[int], np.dtype[np.intp]]) -> list[str]:
        return [str(name) for name in values.index[places].tolist()]

    if len(order) < 3:
        return {"low": names(order), "middle": [], "high": []}
    count = min(count, len(order) // 3)
    pool = min(len(order) // 3, max(8 * count, min(len(order) // 10, WIDEST)))
    start = (len(order) - pool) // 2
    outwards = np.argsort(np.abs(np.arange(start, start + pool) - (len(order) - 1) / 2), kind="stable")
    orders = {
        "low": names(order[:pool]),
        "middle": names(order[start : start + pool][outwards]),
        "high": names(order[::-1][:pool]),
    }
    return {end: _spread(orders[end], facts, count) for end in ENDS}


def _spread(order: list[str], facts: Mapping[str, Facts], count: int) -> list[str]:
    places = list(range(len(order)))
    languages: Counter[str] = Counter()
    speakers: Counter[str] = Counter()
    chosen: list[int] = []

    def uses(place: int) -> tuple[int, int, int]:
        fact = facts[order[place]]
        return languages[fact.language], speakers[fact.speaker], place

    while places and len(chosen) < count:
        place = min(places, key=uses)
        places.remove(place)
        chosen.append(place)
        languages[facts[order[place]].language] += 1
        speakers[facts[order[place]].speaker] += 1
    return [order[place] for place in sorted(chosen)]
