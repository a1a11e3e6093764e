"""The contract of every explainer: a finished job in, one row of attributions per utterance and class out.

Nothing here needs TensorFlow or shap, so that attributions can be read without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.errors import UsageError, nearest
from msfl.manifest import JobRecord
from msfl.models.contract import Dataset, TrainedSystem
from msfl.runs import KEYS
from msfl.tasks import Task

KEY_COLUMNS = (*KEYS, "task", "class")
"""Columns of `Attribution.keys`."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Subject:
    """What is explained: the model of a finished job, on test utterances that it has not seen.

    Attributes:
        record: The job.
        train: Everything that the model was trained on, validation speakers included; normalised.
        test: The test utterances to be explained.
        pool: All test utterances of the job, of which `test` may be a part.
        load: Loads the trained model; called once, and only by explainers that need it.
        read_attention: Reads the attention table of the job.
    """

    record: JobRecord
    train: Dataset
    test: Dataset
    pool: Dataset
    load: Callable[[], TrainedSystem]
    read_attention: Callable[[], pd.DataFrame] = pd.DataFrame

    @cached_property
    def system(self) -> TrainedSystem:
        """The trained model."""
        return self.load()

    def tasks(self, names: Sequence[str] = ()) -> tuple[Task, ...]:
        """Return the tasks of these names that the model has learnt, in its own order; no names: all.

        Raises:
            UsageError: The model has learnt none of them.
        """
        known = self.train.tasks
        chosen = tuple(task for task in known if not names or task.name in names)
        if not chosen:
            have = [task.name for task in known]
            raise UsageError(
                f"The job {self.record.id} has not learnt the task {' or '.join(names)} (it has "
                f"{', '.join(have)}).{nearest(names[0], have)}"
            )
        return chosen

    def keys(self, rows: Sequence[int], tasks: Sequence[str], classes: Sequence[str]) -> pd.DataFrame:
        """Return the key columns of an attribution.

        Args:
            rows: For each row of the attribution, which row of `test` it explains.
            tasks: Its task.
            classes: The class whose probability is explained; empty where classes are not told apart.
        """
        at = np.asarray(rows, dtype=np.int64)
        frame = pd.DataFrame(
            {
                "utterance": pd.array(self.test.utterances[at].tolist(), dtype="string"),
                "corpus": pd.array(self.test.corpus[at].tolist(), dtype="string"),
                "language": pd.array(self.test.language[at].tolist(), dtype="string"),
                "speaker": pd.array([name or None for name in self.test.speaker[at]], dtype="string"),
            }
        )
        for name in ("language_set", "model", "fold"):
            frame[name] = pd.array([getattr(self.record, name)] * len(at), dtype="string")
        frame["seed"] = np.int64(self.record.seed)
        frame["task"] = pd.array(list(tasks), dtype="string")
        frame["class"] = pd.array(list(classes), dtype="string")
        return frame


@dataclass(frozen=True)
class Attribution:
    """Attributions of n rows to D items.

    Attributes:
        values: Shape (n, D); in points of the probability of the row's class unless the method says otherwise.
        keys: n rows with the columns `KEY_COLUMNS`, and the column ``level`` where there are several levels.
        items: Names of the D items. An item of another level than that of a row is missing (NaN) in it.
        base_values: What the sum of the values starts from, shape (n,); NaN where a method has none.
        samples: Model evaluations, or repeats, behind each row, shape (n,).
        standard_error: Root mean square over the items of the standard error of a value, shape (n,); NaN
            where a method is exact or does not know.
        completeness_error: Sum of the values minus what it should be, shape (n,); NaN where a method
            promises nothing.
        method: Name of the explainer.
        levels: What the items are: ``feature``, ``contour`` or ``family``, one or several.
        baseline: What a value is compared with, in words.
        seed: Everything random was derived from it.
        standard_errors: Standard error of each value, shape (n, D), where it is kept; files do not keep it.
        tables: Other tables that the method makes, by the suffix of their file.
    """

    values: Floats
    keys: pd.DataFrame
    items: tuple[str, ...]
    base_values: Floats
    samples: NDArray[np.int64]
    standard_error: Floats
    completeness_error: Floats
    method: str
    levels: tuple[str, ...]
    baseline: str
    seed: int
    standard_errors: Floats | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)


@runtime_checkable
class Explainer(Protocol):
    """A method with its parameters. Constructed as ``Class(**parameters)``; `explain` changes nothing in it.

    Two further attributes are optional:
        utterances_per_language: How many utterances of each language are enough where the caller does not say;
            None, or absent, for all. For methods that are slow.
        signed: Whether the sign of a value is a direction; True where it is absent.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    summary: ClassVar[str]

    def objection(self, record: JobRecord) -> str:
        """Return why the model of a job cannot be explained by this method; an empty string if it can."""
        ...

    def explain(
        self, subject: Subject, *, seed: int, progress: Callable[[float], None] = lambda _: None
    ) -> Attribution:
        """Explain the test utterances of a job.

        Args:
            subject: The job.
            seed: Everything random is derived from it.
            progress: Is told the share of the work that is done, 0 to 1.
        """
        ...


@dataclass(frozen=True)
class ExplainerEntry:
    """One line of the registry: where an explainer lives, imported only when it is used."""

    name: str
    target: str
    """``module:Class``."""


def no_values(count: int) -> Floats:
    """Return n missing values."""
    return np.full(count, np.nan, dtype=np.float32)


def root_mean_square(values: NDArray[Any]) -> Floats:
    """Return the root mean square over the last axis."""
    return np.asarray(np.sqrt(np.mean(np.square(values, dtype=np.float64), axis=-1)), dtype=np.float32)
