"""Permutation importance: how much worse the model gets when a contour or a family tells it nothing."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.attributions.contract import Attribution, Subject, no_values, root_mean_square
from analyses.attributions.predictor import Predictor, Probabilities, predictor
from msfl.errors import DataError, UsageError, nearest
from msfl.evaluation.metrics import count, uar
from msfl.features.grammar import LEVELS, parse_or_unknown
from msfl.manifest import JobRecord
from msfl.models.contract import MISSING, Dataset
from msfl.tasks import Task

Floats = NDArray[np.float32]
TABLE = "uar"
"""Suffix of the file with the drops in UAR."""
VALUES = 1 << 24
"""Feature values that are permuted at once: 64 MB."""


class Permutation:
    """The drop in UAR, and in the probability of the true class, when the values of a group are permuted.

    Values are exchanged between test utterances of the same corpus (Breiman 2001; Fisher, Rudin & Dominici 2019), so
    that a group is not important for telling corpora apart. For a task whose label does not vary within any corpus, as
    the language as a rule, they are exchanged between all test utterances. Features of a group are permuted together.

    Args:
        tasks: The tasks to be explained; the main task by default.
        levels: ``contour``, ``family``, ``functional``, ``feature``; the last means as many predictions as features.
        repeats: Permutations of each group.
    """

    name: ClassVar[str] = "permutation"
    paper: ClassVar[str] = "Breiman, Machine Learning 2001; Fisher, Rudin & Dominici, JMLR 2019"
    summary: ClassVar[str] = (
        "drop in UAR and in the probability of the true class when a contour or family is permuted"
    )
    signed: ClassVar[bool] = False

    def __init__(
        self,
        *,
        tasks: Sequence[str] = (),
        levels: Sequence[str] = ("contour", "family"),
        repeats: int = 5,
    ) -> None:
        for level in levels:
            if level not in LEVELS:
                raise UsageError(
                    f"There is no level '{level}'.{nearest(level, LEVELS)} The levels are {', '.join(LEVELS)}."
                )
        if not levels or repeats < 1:
            raise UsageError("Permutation importance needs one level and one repeat at least.")
        self.tasks = tuple(tasks)
        self.levels = tuple(levels)
        self.repeats = repeats

    def objection(self, record: JobRecord) -> str:
        """See `Explainer.objection`."""
        return f"the model '{record.model}' does not look at features" if record.model == "majority" else ""

    def explain(
        self, subject: Subject, *, seed: int, progress: Callable[[float], None] = lambda _: None
    ) -> Attribution:
        """See `Explainer.explain`; the drops in UAR are in `Attribution.tables`.

        Raises:
            DataError: A prediction is not a finite number.
        """
        tasks = subject.tasks(self.tasks or (subject.train.tasks[0].name,))
        predict = predictor(subject.system, subject.test, tasks)
        groups = [
            (level, name, columns)
            for level in self.levels
            for name, columns in groups_of(subject.test.feature_names, level).items()
        ]
        items = tuple(sorted({name for _, name, _ in groups}))
        sink = _Sink(subject, tasks, self.levels, items, self.repeats)
        whole = predict(subject.test.features, subject.test.language)
        scopes = {task.name: scope(subject.pool, task) for task in tasks}
        for number, (level, name, columns) in enumerate(groups, start=1):
            for by_corpus in sorted(set(scopes.values())):
                mine = [task for task in tasks if scopes[task.name] == by_corpus]
                each = self._permuted(subject, predict, columns, by_corpus, [seed, _code(level, name)])
                for repeat, found in enumerate(each):
                    for task in mine:
                        sink.add(level, name, repeat, task, whole[task.name], found[task.name])
            progress(number / len(groups))
        return sink.attribution(self.name, seed)

    def _permuted(
        self,
        subject: Subject,
        predict: Predictor,
        columns: NDArray[np.int64],
        by_corpus: bool,
        seed: list[int],
    ) -> Iterator[Probabilities]:
        """Predict with each permutation of some columns; several at once where they fit into memory."""
        test, pool = subject.test, subject.pool
        together = max(1, VALUES // max(1, test.features.size))
        places = np.searchsorted(
            pool.utterances, test.utterances, sorter=(order := pool.utterances.argsort())
        )
        places = order[places]
        for start in range(0, self.repeats, together):
            repeats = range(start, min(start + together, self.repeats))
            values = np.tile(test.features, (len(repeats), 1, 1))
            for block, repeat in zip(values, repeats, strict=True):
                donors = permuted_rows(pool, by_corpus, np.random.default_rng([*seed, repeat]))[places]
                block[:, columns] = pool.features[np.ix_(donors, columns)]
            flat = values.reshape(-1, test.features.shape[1])
            found = predict(flat, np.tile(test.language, len(repeats)))
            for place in range(len(repeats)):
                rows = slice(place * len(test), (place + 1) * len(test))
                yield {task: probabilities[rows] for task, probabilities in found.items()}


def groups_of(features: Sequence[str], level: str) -> dict[str, NDArray[np.int64]]:
    """Return the columns of each group of features at a level, groups sorted by name."""
    found: dict[str, list[int]] = {}
    for column, name in enumerate(features):
        found.setdefault(parse_or_unknown(name).group_key(level), []).append(column)
    return {name: np.array(found[name], dtype=np.int64) for name in sorted(found)}


def scope(data: Dataset, task: Task) -> bool:
    """Whether values are to be exchanged within a corpus: where a corpus has more than one label of the task."""
    target = data.targets[task.name]
    known = target != MISSING
    return any(
        len(np.unique(target[known & (data.corpus == corpus)])) > 1 for corpus in np.unique(data.corpus)
    )


def permuted_rows(data: Dataset, by_corpus: bool, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a permutation of the rows, within each corpus or among all."""
    rows = np.arange(len(data))
    groups = [np.flatnonzero(data.corpus == one) for one in np.unique(data.corpus)] if by_corpus else [rows]
    for group in groups:
        rows[group] = rng.permutation(group)
    return rows


def mean_uar(data: Dataset, task: Task, probabilities: Floats) -> float:
    """Return the UAR of a task: the mean over corpora where the task varies in them, else over all utterances."""
    target = data.targets[task.name]
    known = target != MISSING
    if not known.any():
        return float("nan")
    corpora = data.corpus[known] if scope(data, task) else np.full(known.sum(), "")
    names, group = np.unique(corpora, return_inverse=True)
    predicted = probabilities.argmax(axis=1)[known]
    counts = count(target[known], predicted, group, (len(names), len(task.classes)))
    return float(uar(counts).mean())


def _code(level: str, name: str) -> int:
    return zlib.crc32(f"{level}|{name}".encode())


@dataclass
class _Sink:
    """Collects the drops of each utterance, and those in UAR."""

    subject: Subject
    tasks: tuple[Task, ...]
    levels: tuple[str, ...]
    items: tuple[str, ...]
    repeats: int

    def __post_init__(self) -> None:
        targets = self.subject.test.targets
        self.known = {task.name: np.flatnonzero(targets[task.name] != MISSING) for task in self.tasks}
        self.drops = {
            (level, task.name): np.full(
                (self.repeats, len(self.known[task.name]), len(self.items)), np.nan, dtype=np.float32
            )
            for level in self.levels
            for task in self.tasks
        }
        self.rows: list[tuple[object, ...]] = []
        self.whole: dict[str, float] = {}

    def add(self, level: str, name: str, repeat: int, task: Task, before: Floats, after: Floats) -> None:
        """Take in the predictions of one permutation."""
        if not np.isfinite(after).all():
            raise DataError(
                f"The model of the job {self.subject.record.id} predicts no finite probabilities for some of its "
                "test utterances: its weights are damaged. Delete its folder in jobs/ and repeat `msfl train`."
            )
        rows = self.known[task.name]
        truth = self.subject.test.targets[task.name][rows]
        drop = before[rows, truth] - after[rows, truth]
        self.drops[level, task.name][repeat, :, self.items.index(name)] = drop
        if task.name not in self.whole:
            self.whole[task.name] = mean_uar(self.subject.test, task, before)
        score = self.whole[task.name]
        worse = score - mean_uar(self.subject.test, task, after)
        self.rows.append((task.name, level, name, repeat, score, worse))

    def attribution(self, method: str, seed: int) -> Attribution:
        """Return the mean drops with their standard errors over the repeats."""
        keys, values, errors = [], [], []
        for (level, task), drops in self.drops.items():
            rows = self.known[task]
            known = next(one for one in self.tasks if one.name == task)
            truth = [known.classes[code] for code in self.subject.test.targets[task][rows]]
            keys.append(self.subject.keys(rows.tolist(), [task] * len(rows), truth).assign(level=level))
            values.append(drops.mean(axis=0))
            errors.append(_spread(drops))
        count_ = sum(map(len, values))
        frame = pd.concat(keys, ignore_index=True).astype({"level": "string"})
        record = self.subject.record
        columns = ["task", "level", "name", "repeat", "uar", "drop"]
        table = pd.DataFrame(self.rows, columns=columns).assign(
            language_set=record.language_set, model=record.model, fold=record.fold, seed=record.seed
        )
        return Attribution(
            values=np.concatenate(values),
            keys=frame if len(self.levels) > 1 else frame.drop(columns="level"),
            items=self.items,
            base_values=no_values(count_),
            samples=np.full(count_, self.repeats, dtype=np.int64),
            standard_error=np.concatenate(errors),
            completeness_error=no_values(count_),
            method=method,
            levels=self.levels,
            baseline="values of other test utterances",
            seed=seed,
            tables={TABLE: table[["language_set", "model", "fold", "seed", *columns]]},
        )


def _spread(drops: Floats) -> Floats:
    """Return the root mean square standard error of the rows, over the items of their level; (R, n, D) -> (n,)."""
    repeats, count_, _ = drops.shape
    if repeats < 2:
        return no_values(count_)
    own = drops[:, :, ~np.isnan(drops).any(axis=(0, 1))]
    return root_mean_square(own.std(axis=0, ddof=1) / np.sqrt(repeats))
