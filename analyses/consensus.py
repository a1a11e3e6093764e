"""The consensus ranking: what several methods agree on, by robust rank aggregation.

Every method that was computed enters with one list, its repeats averaged inside it, so that a method with many
repeats has no more say than one with few. Why these:

- `shap` and `owen` ask the network what each feature contributes; they give credit to related features in
  different ways, so what both put first does not hang on that choice.
- `permutation` asks what the score loses. It works on contours and families, and enters there.
- A method that does not tell single features apart does not enter for functionals. `owen` is one where features are
  many: within its budget it descends to contours, and shares their credit evenly among the features (60 different
  values for 1,582 features). For features these are honest ties, a vote for the contour. Added up over contours, they
  only say which contours happen to have a functional.
- `linear` asks another model altogether: what only the network sees, or only this network, it does not confirm.
- `attention` is the ranking that the published comparison rests on. It is disputed as an explanation, but the
  aggregation asks how improbably high an item stands in *several* lists: a list without meaning can hardly
  lift an item, and a good one is heard. No single method decides, attention included.

The methods look at the same recordings, and all but `linear` at the same network, so their lists would not be
independent even if none of them said anything about emotion. The p-value says that the methods agree beyond
random lists; that they are right is for the tests of faithfulness, sanity and planted truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from analyses.rank_aggregation import aggregate, fair_ranks
from analyses.ranking_tables import REPEAT_COLUMNS, in_order
from analyses.rankings import spread
from analyses.ties import levelled
from msfl.errors import DataError

NAME = "consensus"
METHODS = ("shap", "owen", "permutation", "linear", "attention")
"""Methods that enter where they were computed; one of the user's own enters where it is asked for."""
FINE = ("functional",)
"""Levels that rest on telling the features of a contour apart."""
_LIST = ["task", "language_set", "part_kind", "part", "level"]
_REPEATS = ["task", "language_set", "level"]


def consensus(
    rankings: Mapping[str, pd.DataFrame], repeats: Mapping[str, pd.DataFrame], *, top: int = 10
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Aggregate the rankings of several methods.

    Args:
        rankings: Method -> its table ``rankings/METHOD.parquet``.
        repeats: Method -> its table ``repeats/METHOD.parquet``.
        top: How many count as the top.

    Returns:
        The same two tables for the consensus. Lists that only one method has are left out: there is nothing to
        agree on.

    Raises:
        DataError: No list is there from two methods.
    """
    fine = {name: tells_features_apart(table, top) for name, table in rankings.items()}
    rankings = {name: table if fine[name] else _coarse(table) for name, table in rankings.items()}
    repeats = {name: table if fine[name] else _coarse(table) for name, table in repeats.items()}
    steady = {tuple(key): found for key, found in _repeat_lists(repeats)}
    lists, raw = [], []
    for key, tables in _groups(rankings, _LIST):
        place = dict(zip(_LIST, key, strict=True))
        frame = _aggregated(tables, "|".join(key[1:]))
        ordered = steady.get((place["task"], place["language_set"], place["level"]))
        if place["part_kind"] or ordered is None:
            wide = None
        else:
            wide = ordered.pivot(index=["fold", "seed"], columns="name", values="rank")
            raw.append(ordered.assign(model=frame["model"].iloc[0]))
        lists.append(_with_spread(frame, wide, top).assign(**place))
    if not lists:
        raise DataError(
            "A consensus needs the rankings of two methods at least: repeat `msfl explain` with more of them "
            f"({', '.join(METHODS)})."
        )
    long = pd.concat(raw, ignore_index=True)[list(REPEAT_COLUMNS)] if raw else pd.DataFrame()
    return in_order(pd.concat(lists, ignore_index=True)), long


def tells_features_apart(ranking: pd.DataFrame, top: int = 10) -> bool:
    """Whether a method ranks single features: the leaders of its lists, in the middle of all, are half as many values.

    Args:
        ranking: The table ``rankings/METHOD.parquet``.
        top: How many count as the top.
    """
    lists = ranking[ranking["level"] == "feature"].groupby(_LIST, observed=True)
    different = [
        len(np.unique(levelled(rows.nsmallest(top, "rank")["lift"].to_numpy()))) / min(top, len(rows))
        for _, rows in lists
    ]
    return bool(np.median(different) >= 0.5) if different else True


def _coarse(table: pd.DataFrame) -> pd.DataFrame:
    return table[~table["level"].isin(FINE)]


def _groups(
    tables: Mapping[str, pd.DataFrame], keys: list[str]
) -> Iterator[tuple[tuple[str, ...], dict[str, pd.DataFrame]]]:
    """Yield the lists that at least two methods have: key -> method -> rows, index `name`."""
    pieces: dict[tuple[str, ...], dict[str, pd.DataFrame]] = {}
    for method, table in tables.items():
        for key, rows in table.groupby(keys, sort=False):
            pieces.setdefault(tuple(map(str, key)), {})[method] = rows.set_index("name")
    yield from ((key, found) for key, found in sorted(pieces.items()) if len(found) > 1)


def _aggregated(tables: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """Return one consensus list: a row per item, columns of a ranking table without those of the place."""
    wide = {name: _wide(tables, name) for name in ("lift", "direction")}
    found = aggregate(fair_ranks(wide["lift"]), name)
    first = max(tables.values(), key=len).reindex(found.index)
    names = ("in_words", "contour", "family", "size", "share")
    frame = pd.DataFrame({name: first[name] for name in names}, index=found.index)
    network = [rows["model"].iloc[0] for method, rows in tables.items() if method != "linear"]
    frame["method"] = NAME
    frame["model"] = (network or [next(iter(tables.values()))["model"].iloc[0]])[0]
    frame["importance"] = _evidence(found["rho"])
    frame["lift"] = wide["lift"].mean(axis=1)
    frame["rank"] = found["rank"]
    frame["direction"] = wide["direction"].mean(axis=1)
    frame["p_value"] = found["p_corrected"]
    return frame


def _wide(tables: Mapping[str, pd.DataFrame], column: str) -> pd.DataFrame:
    return pd.DataFrame({method: rows[column] for method, rows in tables.items()})


def _evidence(rho: pd.Series[float]) -> pd.Series[float]:
    values = -np.log10(rho.to_numpy(dtype=np.float64).clip(1e-300)) + 0.0  # + 0.0: no negative zero
    return pd.Series(values, index=rho.index)


def _with_spread(frame: pd.DataFrame, ranks: pd.DataFrame | None, top: int) -> pd.DataFrame:
    """Add the spread of the ranks over the repeats; missing where repeats were not aggregated (parts)."""
    effective = max(1, min(top, len(frame) // 2))
    if ranks is None:
        empty = dict.fromkeys(("mean_rank", "sd_rank", "min_rank", "max_rank", "in_top"), np.nan)
        return frame.assign(**empty).reset_index(names="name")
    weights = pd.Series(1 / len(ranks), index=ranks.index)
    return frame.assign(**spread(ranks, weights, effective)).reset_index(names="name")


def _repeat_lists(
    repeats: Mapping[str, pd.DataFrame],
) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """Aggregate the methods within each fold and seed.

    A method without this seed (a baseline whose result does not depend on it may have one seed only) gives the
    mean over its seeds of the same fold; without the fold it is left out.
    """
    for key, tables in _groups(repeats, _REPEATS):
        wide = {
            method: rows.reset_index().pivot(index=["fold", "seed"], columns="name", values="lift")
            for method, rows in tables.items()
        }
        pieces = []
        for fold, seed in sorted(set().union(*(set(lifts.index) for lifts in wide.values()))):
            lists = {method: _of_repeat(lifts, fold, seed) for method, lifts in wide.items()}
            present = {method: lifts for method, lifts in lists.items() if lifts is not None}
            if len(present) < 2:
                continue
            lifts = pd.DataFrame(present)
            found = aggregate(fair_ranks(lifts))
            pieces.append(
                pd.DataFrame(
                    {
                        "fold": fold,
                        "seed": seed,
                        "name": found.index.astype(str),
                        "importance": _evidence(found["rho"]).to_numpy(),
                        "lift": lifts.mean(axis=1).reindex(found.index).to_numpy(),
                        "rank": found["shared_rank"].to_numpy(),
                    }
                )
            )
        if pieces:
            place = dict(zip(_REPEATS, key, strict=True))
            yield key, pd.concat(pieces, ignore_index=True).assign(**place)


def _of_repeat(lifts: pd.DataFrame, fold: str, seed: int) -> pd.Series[float] | None:
    same = lifts[lifts.index.get_level_values("fold") == fold]
    exact = same[same.index.get_level_values("seed") == seed]
    chosen = exact if len(exact) else same
    return chosen.mean() if len(chosen) else None
