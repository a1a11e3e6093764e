"""The table ``planted.parquet``: every ranking of a synthetic corpus against what was planted in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.planted import ALL
from analyses.planted_truth import (
    at_least,
    average_precision,
    expected_average_precision,
    precision,
    tied_groups,
)
from analyses.repeats import effective

ANYWHERE = "any"
"""What is planted in any language of the set: a model of all of them may use it, though it is not shared."""
LEVELS = ("feature", "contour", "family")
"""Levels at which the truth is known: no cue is a functional."""
MODEL, AGGREGATED = "model", "aggregated"
"""What ranked: a model, or the aggregation of the monolingual lists (``shared.parquet``)."""
TOP = 10
COLUMNS = (
    "method",
    "language_set",
    "where",
    "ranking",
    "level",
    "k",
    "precision",
    "chance",
    "p_value",
    "average_precision",
    "average_precision_chance",
    "planted",
    "items",
)
Row = dict[str, Any]
Right = NDArray[np.bool_]


def figures(
    rankings: Sequence[pd.DataFrame],
    shared: pd.DataFrame | None,
    facts: Mapping[str, Any],
    language_sets: Mapping[str, tuple[str, ...]],
) -> pd.DataFrame:
    """Hold rankings against the truth.

    Args:
        rankings: The ranking table of each method.
        shared: ``shared.parquet``, if there is one.
        facts: Content of ``planted.json``.
        language_sets: Name -> languages.
    """
    rows: list[Row] = []
    for one in rankings:
        rows += of_rankings(one[one["task"] == "emotion"], facts, language_sets)
    if shared is not None and len(shared):
        sizes = {
            (row["method"], row["level"]): (row["planted"], row["items"])
            for row in rows
            if row["where"] == ALL
        }
        rows += of_shared(shared[shared["definition"] == AGGREGATED], facts, language_sets, sizes)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def truths(facts: Mapping[str, Any], languages: tuple[str, ...]) -> dict[str, dict[str, set[str]]]:
    """Return what is right in each place: where -> ``contours`` and ``families``.

    Args:
        facts: Content of ``planted.json``.
        languages: Languages of the set.

    Returns:
        `ALL` (planted in all languages) and `ANYWHERE` for a set of several languages, and each language: what is
        planted in all, and what in this one.
    """
    kinds = ("contours", "families")
    shared = {kind: set(facts["shared"][kind]) for kind in kinds}
    own = {
        language: {
            kind: shared[kind] | set(facts["language_specific"].get(language, {}).get(kind, ()))
            for kind in kinds
        }
        for language in languages
    }
    if len(languages) < 2:
        return own
    anywhere = {kind: set().union(*(claim[kind] for claim in own.values())) for kind in kinds}
    return {ALL: shared, ANYWHERE: anywhere, **own}


def of_rankings(
    rankings: pd.DataFrame, facts: Mapping[str, Any], language_sets: Mapping[str, tuple[str, ...]]
) -> Iterator[Row]:
    """Yield the figures of one method.

    The ranking of a language is that of its own model, and in a multilingual set that of its own test utterances.

    Args:
        rankings: Its ranking table, of the emotion task.
        facts: Content of ``planted.json``.
        language_sets: Name -> languages.
    """
    rows = rankings[rankings["level"].isin(LEVELS) & rankings["part_kind"].isin(["", "language"])]
    keys = ["method", "language_set", "part_kind", "part", "level"]
    for (method, name, kind, part, level), one in rows.groupby(keys, sort=True):
        languages = language_sets.get(str(name), ())
        known = truths(facts, languages)
        places = [part] if kind else [ALL, ANYWHERE] if len(languages) > 1 else list(languages)
        ordered = one.sort_values("rank")
        values = ordered[["lift", "importance"]].to_numpy(dtype=np.float64)
        groups = tied_groups([tuple(row) for row in values.tolist()])
        for where in places:
            if where not in known:
                continue
            place = {"method": method, "language_set": name, "where": where, "ranking": MODEL, "level": level}
            right = _right(ordered, known[where], str(level))
            found = _figures(right, groups, int(right.sum()), len(ordered))
            yield from (place | row for row in found)


def of_shared(
    shared: pd.DataFrame,
    facts: Mapping[str, Any],
    language_sets: Mapping[str, tuple[str, ...]],
    sizes: Mapping[tuple[str, str], tuple[int, int]],
) -> Iterator[Row]:
    """Yield the figures of the aggregated monolingual lists, of which only the leading items are kept.

    Args:
        shared: Rows of ``shared.parquet`` with the definition `AGGREGATED`.
        facts: Content of ``planted.json``.
        language_sets: Name -> languages.
        sizes: (method, level) -> number of planted items and of all items.
    """
    name = max(sorted(language_sets), key=lambda one: len(language_sets[one]))
    truth = truths(facts, language_sets[name])
    rows = shared[shared["part_kind"] == ""]
    for key, one in rows.groupby(["method", "level"], sort=True):
        method, level = (str(part) for part in key)
        if (method, level) not in sizes or ALL not in truth:
            continue
        planted, items = sizes[method, level]
        ordered = one.sort_values("rank")
        place = {"method": method, "language_set": name, "where": ALL, "ranking": AGGREGATED, "level": level}
        right = _right(ordered, truth[ALL], level)
        for row in _figures(right, np.arange(len(ordered)), planted, items):
            yield place | row


def _right(ordered: pd.DataFrame, truth: Mapping[str, set[str]], level: str) -> Right:
    """Say which items are right: at family level families, otherwise what belongs to a planted contour."""
    column, kind = ("family", "families") if level == "family" else ("contour", "contours")
    right: Right = ordered[column].isin(truth[kind]).to_numpy(dtype=bool)
    return right


def _figures(right: Right, groups: NDArray[np.intp], planted: int, items: int) -> Iterator[Row]:
    """Yield one row for k = the number of planted items and one for k = 10 (or half of the items).

    Args:
        right: Whether each item is right, best first; perhaps the leading items only.
        groups: Groups of equal items.
        planted: How many of all items are right.
        items: Number of all items.
    """
    if not 0 < planted < items:
        return
    whole = len(right) == items
    for k in sorted({effective(TOP, items), planted}):
        if k > len(right):
            continue
        value = precision(right, groups, k)
        yield {
            "k": k,
            "precision": value,
            "chance": planted / items,
            "p_value": at_least(value * k, k, planted, items),
            "average_precision": average_precision(right, groups) if whole else np.nan,
            "average_precision_chance": expected_average_precision(planted, items) if whole else np.nan,
            "planted": planted,
            "items": items,
        }
