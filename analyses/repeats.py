"""The raw repeats of a ranking: what every fold and seed says by itself, at any level.

The averages are those of `analyses.rankings`: over the utterances of a corpus, then over the corpora of a
language, then over the languages. Here they are arrays that any subset of the repeats can be averaged from, so
that intervals over repeats cost little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.cells import Cells
from analyses.items import COARSER, items_of

if TYPE_CHECKING:
    from analyses.explanations import Explanations

Floats = NDArray[np.float64]

EMOTION, LANGUAGE = "emotion", "language"
"""Names of the two tasks."""
CONSENSUS = "consensus"
"""The ranking that combines all methods. It agrees with each of them, because it was made of them."""
PREFERRED = "msfl"
"""The model that is looked at where a method explains several and the manifest does not say which."""
BLOCKS = 10
"""An interval leaves out one fold at a time; where there are more, folds are left out in so many groups."""


@dataclass(frozen=True)
class Repeats:
    """Importance in every repeat (fold x seed) of one method, task, model and language set.

    Attributes:
        names: The D items, sorted.
        keys: (fold, seed) of each of the R repeats, sorted.
        totals: Importance summed over the utterances, shape (R, C, D), for C corpora.
        counts: Number of utterances, shape (R, C).
        languages: Language of each of the C corpora.
    """

    names: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    totals: Floats
    counts: Floats
    languages: tuple[str, ...]

    @property
    def folds(self) -> tuple[str, ...]:
        """The folds that occur, sorted."""
        return tuple(sorted({fold for fold, _ in self.keys}))

    @property
    def seeds(self) -> tuple[str, ...]:
        """The seeds that occur, sorted by number."""
        return tuple(sorted({seed for _, seed in self.keys}, key=lambda seed: (len(seed), seed)))

    def importance(self, keep: NDArray[np.bool_] | None = None) -> Floats:
        """Return the balanced mean importance over all repeats or some of them, shape (D,).

        Args:
            keep: Which repeats, shape (R,); at least one.
        """
        chosen = slice(None) if keep is None else keep
        totals, counts = self.totals[chosen].sum(axis=0), self.counts[chosen].sum(axis=0)
        there = counts > 0
        means = totals[there] / counts[there, None]
        languages = np.array(self.languages)[there]
        mean: Floats = np.mean([means[languages == one].mean(axis=0) for one in np.unique(languages)], axis=0)
        return mean

    def each(self) -> Floats:
        """Return the importance in every single repeat, shape (R, D)."""
        return np.stack([self.importance(row) for row in np.eye(len(self.keys), dtype=bool)])

    def where(self, keep: Callable[[str, str], bool]) -> Repeats | None:
        """Return the repeats whose fold and seed pass; None where none does."""
        rows = np.array([keep(fold, seed) for fold, seed in self.keys])
        if not rows.any():
            return None
        keys = tuple(key for key, kept in zip(self.keys, rows, strict=True) if kept)
        return replace(self, keys=keys, totals=self.totals[rows], counts=self.counts[rows])

    def blocks(self) -> dict[str, int]:
        """Return fold -> block, or seed -> block where there is one fold: what an interval leaves out at a time.

        Folds are the larger source of variation, and seeds of one fold share their test utterances: a fold is
        left out as a whole.
        """
        labels = self.folds if len(self.folds) > 1 else self.seeds
        number = min(BLOCKS, len(labels))
        return {label: position % number for position, label in enumerate(labels)}


def of_cells(
    cells: Cells, level: str, *, feature_set: str | None = None, features: tuple[str, ...] = ()
) -> Repeats:
    """Return the repeats of cells of one task, model and language set; rows of several emotions are pooled.

    Groups get the mean over their features: its order is the order by `lift` in `analyses.rankings`.

    Args:
        cells: The cells, not empty.
        level: The level that is wanted.
        feature_set: The openSMILE set of the features, if it is one.
        features: All features of the run, where the cells are about groups of them.

    Raises:
        UsageError: The cells cannot be ranked at this level.
    """
    items = items_of(tuple(cells.means.columns), level, feature_set, base=cells.level, features=features)
    weights = cells.counts.to_numpy(dtype=np.float64)
    sums = items.sums(cells.means.to_numpy(dtype=np.float64) * weights[:, None])
    values = sums.to_numpy(dtype=np.float64) / items.table["size"].to_numpy(dtype=np.float64)
    index = cells.means.index
    folds, seeds, languages, corpora = (
        index.get_level_values(name).astype(str) for name in ("fold", "seed", "language", "corpus")
    )
    keys = sorted(set(zip(folds, seeds, strict=True)), key=lambda key: (key[0], len(key[1]), key[1]))
    places = sorted(set(zip(languages, corpora, strict=True)))
    rows = [keys.index(key) for key in zip(folds, seeds, strict=True)]
    columns = [places.index(place) for place in zip(languages, corpora, strict=True)]
    totals, counts = np.zeros((len(keys), len(places), len(items.names))), np.zeros((len(keys), len(places)))
    np.add.at(totals, (rows, columns), values)
    np.add.at(counts, (rows, columns), weights)
    return Repeats(items.names, tuple(keys), totals, counts, tuple(language for language, _ in places))


def of_scores(scores: pd.DataFrame) -> Repeats:
    """Return repeats whose importance is known as it is: index (fold, seed), one column per item."""
    frame = scores.sort_index()[sorted(scores.columns)]
    keys = tuple((str(fold), str(seed)) for fold, seed in frame.index)
    totals = frame.to_numpy(dtype=np.float64)[:, None, :]
    return Repeats(tuple(map(str, frame.columns)), keys, totals, np.ones((len(keys), 1)), ("",))


@dataclass(frozen=True)
class Source:
    """One method, from which repeats are made for any task, language set, part and level.

    Attributes:
        method: Name of the method.
        cells: Task -> level of the values -> cells of one model; empty for the consensus.
        ranks: (task, language set, level) -> rank per repeat and item, for the consensus.
        feature_set: The openSMILE set of the features, if it is one.
        features: All features of the run.
    """

    method: str
    cells: Mapping[str, Mapping[str, Cells]]
    ranks: Mapping[tuple[str, str, str], pd.DataFrame]
    feature_set: str | None
    features: tuple[str, ...]

    def language_sets(self, task: str = EMOTION) -> list[str]:
        """Return the language sets that a task was explained for, sorted."""
        found = {name for one, name, _ in self.ranks if one == task}
        for cells in self.cells.get(task, {}).values():
            found |= set(cells.values("language_set"))
        return sorted(found)

    def values(self, name: str, language_set: str) -> list[str]:
        """Return the languages or emotions that the emotion task was explained for, sorted."""
        found: set[str] = set()
        for cells in self.cells.get(EMOTION, {}).values():
            found |= set(cells.select(language_set=language_set).values(name))
        return sorted(value for value in found if value)

    def repeats(self, language_set: str, level: str, *, task: str = EMOTION, **part: str) -> Repeats | None:
        """Return the repeats of one language set, or None where there are none.

        Args:
            language_set: Name of the set.
            level: One of `msfl.features.grammar.LEVELS`.
            task: ``emotion`` or ``language``.
            **part: ``emotion`` or ``language`` with a value, to look at a part of the test utterances.
        """
        if (task, language_set, level) in self.ranks and not part:
            return of_scores(-self.ranks[task, language_set, level])
        cells = self._at(task, level)
        chosen = cells and cells.select(language_set=language_set, **part)
        if chosen is None or chosen.means.empty:
            return None
        return of_cells(chosen, level, feature_set=self.feature_set, features=self.features)

    def _at(self, task: str, level: str) -> Cells | None:
        """Return the cells to be ranked at a level: measured at it, or at one that can be summed up to it."""
        found = self.cells.get(task, {})
        bases = [level, *(base for base in COARSER if level in COARSER[base])]
        return next((found[base] for base in bases if base in found), None)


def source(found: Explanations, method: str) -> Source | None:
    """Open a method of the explanations of a run; None where its repeats were not kept."""
    features, feature_set = found.run.feature_names, found.run.manifest.features.set
    if not found.has(f"cells/{method}"):
        ranks = _ranks(found, method)
        return Source(method, {}, ranks, feature_set, features) if ranks else None
    cells = found.cells(method)
    names = sorted({name for task in cells.values() for one in task.values() for name in one.values("model")})
    model = found.manifest.models.get(method, PREFERRED)
    chosen = model if model in names else names[0]
    selected = {
        task: {level: one.select(model=chosen) for level, one in levels.items()}
        for task, levels in cells.items()
    }
    return Source(method, selected, {}, feature_set, features)


def _ranks(found: Explanations, method: str) -> dict[tuple[str, str, str], pd.DataFrame]:
    name = f"repeats/{method}"
    if not found.has(name):
        return {}
    rows = found.table(name, columns=["task", "language_set", "level", "fold", "seed", "name", "rank"])
    return {
        (str(task), str(language_set), str(level)): group.pivot(
            index=["fold", "seed"], columns="name", values="rank"
        )
        for (task, language_set, level), group in rows.groupby(["task", "language_set", "level"])
    }


def pairs(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield every pair of different values, in order."""
    for position, first in enumerate(values):
        for second in values[position + 1 :]:
            yield first, second


def order(scores: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the items from the highest score to the lowest, equal ones in random order.

    An order by name among equal scores would make lists alike that know nothing: most permutation
    importances of single features are exactly zero.
    """
    return np.lexsort((rng.random(len(scores)), -scores))


def effective(k: int, items: int) -> int:
    """Return the length of a top list: at most half of the items, because a longer one would say nothing."""
    return max(1, min(k, items // 2))
