"""The tables ``shared.parquet`` and ``overlaps.parquet``, from the ranking tables of all methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.explanations import CONSENSUS
from analyses.overlap import Overlap, group_overlap, overlap, random_presence
from analyses.rotation import Rotations
from analyses.shared import WIDER
from analyses.shared_definitions import (
    AGGREGATED,
    DIRECTION,
    TOP,
    aggregated,
    in_every_top,
    same_effect,
    same_sign,
)
from msfl.features.grammar import parse_or_unknown

KEPT = 100
"""Rows of a list that are written although they are not shared."""
SHARED_COLUMNS = (
    "method",
    "part_kind",
    "part",
    "level",
    "definition",
    "name",
    "in_words",
    "contour",
    "family",
    "rank",
    "shared",
    "p_value",
    "detail",
)
OVERLAP_COLUMNS = (
    "method",
    "part_kind",
    "part",
    "level",
    "lists",
    "counted",
    "k",
    "common",
    "observed",
    "expected",
    "p_value",
    "chance",
)


@dataclass(frozen=True)
class Lists:
    """The lists of one method, part and level.

    Attributes:
        place: method, part_kind, part, level.
        main: The multilingual list, best first, index `name`: in_words, contour, family, rank.
        alone: Language -> the list of its monolingual model.
        name: Name of the multilingual language set.
        top: How many items count as the top.
    """

    place: Mapping[str, str]
    main: pd.DataFrame
    alone: Mapping[str, pd.DataFrame]
    name: str
    top: int

    def leaders(self) -> dict[str, list[str]]:
        """Return the top of every list, the multilingual one first."""
        tables = {self.name: self.main} | {f"{one} alone": table for one, table in self.alone.items()}
        return {name: [str(item) for item in table.index[: self.top]] for name, table in tables.items()}


def lists_of(
    rankings: pd.DataFrame,
    language_sets: Mapping[str, tuple[str, ...]],
    *,
    task: str = "emotion",
    top: int = 10,
) -> Iterator[Lists]:
    """Yield what can be compared: all test utterances, and each emotion, at each level.

    Args:
        rankings: The ranking table of one method.
        language_sets: Name -> languages.
        task: The task.
        top: How many items count as the top; at most half of them do.
    """
    rows = rankings[(rankings["task"] == task) & rankings["part_kind"].isin(["", "emotion"])]
    present = {name: language_sets[name] for name in rows["language_set"].unique() if name in language_sets}
    if not present:
        return
    main = max(sorted(present), key=lambda name: len(present[name]))
    alone = {
        languages[0]: name
        for name, languages in sorted(present.items())
        if len(languages) == 1 and languages[0] in present[main] and name != main
    }
    for (kind, part, level), group in rows.groupby(["part_kind", "part", "level"], sort=True):
        by_set = {str(name): one.set_index("name") for name, one in group.groupby("language_set")}
        if main not in by_set:
            continue
        place = {"method": str(rows["method"].iloc[0]), "part_kind": str(kind), "part": str(part)}
        yield Lists(
            place=place | {"level": str(level)},
            main=by_set[main].sort_values("rank"),
            alone={one: by_set[name].sort_values("rank") for one, name in alone.items() if name in by_set},
            name=main,
            top=max(1, min(top, len(by_set[main]) // 2)),
        )


def shared_rows(
    lists: Lists,
    *,
    directions: pd.DataFrame | None = None,
    signed: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Return the rows of ``shared.parquet`` for one method, part and level.

    Args:
        lists: The lists.
        directions: ``directions.parquet``, if the effects were computed.
        signed: Language -> signed values of the repeats, for levels without effects.
    """
    pieces = []
    labels = lists.main[["in_words", "contour", "family"]]
    if lists.alone:
        shared = set(in_every_top(lists.leaders()))
        ranks = {one: table["rank"] for one, table in lists.alone.items()}
        frame = pd.DataFrame({"rank": lists.main["rank"], "shared": labels.index.isin(shared)})
        pieces.append(_defined(frame.assign(p_value=np.nan, detail=_ranks_in_words(ranks, labels)), TOP))
    if len(lists.alone) > 1:
        by = "importance" if lists.place["method"] == CONSENSUS else "lift"
        scores = {one: table[by] for one, table in lists.alone.items()}
        pieces.append(_defined(aggregated(scores), AGGREGATED))
    if directions is not None and lists.place["level"] == "feature":
        agreed = same_effect(directions, lists.place["part"] if lists.place["part_kind"] else "")
        source = "effect sizes"
    else:
        agreed, source = same_sign(signed or {}), "signed attributions"
    if len(agreed):
        frame = agreed.reindex(labels.index).assign(rank=lists.main["rank"], p_value=np.nan)
        frame["shared"] = frame["shared"].eq(True)
        frame["detail"] = frame["detail"].fillna("").map(lambda text: f"{source}: {text}" if text else "")
        pieces.append(_defined(frame, DIRECTION))
    if not pieces:
        return pd.DataFrame(columns=list(SHARED_COLUMNS))
    found = pd.concat([piece.join(labels) for piece in pieces]).reset_index(names="name")
    return found.assign(**lists.place)[list(SHARED_COLUMNS)]


def _defined(frame: pd.DataFrame, definition: str) -> pd.DataFrame:
    frame = frame.sort_values("rank")
    frame = frame[frame["shared"] | (frame["rank"] <= KEPT)]
    return frame[["rank", "shared", "p_value", "detail"]].assign(definition=definition)


def _ranks_in_words(ranks: Mapping[str, pd.Series[int]], labels: pd.DataFrame) -> pd.Series[str]:
    words = pd.Series("", index=labels.index)
    for language, one in ranks.items():
        words = (
            words + ("; " if words.iloc[0] else "") + language + " rank " + one.reindex(words.index).map(str)
        )
    return words


def overlap_rows(lists: Lists, features: tuple[str, ...], feature_set: str | None = None) -> pd.DataFrame:
    """Return the rows of ``overlaps.parquet`` for one method, part and level.

    Each overlap stands beside two chance levels: lists drawn at random (``exact`` or ``random lists``), and lists
    rotated along the order of the features (``permutation``, see `analyses.rotation`).

    Args:
        lists: The lists.
        features: All features of the run, in their order.
        feature_set: The openSMILE set of the features, if it is one.
    """
    leaders = lists.leaders()
    if len(leaders) < 2:
        return pd.DataFrame(columns=list(OVERLAP_COLUMNS))
    level = lists.place["level"]
    order = tuple(name for name in _order(features, level, feature_set) if name in lists.main.index)
    rotations = Rotations(leaders, order)
    groups = {wider: _groups(order, level, wider, features, feature_set) for wider in WIDER[level]}
    rows: list[dict[str, Any]] = []
    for names in _selections(tuple(leaders)):
        chosen = {name: leaders[name] for name in names}
        plain = overlap(level, chosen, len(order))
        rows += [_row(lists, plain), _row(lists, rotations.overlap(plain))]
        for wider, (members, codes) in groups.items():
            random = _presence(tuple((name, len(items)) for name, items in leaders.items()), members)
            found = group_overlap(wider, chosen, dict(zip(order, members, strict=True)), random)
            rows += [_row(lists, found), _row(lists, rotations.overlap(found, codes))]
    return pd.DataFrame(rows)[list(OVERLAP_COLUMNS)]


def _selections(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return which lists are intersected: all, the monolingual ones among themselves, and all pairs."""
    chosen = [names, *combinations(names, 2)]
    if len(names) > 3:
        chosen.insert(1, names[1:])
    return list(dict.fromkeys(chosen))


def _row(lists: Lists, found: Overlap) -> dict[str, Any]:
    return {
        **lists.place,
        "counted": found.level,
        "lists": " & ".join(found.lists),
        "k": lists.top,
        "common": "; ".join(found.common),
        "observed": found.observed,
        "expected": found.expected,
        "p_value": found.p_value,
        "chance": found.method,
    }


@lru_cache(maxsize=16)
def _order(features: tuple[str, ...], level: str, feature_set: str | None) -> tuple[str, ...]:
    """Return the items of a level in the order in which the feature set first names them."""
    return tuple(dict.fromkeys(parse_or_unknown(name, feature_set).group_key(level) for name in features))


@lru_cache(maxsize=32)
def _groups(
    order: tuple[str, ...], level: str, wider: str, features: tuple[str, ...], feature_set: str | None
) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the wider group of each item: its name, and its number."""
    parsed = [parse_or_unknown(name, feature_set) for name in features]
    upper = {one.group_key(level): one.group_key(wider) for one in parsed}
    members = tuple(upper[name] for name in order)
    return members, np.unique(members, return_inverse=True)[1]


@lru_cache(maxsize=64)
def _presence(lengths: tuple[tuple[str, int], ...], members: tuple[str, ...]) -> dict[str, NDArray[np.bool_]]:
    """Draw random lists once for all methods and parts: only lengths and sizes of groups matter."""
    return random_presence(
        {name: ("",) * length for name, length in lengths},
        {str(position): group for position, group in enumerate(members)},
    )
