"""The ranking that a fold is judged with: that of the other folds, which never looked at its test utterances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from analyses.explanations import Explanations
    from msfl.runs import Run

OTHER_FOLDS, SAME_FOLD = "other folds", "same fold"
"""What a ranking was made from: the second where a run has one fold only."""


def scores(found: Explanations, method: str, *, task: str, language_set: str, level: str) -> pd.DataFrame:
    """Return how important each item is in each repeat: index (fold, seed), a column per item; higher is better.

    That of `consensus` is its rank, turned round: its order is no order of means.
    """
    if method == "consensus":
        return -found.repeats(method, task=task, language_set=language_set, level=level, value="rank")
    return found.repeats(method, task=task, language_set=language_set, level=level, value="lift")


def held_out_order(
    repeats: pd.DataFrame, names: tuple[str, ...], fold: str, weights: pd.Series[float]
) -> tuple[NDArray[np.intp], str]:
    """Rank the items by the repeats of the other folds.

    Args:
        repeats: See `scores`.
        names: The G items, in the order of their numbers; those without a score come last.
        fold: The fold that is to be judged.
        weights: Weight of each fold, see `fold_weights`.

    Returns:
        Item numbers, best first, shape (G,), equal ones in random order; and what they were ranked by, `OTHER_FOLDS`
        or `SAME_FOLD`.
    """
    folds = repeats.index.get_level_values("fold").astype(str)
    others = folds != fold
    source = OTHER_FOLDS if others.any() else SAME_FOLD
    chosen = repeats[others] if others.any() else repeats
    own = chosen.reindex(columns=list(names)).to_numpy(dtype=np.float64)
    weight = weights.reindex(chosen.index.get_level_values("fold").astype(str)).fillna(0.0).to_numpy()
    weight = np.where(weight.sum() > 0, weight, 1.0)[:, None] * np.isfinite(own)
    total = weight.sum(axis=0)
    mean = np.divide(
        (weight * np.nan_to_num(own)).sum(axis=0), total, where=total > 0, out=np.full(len(names), -np.inf)
    )
    ties = np.random.default_rng(0).random(len(names))
    return np.lexsort((ties, -mean)), source


def fold_weights(run: Run, language_set: str) -> pd.Series[float]:
    """Return the weight of each fold: every language hands out the same total to the folds that test it.

    Else, where a fold tests one speaker, the language with most speakers would decide the ranking.
    """
    test = run.splits[run.splits["part"] == "test"]
    language = run.utterances["language"].reindex(test["utterance"]).to_numpy()
    pairs = test.assign(language=language)[["fold", "language"]].drop_duplicates()
    pairs = pairs[pairs["language"].isin(run.language_set(language_set))]
    share = 1.0 / pairs.groupby("language")["fold"].transform("count")
    weights = share.groupby(pairs["fold"].astype(str)).sum()
    return weights / weights.sum()
