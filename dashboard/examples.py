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


def scaled(values: pd.Series, utterances: pd.DataFrame, scale: str) -> pd.Series:
    """Return a feature as measured, or as z-scores within each corpus or speaker.

    Args:
        values: Raw values, index ``utterance``.
        utterances: The utterance table.
        scale: One of `SCALES`. Utterances without a speaker are taken together within their corpus.

    Returns:
        Values on the same index; missing where a group has one value only.
    """
    if scale == "raw":
        return values
    table = utterances.loc[values.index]
    group = table["corpus"].astype("string")
    if scale == "speaker":
        group = table["speaker"].astype("string").fillna(group)
    codes, count = _codes(group)
    x = values.to_numpy(dtype=np.float64)
    known = np.isfinite(x)
    sizes = np.bincount(codes[known], minlength=count)
    means = np.bincount(codes[known], x[known], minlength=count) / np.maximum(sizes, 1)
    squares = np.bincount(codes[known], (x[known] - means[codes[known]]) ** 2, minlength=count)
    deviations = np.sqrt(squares / np.maximum(sizes, 1))
    deviations[deviations == 0] = np.nan
    return (values - means[codes]) / deviations[codes]


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
    known = values.dropna().sort_values(kind="stable")
    ids = [str(name) for name in known.index]
    if len(ids) < 3:
        return {"low": ids, "middle": [], "high": []}
    count = min(count, len(ids) // 3)
    pool = min(len(ids) // 3, max(8 * count, len(ids) // 10))
    start = (len(ids) - pool) // 2
    middle = sorted(range(start, start + pool), key=lambda place: abs(place - (len(ids) - 1) / 2))
    orders = {"low": ids[:pool], "middle": [ids[place] for place in middle], "high": ids[::-1][:pool]}
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


def _codes(group: pd.Series) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], int]:
    import pandas as pd

    codes, found = pd.factorize(group.fillna(""))
    return codes, len(found)
