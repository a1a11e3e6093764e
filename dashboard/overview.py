"""The tables of the page Overview, cached per run: corpora, confusions, task weights."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from dashboard.data import Data, RunData
from msfl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from msfl.results import Comparison

SERVICE = "overview"
_PREFIX = "weight_"


class Overview:
    """What the page shows of one run."""

    def __init__(self, run: RunData) -> None:
        self.run = run
        self.comparison = lru_cache(maxsize=16)(self._comparison)
        self.gains = lru_cache(maxsize=16)(self._gains)
        self.overall = lru_cache(maxsize=16)(self._overall)
        self.confusions = lru_cache(maxsize=64)(self._confusions)
        self.weights = lru_cache(maxsize=64)(self._weights)
        self.corpora = lru_cache(maxsize=1)(self._corpora)

    def _comparison(self, task: str) -> Comparison | None:
        """Return all systems on one task; None where the run has no scores of it."""
        from msfl.results import compare

        scores = self.run.scores
        if scores is None or task not in set(scores["task"]):
            return None
        return compare(self.run.run, task=task)

    def _gains(self, task: str) -> pd.DataFrame:
        """Return what systems gain on their twins, see `msfl.results.gains`; no rows without scores of the task."""
        import pandas as pd

        from msfl.results import gains

        if self.comparison(task) is None:
            return pd.DataFrame(
                columns=["language_set", "model", "twin", "group", "difference", "low", "high"]
            )
        return gains(self.run.run, task=task)

    def _overall(self, task: str) -> pd.DataFrame:
        """Return language_set, model, uar, uar_low, uar_high over all languages, in the order of `comparison`."""
        import pandas as pd

        comparison, scores = self.comparison(task), self.run.scores
        columns = ["language_set", "model", "uar", "uar_low", "uar_high"]
        if comparison is None or scores is None:
            return pd.DataFrame(columns=columns)
        rows = scores[(scores["task"] == task) & (scores["level"] == "overall") & (scores["seed"] == "mean")]
        order = {(row.language_set, row.model): place for place, row in enumerate(comparison.rows)}
        keys = [order.get(key, -1) for key in zip(rows["language_set"], rows["model"], strict=True)]
        kept = rows.assign(order=keys).query("order >= 0").sort_values("order", kind="stable")
        return kept[columns].reset_index(drop=True)

    def _corpora(self) -> pd.DataFrame:
        """Return a row per corpus and language: utterances, speakers, minutes, emotions, naturalness."""
        import pandas as pd

        table = self.run.utterances
        rows = []
        for (corpus, language), part in table.groupby(["corpus", "language"], sort=True):
            rows.append(
                {
                    "corpus": str(corpus),
                    "language": str(language),
                    "utterances": len(part),
                    "speakers": int(part["speaker"].nunique()),
                    "minutes": float(part["duration"].sum()) / 60,
                    "emotions": ", ".join(sorted(map(str, part["emotion"].dropna().unique()))),
                    "naturalness": ", ".join(sorted(map(str, part["naturalness"].dropna().unique()))),
                }
            )
        return pd.DataFrame(rows)

    def _confusions(self, task: str, language_set: str, model: str) -> dict[str, pd.DataFrame]:
        """Return language -> counts, truth in rows, predicted in columns; means over seeds."""
        rows = self.run.predicted(task, language_set, model)
        if rows is None:
            return {}
        rows = rows[rows["truth"].notna()]
        classes = sorted({*rows["truth"].astype(str), *rows["predicted"].astype(str)})
        found = {}
        truth, said = rows["truth"].astype(str), rows["predicted"].astype(str)
        counts = rows.groupby(["language", truth, said], sort=True).size()
        seeds = rows.groupby("language")["seed"].nunique().clip(lower=1)
        for language in counts.index.unique(level=0):
            table = counts.loc[language].unstack(fill_value=0)
            present = [name for name in classes if name in table.index]
            whole = table.reindex(index=present, columns=classes, fill_value=0)
            found[str(language)] = whole / seeds[language]
        return found

    def _weights(self, language_set: str, model: str) -> pd.DataFrame:
        """Return task, epoch, and mean, low and high of its weight over folds and seeds; empty without weights."""
        import pandas as pd

        pieces = []
        for job in self.run.run.jobs:
            if (job.language_set, job.model, job.status) != (language_set, model, "done"):
                continue
            try:
                history = self.run.run.history(job)
            except DataError:
                continue  # one damaged job is no reason to hide the others
            columns = [name for name in history if str(name).startswith(_PREFIX)]
            if len(columns) > 1 and "epoch" in history:
                pieces.append(history[["epoch", *columns]])
        if not pieces:
            return pd.DataFrame(columns=["task", "epoch", "mean", "low", "high"])
        long = pd.concat(pieces).melt("epoch", var_name="task", value_name="weight")
        long["task"] = long["task"].str.removeprefix(_PREFIX)
        grouped = long.groupby(["task", "epoch"])["weight"]
        return grouped.agg(mean="mean", low="min", high="max").reset_index()


def overview_of(run: RunData, data: Data) -> Overview:
    """Return the overview of a run, made once."""
    kept = data.services.setdefault(SERVICE, {})
    if run.key not in kept:
        kept[run.key] = Overview(run)
    found: Overview = kept[run.key]
    return found
