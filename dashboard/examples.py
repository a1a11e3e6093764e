"""Which utterances stand for the low, middle and high end of a feature, and how its values are made comparable."""

from __future__ import annotations

from collections import Counter
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


def choose(values: pd.Series, utterances: pd.DataFrame, count: int) -> dict[str, list[str]]:
    """Return utterances at the low end, around the median, and at the high end of a feature.

    The extreme tenth of the values is gone through so that languages take turns, and within a language the speakers;
    otherwise one high voice would be all that one hears.

    Args:
        values: Values to choose by, index ``utterance``; missing ones are left out.
        utterances: The utterance table.
        count: How many at each end; no utterance stands at two ends.

    Returns:
        Ids by end (`ENDS`), nearest to the end first.
    """
    known = values.dropna().sort_values(kind="stable")
    count = min(count, len(known) // 3) if len(known) >= 3 else len(known)
    if len(known) < 3:
        return {"low": [str(name) for name in known.index], "middle": [], "high": []}
    pool = min(len(known) // 3, max(8 * count, len(known) // 10))
    ids = [str(name) for name in known.index]
    centre = sorted(range(len(ids)), key=lambda place: abs(place - (len(ids) - 1) / 2))
    taken: dict[str, list[str]] = {}
    for end, order in (
        ("low", ids[:pool]),
        ("high", ids[::-1][:pool]),
        ("middle", [ids[place] for place in centre[:pool]]),
    ):
        taken[end] = _spread(order, utterances, count)
    return {end: taken[end] for end in ENDS}


def _spread(order: list[str], utterances: pd.DataFrame, count: int) -> list[str]:
    table = utterances.loc[order, ["language", "speaker"]].astype("string").fillna("")
    rows = list(zip(order, table["language"].tolist(), table["speaker"].tolist(), strict=True))
    languages: Counter[str] = Counter()
    speakers: Counter[str] = Counter()
    chosen: list[str] = []
    while rows and len(chosen) < count:
        place = min(range(len(rows)), key=lambda at: (languages[rows[at][1]], speakers[rows[at][2]], at))
        name, language, speaker = rows.pop(place)
        chosen.append(name)
        languages[language] += 1
        speakers[speaker] += 1
    place_of = {name: place for place, name in enumerate(order)}
    return sorted(chosen, key=place_of.__getitem__)


def _codes(group: pd.Series) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], int]:
    import pandas as pd

    codes, found = pd.factorize(group.fillna(""))
    return codes, len(found)
