"""What a model said about each test utterance, over its seeds, and whether that was right."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from dashboard.attributions import methods_of, utterances_explained

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.data import RunData
    from dashboard.state import State

RIGHT, WRONG, EXPLAINED = "right", "wrong", "explained"
"""What a view can go through, beside everything."""


@lru_cache(maxsize=64)
def outcomes(run: RunData, language_set: str, model: str, task: str) -> pd.DataFrame | None:
    """Return the predictions of one model, averaged over its seeds; None where the run has no predictions yet.

    Returns:
        Index ``utterance``; columns `truth`, `predicted`, `right` (bool; False without a truth), `fold`, `seeds`, and
        one column per class that the model knows, its mean probability.
    """
    chosen = run.predicted(task, language_set, model)
    if chosen is None:
        return None
    classes = [name for name in chosen.columns if name.startswith("p_") and chosen[name].notna().any()]
    grouped = chosen.groupby("utterance", sort=False)
    found = grouped[["truth", "fold"]].first()
    found["predicted"] = grouped["predicted"].first()
    found["seeds"] = grouped.size()
    if classes:
        means = grouped[classes].mean()
        if (
            int(found["seeds"].max() if len(found) else 1) > 1
        ):  # the class that the seeds together find likeliest
            names = np.array([name[2:] for name in classes])
            found["predicted"] = names[means.fillna(-1).to_numpy().argmax(axis=1)]
        found = found.join(means.rename(columns=lambda name: name[2:]))
    found["right"] = (found["truth"] == found["predicted"]).fillna(False).astype(bool)
    return found


def classes_of(found: pd.DataFrame) -> list[str]:
    """Return the classes of a table of `outcomes`."""
    return [name for name in found.columns if name not in ("truth", "fold", "predicted", "seeds", "right")]


def listed(run: RunData, state: State) -> list[str]:
    """Return the utterances that a view goes through: of its language and emotion, and as its ``view`` says.

    ``right`` and ``wrong`` hold what the model was tested on, ``explained`` what a method that knows for and against
    explains; otherwise it is all utterances.
    """
    table = run.utterances
    keep = np.ones(len(table), dtype=bool)
    for field in ("language", "emotion"):
        wanted = getattr(state, field)
        if wanted:
            keep &= (table[field] == wanted).fillna(False).to_numpy(dtype=bool)
    if state.view in (RIGHT, WRONG):
        found = outcomes(run, state.set, state.model, state.task)
        if found is None:
            return []
        judged = found["right"] if state.view == RIGHT else ~found["right"] & found["truth"].notna()
        keep &= table.index.isin(found.index[judged])
    if state.view == EXPLAINED:
        for method in methods_of(run, state.set, state.model)[:1]:
            wanted = {"language_set": state.set, "model": state.model, "task": state.task}
            keep &= table.index.isin(utterances_explained(run, method, **wanted))
    return [str(name) for name in table.index[keep]]
