"""The contract that every model of a comparison fulfils: network, baseline, or a system of another paper.

A `System` is a recipe with its parameters; `fit` returns a `TrainedSystem`, which predicts. Nothing here depends on
TensorFlow, so that results can be read, and baselines trained, without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.tasks import Task

if TYPE_CHECKING:
    from msfl.sequences.sequences import Sequences

MISSING = -1
"""Code of a missing label in `Dataset.targets`: the item is masked in that task's loss and scores."""


@dataclass(frozen=True)
class Dataset:
    """The utterances of one part of a fold, as a model sees them.

    Attributes:
        utterances: Utterance ids, shape (n,).
        features: Normalised features, float32, shape (n, D).
        feature_names: Names of the D features.
        tasks: The tasks, main task first; the same for all parts of a fold.
        targets: Per task, class codes of shape (n,), `MISSING` where the label is missing or is not in `Task.classes`.
        language: Language tag of each utterance, shape (n,); an empty string where it is not known.
        corpus: Corpus label of each utterance, shape (n,).
        speaker: Speaker of each utterance, shape (n,); an empty string where it is not known.
        sequences: Frame-level inputs of the n utterances by kind: those that the system asked for.
    """

    utterances: NDArray[np.str_]
    features: NDArray[np.float32]
    feature_names: tuple[str, ...]
    tasks: tuple[Task, ...]
    targets: Mapping[str, NDArray[np.int64]]
    language: NDArray[np.str_]
    corpus: NDArray[np.str_]
    speaker: NDArray[np.str_]
    sequences: Mapping[str, Sequences] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.utterances)

    def subset(self, rows: NDArray[Any]) -> Dataset:
        """Return the rows given by a boolean mask or by positions."""
        return replace(
            self,
            utterances=self.utterances[rows],
            features=self.features[rows],
            targets={task: codes[rows] for task, codes in self.targets.items()},
            language=self.language[rows],
            corpus=self.corpus[rows],
            speaker=self.speaker[rows],
            sequences={kind: one.subset(rows) for kind, one in self.sequences.items()},
        )

    def with_tasks(self, names: tuple[str, ...]) -> Dataset:
        """Return the same utterances with some of the tasks, in the order given."""
        by_name = {task.name: task for task in self.tasks}
        return replace(
            self,
            tasks=tuple(by_name[name] for name in names),
            targets={name: self.targets[name] for name in names},
        )


@dataclass(frozen=True)
class Prediction:
    """What a trained system says about n utterances.

    Attributes:
        probabilities: Per task, class probabilities of shape (n, K), rows sum to one.
        attention: Weight of each feature per utterance, shape (n, D), rows sum to one; None for systems without one.
        embedding: Shared representation of each utterance, shape (n, E); None for systems without one.
        time_attention: Per task, the weights of n utterances over their time steps, each of shape (T,), sum one.
        step_seconds: Seconds from one time step to the next.
    """

    probabilities: Mapping[str, NDArray[np.float32]]
    attention: NDArray[np.float32] | None = None
    embedding: NDArray[np.float32] | None = None
    time_attention: Mapping[str, Sequence[NDArray[np.float32]]] = field(default_factory=dict)
    step_seconds: float = 0.0


@runtime_checkable
class TrainedSystem(Protocol):
    """A fitted model: predicts, can be written to a folder without pickle, and tells how it was trained.

    It may have ``notes``, sentences about its training that stand beside its results: a part that collapsed, say.
    """

    history: pd.DataFrame
    """One row per epoch (empty for systems without epochs): losses, task weights, scores on the validation speakers."""

    def predict(self, data: Dataset) -> Prediction:
        """Return class probabilities, and the attention where there is one, for every utterance of `data`."""
        ...

    def save(self, folder: Path) -> None:
        """Write the weights into an existing folder, as `.keras`, `.npz` or JSON; never pickle."""
        ...


@runtime_checkable
class System(Protocol):
    """A model with its parameters, not fitted. Constructed as `Class(**parameters)`; `fit` changes nothing in it.

    Further attributes are optional:
        uses_validation: False for a system with nothing to stop or to choose, which gets the whole training part and
            no validation speakers (`fit` is called with ``validation=None``). True where it is absent.
        keeps_weights: False for a system that writes no weights: only its predictions are kept, and `load` refuses
            with a sentence. True where it is absent.
        inputs: What it reads: ``features``, and the kinds of `msfl.sequences.kinds`, which are then in
            `Dataset.sequences`. ``("features",)`` where it is absent.

    A multitask system whose paper names its auxiliary tasks takes them as a parameter ``tasks``, whose default is the
    paper's; the others learn the tasks of the experiment. The main task is always that of the experiment.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    """Citation, or "baseline"."""
    summary: ClassVar[str]
    """One line for `msfl models`."""
    multitask: ClassVar[bool]
    """Whether it learns every task of the dataset (True) or the main task only (False)."""

    def fit(
        self, train: Dataset, validation: Dataset | None, *, seed: int, checkpoint: Path | None = None
    ) -> TrainedSystem:
        """Train on `train`; `validation` holds whole speakers of the training part, for early stopping.

        Args:
            train: Training utterances.
            validation: Utterances of held-out training speakers, or None where none can be spared.
            seed: Everything random is derived from it.
            checkpoint: A folder in which a long training keeps its state and from which it continues.
        """
        ...

    def load(self, folder: Path) -> TrainedSystem:
        """Read what `TrainedSystem.save` wrote; raises DataError for a damaged folder."""
        ...


@dataclass(frozen=True)
class SystemEntry:
    """One line of the registry: where a system lives, imported only when it is used."""

    name: str
    target: str
    """``module:Class``."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that make this named variant."""
    seeded: bool = True
    """Whether another seed gives another model; where it does not, one seed is trained."""
    twin: str = ""
    """The same network without what its paper adds (auxiliary tasks, unlabelled data): what is gained on it is what
    they bring. Empty for twins and baselines."""
