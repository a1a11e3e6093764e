"""Equal items in a ranking: what they get as numbers, and in which order they are listed.

Most permutation importances are exactly zero, and features that training never moved all have the same attention. An
order by name among them would put F0 first and look like a finding.

- Where ranks are numbers (means, spreads, correlations, aggregation), equal items share the mean of their ranks.
- Where a list has to be written, or cut off after its top, they stand in an order that is drawn from a hash of their
  names and of the name of the list: the same on every machine and in every order of the columns, but another one in
  every list, so that two lists that know nothing do not agree on it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DIGITS = 12
"""Values are equal if they differ by less than this many digits of the largest: sums of equal numbers may differ in
their last bit, by the place in memory where they were added up."""


def levelled(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return values along the last axis, as multiples of the largest, in which equal ones are exactly equal."""
    largest = np.nanmax(np.abs(values), axis=-1, keepdims=True, initial=0.0)
    shares = np.divide(values, largest, out=np.zeros_like(values), where=largest > 0)
    return np.asarray(np.round(np.where(np.isnan(values), np.nan, shares), DIGITS), dtype=np.float64)


def shared_ranks(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rank of each item (columns) in each row, 1 the highest; equal items share the mean of their ranks."""
    values = levelled(scores.to_numpy(dtype=np.float64))
    return pd.DataFrame(values, index=scores.index, columns=scores.columns).rank(axis=1, ascending=False)


def places(scores: pd.Series[float], name: str = "") -> pd.Series[int]:
    """Return the place of each item in a list, 1 the highest; equal items in the order of `lots`.

    Args:
        scores: What the list is ordered by; the index has the items.
        name: What the list is about, such as its language set and part.
    """
    values = levelled(scores.to_numpy(dtype=np.float64))
    ordered = np.lexsort((lots(tuple(map(str, scores.index)), name), -values))
    found = np.empty(len(scores), dtype=np.int64)
    found[ordered] = np.arange(1, len(scores) + 1)
    return pd.Series(found, index=scores.index)


def lots(items: tuple[str, ...], name: str = "") -> NDArray[np.uint64]:
    """Draw a lot for each item: a number from a hash of its name and of the name of the list.

    Args:
        items: Names of the items.
        name: Name of the list.
    """
    with np.errstate(over="ignore"):  # a hash wraps round
        found = _hashes(items) ^ np.uint64(_hash(name))
        for shift, factor in (
            (30, 0xBF58476D1CE4E5B9),
            (27, 0x94D049BB133111EB),
        ):  # the finaliser of SplitMix64
            found = (found ^ (found >> np.uint64(shift))) * np.uint64(factor)
        mixed: NDArray[np.uint64] = found ^ (found >> np.uint64(31))
    return mixed


@lru_cache(maxsize=64)
def _hashes(items: tuple[str, ...]) -> NDArray[np.uint64]:
    return np.array([_hash(item) for item in items], dtype=np.uint64)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
