"""Owen values over family, contour and feature, by shap's PartitionExplainer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from analyses.attributions.background import balanced_rows
from analyses.attributions.contract import Attribution, Subject, no_values
from analyses.attributions.hierarchy import hierarchy
from analyses.attributions.predictor import predictor
from analyses.attributions.targets import checked, targets_of
from msfl.errors import DataError, UsageError
from msfl.manifest import JobRecord

Floats = NDArray[np.float32]
BATCH = 64
"""Masks that are evaluated together."""


class Owen:
    """Shapley values in which features of a group join together (Owen 1977): family, then contour, then feature.

    Correlated features of one group share the credit of the group instead of taking it from each other. A masked
    feature has its mean over a balanced draw of training utterances. The tree is walked where credit is large first,
    until `evaluations` are used up; what is left in a node then is split evenly over its features, so the sum is exact
    at any budget, and small budgets blur the credit within small groups only.

    Args:
        tasks: The tasks to be explained; the main task by default.
        classes: ``true-predicted``, ``true`` or ``all`` classes of each utterance.
        background: Number of training utterances behind the mean.
        evaluations: Model evaluations for each utterance.
    """

    name: ClassVar[str] = "owen"
    paper: ClassVar[str] = "Owen 1977; shap's PartitionExplainer (Lundberg & Lee, NeurIPS 2017)"
    summary: ClassVar[str] = "hierarchical SHAP values over families, contours and features"
    utterances_per_language: ClassVar[int | None] = 20

    def __init__(
        self,
        *,
        tasks: Sequence[str] = (),
        classes: str = "true-predicted",
        background: int = 128,
        evaluations: int = 500,
    ) -> None:
        if evaluations < 4:
            raise UsageError(f"evaluations is {evaluations}; it is 4 or more.")
        if background < 1:
            raise UsageError(f"background is {background}; it is 1 or more.")
        self.tasks = tuple(tasks)
        self.classes = checked(classes)
        self.background = background
        self.evaluations = evaluations

    def objection(self, record: JobRecord) -> str:
        """See `Explainer.objection`."""
        return f"the model '{record.model}' does not look at features" if record.model == "majority" else ""

    def explain(
        self, subject: Subject, *, seed: int, progress: Callable[[float], None] = lambda _: None
    ) -> Attribution:
        """See `Explainer.explain`.

        Raises:
            DataError: There is only one feature.
        """
        test, tasks = subject.test, subject.tasks(self.tasks or (subject.train.tasks[0].name,))
        if len(test.feature_names) < 2:
            raise DataError("Owen values need two features or more: use another method.")
        predict = predictor(subject.system, test, tasks)

        def outputs(values: NDArray[Any], tag: str) -> Floats:
            found = predict(np.asarray(values, dtype=np.float32), np.full(len(values), tag))
            return np.concatenate([found[task.name] for task in tasks], axis=1)

        rows = balanced_rows(subject.train, self.background, seed)
        mean = subject.train.features[rows].mean(axis=0, dtype=np.float64).astype(np.float32)
        tree = Tree(hierarchy(test.feature_names), mean, outputs, self.evaluations, seed)
        offset = np.cumsum([0, *(len(task.classes) for task in tasks)])
        targets = targets_of(test, tasks, predict(test.features, test.language), self.classes)
        values, base, reached, places, names, classes = [], [], [], [], [], []
        for row, each in enumerate(targets):
            columns = [int(offset[task]) + code for task, code in each]
            found = tree.explain(test.features[row], str(test.language[row]), columns)
            values.append(found[0])
            base.append(found[1])
            reached.append(found[2])
            places += [row] * len(each)
            names += [tasks[task].name for task, _ in each]
            classes += [tasks[task].classes[code] for task, code in each]
            progress((row + 1) / len(targets))
        nothing = np.zeros(0, dtype=np.float32)
        start = np.concatenate([*base, nothing])
        flat = np.concatenate([*values, np.zeros((0, len(mean)), dtype=np.float32)])
        should = np.concatenate([*reached, nothing]) - start
        return Attribution(
            values=flat,
            keys=subject.keys(places, names, classes),
            items=test.feature_names,
            base_values=start,
            samples=np.full(len(flat), self.evaluations, dtype=np.int64),
            standard_error=no_values(len(flat)),
            completeness_error=(flat.sum(axis=1, dtype=np.float64) - should).astype(np.float32),
            method=self.name,
            levels=("feature",),
            baseline=f"the mean of {len(rows)} training utterances, all classes and languages alike",
            seed=seed,
        )


class Tree:
    """shap's PartitionExplainer over a hierarchy, one per language that a model is told.

    Args:
        linkage: The hierarchy, see `hierarchy`.
        mean: What a masked feature is set to, shape (D,).
        outputs: Features (n, D) and a language tag -> outputs (n, C).
        evaluations: Model evaluations for each utterance.
        seed: Seed of the order of nodes with equal credit.
    """

    def __init__(
        self,
        linkage: NDArray[np.float64],
        mean: Floats,
        outputs: Callable[[NDArray[Any], str], Floats],
        evaluations: int,
        seed: int,
    ) -> None:
        self.masker = _Masker(linkage, mean)
        self.outputs = outputs
        self.evaluations = evaluations
        self.seed = seed
        self._explainers: dict[str, Any] = {}

    def explain(self, x: Floats, tag: str, columns: list[int]) -> tuple[Floats, Floats, Floats]:
        """Explain some outputs of one utterance.

        Returns:
            Values (S, D), outputs at the baseline (S,), outputs at x (S,).
        """
        from shap.explainers import PartitionExplainer

        if tag not in self._explainers:
            self._explainers[tag] = PartitionExplainer(
                lambda values: self.outputs(values, tag).astype(np.float64), self.masker
            )
        with _seeded(self.seed):
            found = self._explainers[tag].explain_row(
                x,
                max_evals=self.evaluations,
                main_effects=False,
                error_bounds=False,
                outputs=np.array(columns),
                silent=True,
                batch_size=BATCH,
                fixed_context=None,
            )
        values = np.asarray(found["values"], dtype=np.float32).T
        base = np.asarray(found["expected_values"], dtype=np.float32)
        return values, base, self.outputs(x[None], tag)[0, columns]


class _Masker:
    """What shap calls a masker: features that are left out get the mean."""

    immutable_outputs = True
    """Each call makes a new array, which shap need not copy."""

    def __init__(self, linkage: NDArray[np.float64], mean: Floats) -> None:
        self.clustering = linkage
        self.mean = mean
        self.shape = (1, len(mean))

    def __call__(self, mask: NDArray[np.bool_], x: Floats) -> tuple[Floats]:
        return (np.where(mask, x, self.mean)[None],)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's global numbers, which shap orders equal nodes by, and give them back as they were."""
    before = np.random.get_state()
    np.random.seed(seed % (1 << 32))
    try:
        yield
    finally:
        np.random.set_state(before)
