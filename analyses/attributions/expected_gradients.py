"""Expected gradients: SHAP values of a network from its gradients, sampled until they are accurate enough."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from analyses.attributions.background import balanced_rows
from analyses.attributions.contract import Attribution, Subject, root_mean_square
from analyses.attributions.gradient_rounds import GradientRounds
from analyses.attributions.predictor import (
    Predictor,
    is_network,
    language_input,
    network_probabilities,
    predictor,
)
from analyses.attributions.targets import Target, checked, targets_of
from msfl.errors import DataError, UsageError
from msfl.manifest import JobRecord
from msfl.models.contract import Dataset
from msfl.tasks import Task

Floats = NDArray[np.float32]
VALUES = 1 << 19
"""Feature values per call, as far as the numbers of rows below allow: it keeps memory small."""
ROWS = (128, 2048)
"""Fewest and most rows per call. An LSTM pays for every step, however few rows it has."""
NOISE = 1e-5
"""Deviations of a sum of values that float32 can be to blame for."""
MATTERS = 1e-3
"""A row whose values have a smaller Euclidean length than this, in probability, need not be accurate."""


class ExpectedGradients:
    """phi_j = E[(x_j - x'_j) dp_c/dx_j at x' + a (x - x')] over training utterances x' and a ~ U(0, 1).

    The values of `shap.GradientExplainer`, which are Aumann-Shapley values averaged over baselines: their sum is p_c(x)
    minus the mean of p_c over the baselines. The language that a multilingual network is told stays that of the
    utterance. Sampling goes on in rounds (`GradientRounds`), whose spread gives the standard error, until the error of
    a row is small against its values; the known sum of the values takes out a part of the noise (`Estimate`).
    Utterances do not depend on each other.

    Args:
        tasks: The tasks to be explained; all that the model has learnt by default.
        classes: ``true-predicted``, ``true`` or ``all`` classes of each utterance.
        background: Number of training utterances to compare with, drawn in turn from all classes and languages.
        samples: Draws per round.
        tolerance: Root mean square of the standard errors of a row over that of its values.
        least: Smallest number of rounds.
        most: Largest number of rounds, whatever the error.
    """

    name: ClassVar[str] = "shap"
    paper: ClassVar[str] = (
        "Erion, Janizek, Sturmfels, Lundberg & Lee, Nature Machine Intelligence 2021; Lundberg & Lee, NeurIPS 2017"
    )
    summary: ClassVar[str] = "SHAP values by expected gradients"

    def __init__(
        self,
        *,
        tasks: Sequence[str] = (),
        classes: str = "true-predicted",
        background: int = 128,
        samples: int = 16,
        tolerance: float = 0.1,
        least: int = 6,
        most: int = 24,
    ) -> None:
        if not 2 <= samples <= background:
            raise UsageError(
                f"samples is {samples}; it is 2 or more and not above background ({background})."
            )
        if not 4 <= least <= most:
            raise UsageError(f"least is {least}; it is 4 or more and not above most ({most}).")
        if tolerance <= 0:
            raise UsageError(f"tolerance is {tolerance}; it is a number above zero, such as 0.1.")
        self.tasks = tuple(tasks)
        self.classes = checked(classes)
        self.background = background
        self.samples = samples
        self.tolerance = tolerance
        self.least = least
        self.most = most

    def objection(self, record: JobRecord) -> str:
        """See `Explainer.objection`."""
        from msfl.models.registry import is_baseline

        return f"the model '{record.model}' has no gradients" if is_baseline(record.model) else ""

    def explain(
        self, subject: Subject, *, seed: int, progress: Callable[[float], None] = lambda _: None
    ) -> Attribution:
        """See `Explainer.explain`.

        Raises:
            DataError: The model is no network, or its training part is too small to compare with.
        """
        system, test, tasks = subject.system, subject.test, subject.tasks(self.tasks)
        if not is_network(system):
            raise DataError(
                f"The model '{subject.record.model}' is no Keras network, and has no gradients to explain it "
                "by: use the method 'permutation' or 'owen'."
            )
        background = subject.train.features[balanced_rows(subject.train, self.background, seed)]
        if len(background) < 2:
            raise DataError(f"The job {subject.record.id} has too few training utterances to compare with.")
        predict = predictor(system, test, tasks)
        probabilities = predict(test.features, test.language)
        targets = targets_of(test, tasks, probabilities, self.classes)
        language = language_input(system, test.language)
        rounds = GradientRounds(
            network_probabilities(system.network, tasks),  # type: ignore[attr-defined]
            [task.name for task in tasks],
            background,
            language.shape[1],
            min(self.samples, len(background)),
        )
        base = _base_values(predict, background, test.language)
        exact = [
            np.array(
                [
                    float(probabilities[tasks[place].name][row, code])
                    - float(base[tasks[place].name][row, code])
                    for place, code in each
                ]
            )
            for row, each in enumerate(targets)
        ]
        estimates = self.estimate(rounds, targets, exact, test, language, seed, progress)
        return self._attribution(subject, tasks, targets, estimates, exact, base, seed)

    def estimate(
        self,
        rounds: GradientRounds,
        targets: Sequence[tuple[Target, ...]],
        exact: Sequence[NDArray[np.float64]],
        data: Dataset,
        language: Floats,
        seed: int,
        progress: Callable[[float], None] = lambda _: None,
    ) -> list[Estimate]:
        """Sample the attributions of n utterances until they are accurate enough.

        Args:
            rounds: The compiled rounds.
            targets: The outputs to be explained of each utterance.
            exact: What their values must sum to: each output minus its mean over the background.
            data: The n utterances.
            language: The network's input, shape (n, L).
            seed: With the name of an utterance, the seed of its draws.
            progress: Is told the share of the utterances that are done.
        """
        found: dict[int, Estimate] = {}
        width = utterances_per_call(data.features.shape[1], rounds.samples)
        for pattern in sorted({tuple(task for task, _ in each) for each in targets}):
            waiting = deque(
                row for row, each in enumerate(targets) if tuple(task for task, _ in each) == pattern
            )
            active: list[Estimate] = []
            while waiting or active:
                while waiting and len(active) < width:
                    row = waiting.popleft()
                    active.append(Estimate(row, exact[row], _generator(data, row, seed)))
                rows = [one.row for one in active]
                values = rounds.run(
                    [targets[row] for row in rows],
                    data.features[rows],
                    language[rows],
                    [rounds.draw(one.rng) for one in active],
                )
                for one, value in zip(active, values, strict=True):
                    one.add(value.astype(np.float64))
                found |= {one.row: one for one in active if self._is_done(one)}
                active = [one for one in active if one.row not in found]
                progress(len(found) / len(targets))
        return [found[row] for row in range(len(targets))]

    def _is_done(self, one: Estimate) -> bool:
        if one.rounds < self.least:
            return False
        length = np.linalg.norm(one.values(), axis=-1)
        error = np.linalg.norm(one.errors(), axis=-1)
        accurate = bool(np.all(error <= self.tolerance * np.maximum(length, MATTERS)))
        return accurate or one.rounds >= self.most or not np.isfinite(length).all()

    def _attribution(
        self,
        subject: Subject,
        tasks: Sequence[Task],
        targets: Sequence[tuple[Target, ...]],
        estimates: Sequence[Estimate],
        exact: Sequence[NDArray[np.float64]],
        base: dict[str, Floats],
        seed: int,
    ) -> Attribution:
        flat = [(row, tasks[place], code) for row, each in enumerate(targets) for place, code in each]
        shape = (len(flat), subject.test.features.shape[1])
        nothing = np.zeros((0, shape[1]))
        values = np.concatenate([nothing, *(one.values() for one in estimates)])
        errors = np.concatenate([nothing, *(one.errors() for one in estimates)]).astype(np.float32)
        sums = np.concatenate([np.zeros(0), *exact])
        start = np.array([base[task.name][row, code] for row, task, code in flat], dtype=np.float32)
        rounds = np.array([estimates[row].rounds for row, _, _ in flat], dtype=np.int64)
        return Attribution(
            values=values.astype(np.float32),
            keys=subject.keys(
                [row for row, _, _ in flat],
                [task.name for _, task, _ in flat],
                [task.classes[code] for _, task, code in flat],
            ),
            items=subject.test.feature_names,
            base_values=start,
            samples=rounds * min(self.samples, len(subject.train)),
            standard_error=root_mean_square(errors),
            completeness_error=(values.sum(axis=1) - sums).astype(np.float32),
            method=self.name,
            levels=("feature",),
            baseline=(
                f"{min(self.background, len(subject.train))} training utterances, all classes and languages alike"
            ),
            seed=seed,
            standard_errors=errors,
        )


class Estimate:
    """Running estimate of the S outputs of one utterance, from the rounds so far.

    The sum of the values is known, and how far the sum of a round is from it says how far its values are off: a
    regression estimator (Cochran, Sampling Techniques, 1977, chapter 7), phi = mean v - b mean e, with the round's
    values v, the error e of their sum, and b the slope of v on e. The sum of its values is exact.

    Args:
        row: Which utterance.
        exact: What the values of each output must sum to, shape (S,).
        rng: The utterance's own source of random numbers.
    """

    def __init__(self, row: int, exact: NDArray[np.float64], rng: np.random.Generator) -> None:
        self.row = row
        self.exact = exact
        self.rng = rng
        self.rounds = 0
        # Means and sums of products of deviations, updated as by Welford (1962); zeros take any shape.
        self.mean = self.squares = self.products = np.zeros((1, 1))
        self.mean_error = self.error_squares = np.zeros((1, 1))

    def add(self, value: NDArray[np.float64]) -> None:
        """Take in one round, shape (S, D)."""
        self.rounds += 1
        error = value.sum(axis=1, keepdims=True) - self.exact[:, None]
        change, change_error = value - self.mean, error - self.mean_error
        self.mean = self.mean + change / self.rounds
        self.mean_error = self.mean_error + change_error / self.rounds
        self.squares = self.squares + change * (value - self.mean)
        self.products = self.products + change * (error - self.mean_error)
        self.error_squares = self.error_squares + change_error * (error - self.mean_error)

    def values(self) -> NDArray[np.float64]:
        """Return the attributions, shape (S, D)."""
        return self.mean - self._slope() * self.mean_error

    def errors(self) -> NDArray[np.float64]:
        """Return their standard errors, shape (S, D): those of a regression at zero error of the sum."""
        rest = np.maximum(self.squares - self._slope() * self.products, 0.0)
        spread = np.where(self._noisy(), self.error_squares, np.inf)
        return np.sqrt(rest / (self.rounds - 2) * (1 / self.rounds + self.mean_error**2 / spread))

    def _slope(self) -> NDArray[np.float64]:
        return np.where(self._noisy(), self.products / np.where(self._noisy(), self.error_squares, 1.0), 0.0)

    def _noisy(self) -> NDArray[np.bool_]:
        """Whether the sum varies over the rounds by more than rounding."""
        return self.error_squares > NOISE**2 * self.rounds


def utterances_per_call(features: int, samples: int) -> int:
    """Return how many utterances go into one call of a round."""
    least, most = ROWS
    return max(1, min(max(VALUES // features, least), most) // samples)


def _generator(data: Dataset, row: int, seed: int) -> np.random.Generator:
    """Return the random numbers of an utterance, whatever else is explained."""
    return np.random.default_rng([seed, zlib.crc32(str(data.utterances[row]).encode())])


def _base_values(predict: Predictor, background: Floats, language: NDArray[Any]) -> dict[str, Floats]:
    """Return the mean output over the background, with the language of each utterance: (n, K) by task."""
    found: dict[str, list[Floats]] = {}
    tags, inverse = np.unique(language, return_inverse=True)
    for tag in tags:
        for task, values in predict(background, np.full(len(background), tag)).items():
            found.setdefault(task, []).append(values.mean(axis=0, dtype=np.float64).astype(np.float32))
    return {task: np.stack(values)[inverse] for task, values in found.items()}
