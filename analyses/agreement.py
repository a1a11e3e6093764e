"""The table ``agreement.parquet``: which rankings of a run agree with which, and how far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from analyses.rank_agreement import Agreement, compare, compare_repeats, concordance, mean_over
from analyses.repeats import CONSENSUS, EMOTION, LANGUAGE, Repeats, Source, pairs, source
from msfl.features.grammar import LEVELS

if TYPE_CHECKING:
    from analyses.explanations import Explanations
    from msfl.runs import Run

COLUMNS = (
    "kind",
    "a",
    "b",
    "method",
    "language_set",
    "level",
    "measure",
    "k",
    "value",
    "low",
    "high",
    "chance",
    "p_value",
)
Row = dict[str, Any]


def table(found: Explanations, run: Run, *, k: int = 10) -> pd.DataFrame:
    """Compute ``agreement.parquet``, see docs/explanations.md.

    Args:
        found: The explanations of a run, with cells and rankings.
        run: The run.
        k: Length of the top lists.
    """
    rows: list[Row] = []
    whole: dict[tuple[str, str], dict[str, Repeats]] = {}
    for method in found.methods:
        opened = source(found, method)
        if opened is None:
            continue
        for level in LEVELS:
            rows += of_method(opened, level, k)
            if method == CONSENSUS:
                continue
            for name in opened.language_sets():
                if (repeats := opened.repeats(name, level)) is not None:
                    whole.setdefault((name, level), {})[method] = repeats
    for (name, level), methods in whole.items():
        rows += _between("methods", methods, k, {"method": "", "language_set": name, "level": level})
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["k"] = frame["k"].astype("Int64")
    return frame.sort_values(["kind", "method", "language_set", "level"], kind="stable", ignore_index=True)


def of_method(opened: Source, level: str, k: int) -> Iterator[Row]:
    """Yield the comparisons within one method at one level."""
    sets = {name: opened.repeats(name, level) for name in opened.language_sets()}
    present = {name: one for name, one in sets.items() if one is not None}
    place: Row = {"method": opened.method, "language_set": "", "level": level}
    yield from _between("language_sets", present, k, place)
    for name, repeats in present.items():
        here = place | {"language_set": name}
        yield from _seeds(repeats, k, here)
        for kind, plural in (("language", "languages"), ("emotion", "emotions")):
            parts = {
                value: opened.repeats(name, level, **{kind: value}) for value in opened.values(kind, name)
            }
            yield from _between(plural, {key: one for key, one in parts.items() if one is not None}, k, here)
        other = opened.repeats(name, level, task=LANGUAGE)
        if other is not None:
            for one in compare_repeats(repeats, other, k):
                yield _row("tasks", EMOTION, LANGUAGE, here, one)


def _between(kind: str, many: Mapping[str, Repeats], k: int, place: Row) -> Iterator[Row]:
    """Yield every pair, and W over all."""
    for a, b in pairs(list(many)):
        for one in compare_repeats(many[a], many[b], k):
            yield _row(kind, a, b, place, one)
    if len(many) > 1 and (all_of_them := concordance(list(many.values()))) is not None:
        yield _row(kind, "", "", place, all_of_them)


def _seeds(repeats: Repeats, k: int, place: Row) -> Iterator[Row]:
    """Compare seeds within each fold, where they share training and test utterances; the mean over folds."""
    scores = dict(zip(repeats.keys, repeats.each(), strict=True))
    if len(repeats.names) < 2:
        return
    for a, b in pairs(repeats.seeds):
        folds = [fold for fold in repeats.folds if (fold, a) in scores and (fold, b) in scores]
        found = [compare(scores[fold, a], scores[fold, b], k) for fold in folds]
        for of_measure in zip(*found, strict=True):
            yield _row("seeds", a, b, place, mean_over(of_measure))


def _row(kind: str, a: str, b: str, place: Row, found: Agreement) -> Row:
    return {
        "kind": kind,
        "a": a,
        "b": b,
        **place,
        "measure": found.measure,
        "k": found.k,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "chance": found.chance,
        "p_value": found.p_value,
    }
