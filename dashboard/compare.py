"""Two rankings side by side: which ones, what they agree on beside chance, and what only one of them has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dashboard.data import Data, RunData
from dashboard.shared_features import ranking
from dashboard.state import State

if TYPE_CHECKING:
    import pandas as pd

SIDE = ("run2", "set2", "method2", "emotion2")
"""Fields of the state that the reader chooses for the other side."""
DEPTHS = (5, 10, 20, 50)
"""Lengths of top lists whose overlap is shown."""


def other(state: State, data: Data) -> State:
    """Return the view of the other side: what it does not name is as on the first side, where that is there.

    Where nothing is named, another language set stands beside the first (one language beside all, all beside one),
    or else another method, so that there is something to see at once.
    """
    run = data.other_run(state)
    choices = run.choices
    named = any(getattr(state, field) for field in SIDE)
    language_set = state.set2 or (state.set if state.set in choices.sets else choices.set)
    method = state.method2 or (state.method if state.method in choices.methods else choices.method)
    emotion = state.emotion2 or (state.emotion if state.emotion in choices.emotions else "")
    if not named:
        others = [name for name in choices.sets if name != state.set]
        if others:
            language_set = choices.set if state.set != choices.set else others[0]
        else:
            method = next((name for name in choices.methods if name != state.method), method)
    task = state.task if state.task in choices.tasks else choices.task
    return replace(
        state,
        run=run.key,
        set=language_set,
        method=method,
        emotion=emotion,
        task=task,
        **dict.fromkeys(SIDE, ""),
    )


def same(first: State, second: State) -> bool:
    """Return whether both sides are one ranking."""
    return all(
        getattr(first, field.removesuffix("2")) == getattr(second, field.removesuffix("2")) for field in SIDE
    )


@dataclass(frozen=True)
class Overlap:
    """What two top lists have in common.

    Attributes:
        k: Their length.
        common: How many items are in both.
        expected: How many would be in both lists by chance.
        p_value: Probability of at least so many by chance.
    """

    k: int
    common: int
    expected: float
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """Two rankings of the items that both have.

    Attributes:
        table: `name`, `in_words`, `family`, `rank_a`, `rank_b` (among the common items), best of both first.
        tau: Kendall's tau-b; chance is 0.
        rbo: Rank-biased overlap (p = .9).
        rbo_chance: Its mean over random orders.
        overlaps: At the depths that make sense for so many items.
        alone: How many items one side has and the other has not; they are left out.
    """

    table: pd.DataFrame
    tau: float
    rbo: float
    rbo_chance: float
    overlaps: tuple[Overlap, ...]
    alone: int


def rankings(state: State, data: Data) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Return the rankings of both sides, best first; None where one was not computed."""
    second = other(state, data)
    return _ranking(data.run(state), state), _ranking(data.run(second), second)


def compare(first: pd.DataFrame, second: pd.DataFrame) -> Comparison | None:
    """Compare two rankings by tau-b, rank-biased overlap and overlap at k.

    Ranks are counted anew among the items that both have. None where fewer than two are in both.

    Args:
        first: `name`, `in_words`, `family`, `rank`, `lift`.
        second: The same.
    """
    from analyses.rank_agreement import DEPTH, expected_rbo, kendall_tau, rank_biased_overlap

    columns = ["name", "rank", "lift"]
    both = first[[*columns, "in_words", "family"]].merge(second[columns], on="name", suffixes=("_a", "_b"))
    if len(both) < 2:
        return None
    for side in ("a", "b"):
        both[f"rank_{side}"] = both[f"rank_{side}"].rank(method="first").astype(int)
    names = {side: both.sort_values(f"rank_{side}")["name"].tolist() for side in ("a", "b")}
    tau = kendall_tau(both["lift_a"].to_numpy(float), both["lift_b"].to_numpy(float)).value
    table = both.assign(best=both[["rank_a", "rank_b"]].min(axis=1)).sort_values(["best", "rank_a"])
    return Comparison(
        table=table[["name", "in_words", "family", "rank_a", "rank_b"]].reset_index(drop=True),
        tau=tau,
        rbo=rank_biased_overlap(names["a"][:DEPTH], names["b"][:DEPTH]),
        rbo_chance=expected_rbo(len(both)),
        overlaps=tuple(_overlap(names["a"], names["b"], k) for k in depths(len(both))),
        alone=len(set(first["name"]) ^ set(second["name"])),
    )


def depths(items: int) -> tuple[int, ...]:
    """Return the lengths of top lists: at most half of the items, so that a list leaves something out."""
    return tuple(k for k in DEPTHS if 2 * k <= items) or (max(1, items // 2),)


def _ranking(run: RunData, state: State) -> pd.DataFrame | None:
    table = ranking(run, state)
    return None if table is None or table.empty else table


def _overlap(a: list[str], b: list[str], k: int) -> Overlap:
    from analyses.overlap import intersection_distribution

    common = len(set(a[:k]) & set(b[:k]))
    chance = intersection_distribution([k, k], len(a))
    expected = float(chance @ np.arange(len(chance)))
    return Overlap(k, common, expected, float(chance[common:].sum()))
