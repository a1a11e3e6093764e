"""One job of a run, judged: what its own model, or one that is retrained, does without the leaders of each ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analyses.faithfulness.chance import random_orders
from analyses.faithfulness.outcomes import Labels, Outcome, outcome
from analyses.faithfulness.removal import Floats, Integers, both_ways, removals
from msfl.processes import forget_networks

if TYPE_CHECKING:
    from analyses.attributions.contract import Subject
    from msfl.manifest import JobRecord
    from msfl.models.contract import Dataset


@dataclass(frozen=True)
class Groups:
    """Whose utterances are counted together, the same for all jobs of a language set.

    Attributes:
        speakers: (corpus, speaker) of each group, sorted; without a speaker the utterance stands for itself.
        corpora: The corpora, sorted.
        classes: All classes of the main task, sorted.
    """

    speakers: tuple[tuple[str, str], ...]
    corpora: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def membership(self) -> Floats:
        """Which groups make up each corpus, shape (C, G)."""
        own = np.array([corpus for corpus, _ in self.speakers])
        return np.array([own == corpus for corpus in self.corpora], dtype=np.float64)

    def labels(self, data: Dataset) -> Labels:
        """Return the labels of utterances that all have one."""
        place = {key: position for position, key in enumerate(self.speakers)}
        task = data.tasks[0]
        code = np.array([self.classes.index(name) for name in task.classes])
        keys = [speaker_key(*row) for row in zip(data.corpus, data.speaker, data.utterances, strict=True)]
        groups = np.array([place[key] for key in keys], dtype=np.intp)
        return Labels(code[data.targets[task.name]], groups, (len(self.speakers), len(self.classes)))


def speaker_key(corpus: str, speaker: str, utterance: str) -> tuple[str, str]:
    """Return the group of an utterance."""
    return str(corpus), str(speaker) or str(utterance)


@dataclass(frozen=True)
class Level:
    """The rankings to be judged at one level.

    Attributes:
        codes: Item of each feature, shape (D,).
        orders: The R rankings of the G items, best first, shape (R, G).
        draws: Number of random rankings to judge beside them.
        seed: Seed of the random rankings: the same in every fold, as a ranking is (nearly) the same in every fold.
    """

    codes: Integers
    orders: Integers
    draws: int
    seed: int

    @property
    def random(self) -> NDArray[np.intp]:
        """The random rankings, shape (draws, G)."""
        return random_orders(self.orders.shape[1], self.draws, self.seed)


@dataclass(frozen=True)
class Judged:
    """What was found at one level, to be added up over folds and seeds.

    Attributes:
        own: Counts per speaker of the rankings and, where both ways were tried, of the rankings reversed.
        random: Counts per corpus of the random rankings.
        own_shares, random_shares: Shares of the features removed, like the leading axes of the counts.
        parts: Number of parts that were added up.
    """

    own: Outcome
    random: Outcome
    own_shares: Floats
    random_shares: Floats
    parts: int = 1

    @property
    def utterances(self) -> int:
        """Number of utterances that were counted, each once per seed."""
        return int(self.own.support.sum())

    def __add__(self, other: Judged) -> Judged:
        """Add another fold or seed; shares are averaged, counts added."""
        parts = self.parts + other.parts
        return Judged(
            self.own + other.own,
            self.random + other.random,
            (self.own_shares * self.parts + other.own_shares * other.parts) / parts,
            (self.random_shares * self.parts + other.random_shares * other.parts) / parts,
            parts,
        )


@dataclass(frozen=True)
class Case:
    """One job and what is to be judged by it; small enough to be sent to another process.

    Attributes:
        run: The run folder.
        record: The job.
        utterances: Of its test utterances, those to be used.
        groups: How they are counted.
        levels: Level -> rankings.
        retrain: Name of the model that is retrained (ROAR); empty for the job's own model as it is.
    """

    run: Path
    record: JobRecord
    utterances: tuple[str, ...]
    groups: Groups
    levels: Mapping[str, Level]
    retrain: str = ""


def judge(case: Case) -> dict[str, Judged]:
    """Judge rankings by one job.

    Returns:
        Level -> what was found; empty where the job has none of the utterances.
    """
    from analyses.attributions.subjects import load_subject
    from msfl.models.contract import MISSING
    from msfl.runs import open_run

    subject = load_subject(open_run(case.run), case.record, case.utterances)
    test = subject.test.subset(subject.test.targets[subject.test.tasks[0].name] != MISSING)
    if not len(test):
        return {}
    try:
        found = _retrained(case, subject, test) if case.retrain else _as_it_is(case, subject, test)
    finally:
        forget_networks()
    return found


def _as_it_is(case: Case, subject: Subject, test: Dataset) -> dict[str, Judged]:
    from analyses.attributions.predictor import predictor

    task = test.tasks[0]
    model = predictor(subject.system, test, [task])

    # In the codes of the groups: a fold may lack a class that another has.
    place = [case.groups.classes.index(name) for name in task.classes]

    def predict(features: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float32]:
        wide = np.zeros((len(features), len(case.groups.classes)), dtype=np.float32)
        wide[:, place] = model(features, test.language[rows])[task.name]
        return wide

    labels = case.groups.labels(test)
    found = {}
    for name, level in case.levels.items():
        own = both_ways(level.orders)
        sets = removals(np.concatenate([own, level.random]), level.codes)
        counted = outcome(predict, test.features, sets.kept, labels)
        found[name] = _judged(case, counted, sets.index, sets.shares, len(own))
    return found


def _judged(case: Case, counted: Outcome, index: NDArray[np.intp], shares: Floats, own: int) -> Judged:
    corpora = counted.pooled(case.groups.membership)
    return Judged(counted.take(index[:own]), corpora.take(index[own:]), shares[:own], shares[own:])


def _retrained(case: Case, subject: Subject, test: Dataset) -> dict[str, Judged]:
    from analyses.faithfulness.retraining import LEAST_SQUARES, by_system, least_squares, roar
    from msfl.jobs import system_parameters
    from msfl.models.registry import get_system
    from msfl.runs import open_run

    if case.retrain == LEAST_SQUARES:
        retrain = least_squares(subject.train, test)
    else:
        experiment = open_run(case.run).experiment
        system = get_system(case.retrain, **system_parameters(experiment, case.retrain))
        retrain = by_system(system, subject.train, test, seed=case.record.derived_seed)
    place = np.array([case.groups.classes.index(name) for name in test.tasks[0].classes])
    labels = case.groups.labels(test)
    found = {}
    for name, level in case.levels.items():
        orders = np.concatenate([level.orders, level.random])
        counted, shares = roar(lambda kept: place[retrain(kept)], orders, level.codes, labels)
        own = len(level.orders)
        everything = np.arange(len(orders))
        found[name] = _judged(case, counted, everything, shares, own)
    return found
