"""The rankings of one method as tables: every task, language set, part and level (``rankings/METHOD.parquet``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from analyses.cells import Cells
from analyses.items import COARSER
from analyses.rankings import Ranking, rank

ORDER = ("task", "language_set", "part_kind", "part", "level", "rank")
"""Order of the rows, so that one list lies in one piece."""
COLUMNS = (
    "method",
    "task",
    "model",
    "language_set",
    "part_kind",
    "part",
    "level",
    "name",
    "in_words",
    "contour",
    "family",
    "size",
    "share",
    "importance",
    "lift",
    "rank",
    "mean_rank",
    "sd_rank",
    "min_rank",
    "max_rank",
    "in_top",
    "direction",
)
REPEAT_COLUMNS = (
    "task",
    "model",
    "language_set",
    "level",
    "fold",
    "seed",
    "name",
    "importance",
    "lift",
    "rank",
)
MAIN_TASK = "emotion"


@dataclass(frozen=True)
class Place:
    """Which ranking of a method: what it is about, apart from the level."""

    task: str
    language_set: str
    part_kind: str = ""
    part: str = ""


def tables(
    cells: Mapping[str, Mapping[str, Cells]],
    *,
    method: str,
    top: int = 10,
    feature_set: str | None = None,
    features: tuple[str, ...] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank one method everywhere.

    Args:
        cells: Task -> level of the values -> cells of one model (`analyses.cells.of_table`).
        method: Name of the method.
        top: How many count as the top.
        feature_set: The openSMILE set of the features, if it is one.
        features: All features of the run.

    Returns:
        The tables ``rankings/METHOD.parquet`` and ``repeats/METHOD.parquet`` of docs/explanations.md.
    """
    rankings, repeats = [], []
    for task, by_level in cells.items():
        for base, level in _levels(by_level):
            for place, chosen in _places(task, by_level[base]):
                options = {"top": top, "feature_set": feature_set, "features": features}
                found = rank(chosen, level=level, part=place.part, **options)  # type: ignore[arg-type]
                rankings.append(_rows(found, place, method))
                if not place.part_kind:
                    repeats.append(_repeat_rows(found, place))
    return in_order(pd.concat(rankings)), pd.concat(repeats, ignore_index=True)[list(REPEAT_COLUMNS)]


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows and columns of a ranking table in their order."""
    extra = [name for name in frame.columns if name not in COLUMNS]
    return frame[[*COLUMNS, *extra]].sort_values(list(ORDER), ignore_index=True)


def _levels(by_level: Mapping[str, Cells]) -> list[tuple[str, str]]:
    """Return (level of the values, level to rank at); what was measured at a level is not summed up to it."""
    pairs = [(base, base) for base in by_level]
    for base in by_level:
        taken = {level for _, level in pairs}
        pairs += [(base, level) for level in COARSER[base] if level not in taken]
    return pairs


def _places(task: str, cells: Cells) -> Iterator[tuple[Place, Cells]]:
    for language_set in cells.values("language_set"):
        whole = cells.select(language_set=language_set)
        yield Place(task, language_set), whole
        kinds = {"language": whole.values("language"), "emotion": []}
        if task == MAIN_TASK:
            kinds["emotion"] = [name for name in whole.values("emotion") if name]
        for kind, parts in kinds.items():
            for part in parts if kind == "emotion" or len(parts) > 1 else ():
                yield Place(task, language_set, kind, part), whole.select(**{kind: part})


def _rows(found: Ranking, place: Place, method: str) -> pd.DataFrame:
    frame = found.table.reset_index()
    values = {"method": method, "task": place.task, "model": found.model, "level": found.level}
    values |= {"language_set": place.language_set, "part_kind": place.part_kind, "part": place.part}
    return frame.assign(**values)


def _repeat_rows(found: Ranking, place: Place) -> pd.DataFrame:
    """One row per repeat and item; `lift` is about the repeat alone."""
    share = found.table["share"].reindex(found.repeats.columns)
    per_feature = found.repeats / share
    total = found.repeats.abs().sum(axis=1)
    lift = per_feature.div(total.where(total > 0), axis=0).fillna(0.0)
    frame = pd.DataFrame(
        {
            "importance": found.repeats.stack(),
            "lift": lift.stack(),
            "rank": found.repeat_ranks[list(found.repeats.columns)].stack(),
        }
    )
    frame.index.names = ["fold", "seed", "name"]
    frame = frame.reset_index()
    frame["seed"] = frame["seed"].astype("int64")
    return frame.assign(
        task=place.task, model=found.model, language_set=place.language_set, level=found.level
    )
