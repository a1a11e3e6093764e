"""Which rankings of a run are judged, by which of its jobs, on which utterances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analyses.faithfulness.held_out import fold_weights, held_out_order, scores
from analyses.faithfulness.judging import Case, Groups, Level, speaker_key
from analyses.faithfulness.removal import FEW
from analyses.items import items_of

if TYPE_CHECKING:
    import pandas as pd

    from analyses.explanations import Explanations
    from msfl.manifest import JobRecord
    from msfl.runs import Run

LEVELS = ("feature", "contour", "family")
"""Levels at which rankings are judged; groups are removed whole."""


@dataclass(frozen=True)
class Effort:
    """How much is computed.

    Attributes:
        per_language: Test utterances of each language.
        draws: Random rankings of each language set and level.
        draws_of_few: The same where there are so few items that most sets of them are tried anyway.
        all_seeds: Whether the models of all seeds are asked, or those of the first.
        roar_draws: Random rankings to retrain for.
        roar_levels: Levels at which models are retrained.
        roar_monolingual: Whether models of single languages are retrained as well.
        resamples: Bootstrap resamples of the speakers, for the intervals of the curves.
    """

    per_language: int
    draws: int
    draws_of_few: int
    all_seeds: bool
    roar_draws: int
    roar_levels: tuple[str, ...]
    roar_monolingual: bool
    resamples: int


EFFORTS: Mapping[str, Effort] = {
    "quick": Effort(
        per_language=30,
        draws=12,
        draws_of_few=1000,
        all_seeds=False,
        roar_draws=8,
        roar_levels=("feature",),
        roar_monolingual=False,
        resamples=200,
    ),
    "full": Effort(
        per_language=60,
        draws=30,
        draws_of_few=1000,
        all_seeds=True,
        roar_draws=20,
        roar_levels=LEVELS,
        roar_monolingual=True,
        resamples=500,
    ),
}


@dataclass(frozen=True)
class Key:
    """A language set, the model that is asked, and the jobs of which it is asked."""

    language_set: str
    model: str
    records: tuple[JobRecord, ...]


@dataclass(frozen=True)
class Batch:
    """Cases whose results are added up.

    Attributes:
        key: What is judged.
        methods: Level -> methods in the order of the rankings of the cases, with what they are ranked by.
        cases: The cases.
    """

    key: Key
    methods: dict[str, list[tuple[str, str]]]
    cases: tuple[Case, ...]


class Plan:
    """Which rankings are judged by which jobs."""

    def __init__(self, found: Explanations, run: Run, effort: Effort, seed: int) -> None:
        from analyses.attributions.subjects import choose_utterances

        self.found, self.run, self.effort, self.seed = found, run, effort, seed
        self.task = run.experiment.training.tasks[0]
        self.utterances = tuple(choose_utterances(run, effort.per_language, seed))
        self.repeats: dict[tuple[str, str, str], pd.DataFrame] = {}
        self.models: dict[tuple[str, str], set[str]] = defaultdict(set)
        for method in found.methods:
            index = found.table(f"repeats/{method}", columns=["task", "model", "language_set", "level"])
            index = index[index["task"] == self.task].drop_duplicates().astype(str)
            for _, model, language_set, level in index.itertuples(index=False):
                if level in LEVELS:
                    self.models[language_set, model].add(method)
                    self.repeats[method, language_set, level] = scores(
                        found, method, task=self.task, language_set=language_set, level=level
                    )
        features = run.feature_names
        name = run.manifest.features.set
        self.items = {level: items_of(features, level, name) for level in LEVELS}

    def subjects(self) -> list[Key]:
        """Return the language sets and models that have rankings."""
        return [Key(*key, records) for key in sorted(self.models) if (records := self._records(*key))]

    def retrained(self) -> list[Key]:
        """Return the language sets in which models are retrained, with a job for each fold."""
        sets = sorted({language_set for language_set, _ in self.models})
        several = [name for name in sets if len(self.run.language_set(name)) > 1]
        if not self.effort.roar_monolingual and several:
            sets = several
        found = []
        for name in sets:
            model = sorted(model for language_set, model in self.models if language_set == name)[0]
            first = {record.fold: record for record in reversed(self._records(name, model))}
            found.append(Key(name, model, tuple(first[fold] for fold in sorted(first))))
        return found

    def cases(self, key: Key) -> Batch | None:
        """Return what the models of a language set are asked as they are."""
        methods = [name for name in self.found.methods if name in self.models[key.language_set, key.model]]
        few = self.effort.draws_of_few
        return self._batch(key, methods, LEVELS, (self.effort.draws, few), self.utterances)

    def roar_cases(self, key: Key, retrain: str) -> Batch | None:
        """Return what a model is asked that is retrained: about all test utterances, whatever was explained."""
        draws = self.effort.roar_draws
        everything = tuple(map(str, self.run.utterances.index))
        named = replace(key, model=retrain)
        levels = self.effort.roar_levels
        return self._batch(named, list(self.found.methods), levels, (draws, draws), everything, retrain)

    def _records(self, language_set: str, model: str) -> tuple[JobRecord, ...]:
        records = [
            job
            for job in self.run.jobs
            if job.status == "done" and (job.language_set, job.model) == (language_set, model)
        ]
        first = min((job.seed for job in records), default=0)
        return tuple(job for job in records if self.effort.all_seeds or job.seed == first)

    def _batch(
        self,
        key: Key,
        methods: list[str],
        levels: tuple[str, ...],
        draws: tuple[int, int],
        utterances: tuple[str, ...],
        retrain: str = "",
    ) -> Batch | None:
        """Make the cases; ``draws`` are the random rankings of many and of few items."""
        groups = self._groups(key, utterances)
        weights = fold_weights(self.run, key.language_set)
        named: dict[str, list[tuple[str, str]]] = {}
        cases = []
        for record in key.records:
            judged = {}
            for level in levels:
                items = self.items[level]
                own = {name: self.repeats.get((name, key.language_set, level)) for name in methods}
                ranked = {
                    name: held_out_order(repeats, items.names, record.fold, weights)
                    for name, repeats in own.items()
                    if repeats is not None
                }
                if not ranked or len(items.names) < 2:
                    continue
                orders = np.stack([order for order, _ in ranked.values()])
                count = draws[1] if len(items.names) <= FEW else draws[0]
                judged[level] = Level(items.codes, orders, count, self.seed)
                named[level] = [(name, source) for name, (_, source) in ranked.items()]
            if judged:
                cases.append(Case(self.run.path, record, utterances, groups, judged, retrain))
        return Batch(key, named, tuple(cases)) if cases else None

    def _groups(self, key: Key, utterances: tuple[str, ...]) -> Groups:
        table = self.run.utterances.loc[list(utterances), ["language", "corpus", "speaker"]]
        table = (
            table[table["language"].isin(self.run.language_set(key.language_set))].astype("string").fillna("")
        )
        triples = zip(table["corpus"], table["speaker"], table.index, strict=True)
        speakers = tuple(sorted({speaker_key(*triple) for triple in triples}))
        classes = {name for record in key.records for name in record.tasks[0].classes}
        return Groups(speakers, tuple(sorted({corpus for corpus, _ in speakers})), tuple(sorted(classes)))
