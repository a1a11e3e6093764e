"""Three answers to the question which features the languages share, each computed by itself.

- `top`: in the top of the multilingual model and of every monolingual one (Ma & Wang 2022). Simple, and strict at
  an edge that means nothing: rank 10 counts, rank 11 does not.
- `aggregated`: high in the monolingual lists together, by robust rank aggregation (Kolde et al. 2012), with a
  p-value. Needs no edge, and does not look at the multilingual model, which heard every language.
- `direction`: the effect goes the same way in every language, as far as the intervals say so. A feature can lead
  every list and still rise with anger in one language and fall in another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analyses.rank_aggregation import aggregate, fair_ranks

TOP, AGGREGATED, DIRECTION = "top", "aggregated", "direction"
LEVEL = 0.05
"""An item of the aggregated list is shared if its corrected p-value is below this."""


def in_every_top(lists: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the items that are in every list, in the order of the first."""
    first, *others = lists.values()
    return [item for item in dict.fromkeys(first) if all(item in other for other in others)]


def aggregated(scores: Mapping[str, pd.Series[float]]) -> pd.DataFrame:
    """Aggregate the monolingual lists.

    Args:
        scores: Language -> what its list is ordered by, for each item, the highest first.

    Returns:
        Index item, best first: `rank`, `p_value` (corrected for the number of lists and of items), `shared`,
        `detail` (its rank in every language).
    """
    frame = fair_ranks(pd.DataFrame(dict(scores)))
    found = aggregate(frame, AGGREGATED)
    ordered = frame.loc[found.index]
    return pd.DataFrame(
        {
            "rank": found["rank"],
            "p_value": found["p_corrected"],
            "shared": found["p_corrected"] < LEVEL,
            "detail": _joined({name: "rank " + ordered[name].map("{:g}".format) for name in scores}),
        }
    )


def same_sign(signed: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Say which items speak for, or against, the true class in every language.

    The interval of a language is a 95 % t-interval over its repeats (folds and seeds). Repeats share training
    recordings, so it is rather too narrow: what is not shared by it is certainly not shown to be.

    Args:
        signed: Language -> signed values of the repeats: fold and seed (rows) x item (columns).

    Returns:
        Index item: `direction` (1, -1, or 0 where not every interval lies on the same side of zero), `shared`,
        `detail` (the mean of every language with its interval). Empty if a language has a single repeat.
    """
    from scipy.stats import t

    if not signed or any(len(values) < 2 for values in signed.values()):
        return pd.DataFrame(columns=["direction", "shared", "detail"])
    sides, words = {}, {}
    for language, values in signed.items():
        mean, count = values.mean(), len(values)
        half = values.std(ddof=1) / np.sqrt(count) * t.ppf(0.975, count - 1)
        sides[language] = np.sign(mean).where(mean.abs() > half, 0.0)
        words[language] = pd.Series(
            [f"{m:+.2g} [{m - h:+.2g}, {m + h:+.2g}]" for m, h in zip(mean, half, strict=True)],
            index=mean.index,
        )
    return _agreed(pd.DataFrame(sides), words)


def same_effect(directions: pd.DataFrame, emotion: str = "") -> pd.DataFrame:
    """Say which features go the same way with an emotion in every language, by their effect sizes.

    Args:
        directions: ``directions.parquet``: name, emotion, contrast, direction, shared. The contrast of an emotion
            with all others is used (``rest``), because neutral speech has it too.
        emotion: One emotion; empty: at least one emotion must go the same way everywhere.

    Returns:
        Index feature: `direction` (1 or -1; for several emotions that disagree 0), `shared`, `detail`.
    """
    rows = directions[directions["contrast"] == "rest"] if len(directions) else directions
    rows = rows if (rows["contrast"] == "rest").any() else directions
    if emotion:
        rows = rows[rows["emotion"] == emotion]
    agreeing = rows[rows["shared"].astype(bool)].sort_values("emotion")
    sign = agreeing["direction"].astype(float)
    words = agreeing["emotion"] + np.where(sign > 0, " raises it", " lowers it") + " everywhere"
    found = pd.DataFrame({"name": agreeing["name"], "sign": sign, "words": words}).groupby("name")
    names = pd.Index(sorted(set(rows["name"])), name="name")
    low, high = found["sign"].min().reindex(names), found["sign"].max().reindex(names)
    return pd.DataFrame(
        {
            "direction": low.where(low == high, 0.0).fillna(0.0),
            "shared": low.notna(),
            "detail": found["words"].agg("; ".join).reindex(names).fillna("").astype(str),
        }
    )


def _agreed(sides: pd.DataFrame, words: Mapping[str, pd.Series[str]]) -> pd.DataFrame:
    low, high = sides.min(axis=1), sides.max(axis=1)
    direction = low.where(low == high, 0.0)
    return pd.DataFrame(
        {
            "direction": direction,
            "shared": direction != 0,
            "detail": _joined({name: one.reindex(sides.index) for name, one in words.items()}),
        }
    )


def _joined(words: Mapping[str, pd.Series[str]]) -> pd.Series[str]:
    """Join a phrase per language: ``de rank 3; it rank 1``."""
    parts = [language + " " + phrase.astype(str) for language, phrase in words.items()]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + "; " + part
    return joined
