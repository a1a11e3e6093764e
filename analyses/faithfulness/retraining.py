"""ROAR: remove, retrain, compare (Hooker, Erhan, Kindermans & Kim, NeurIPS 2019).

A model that was not trained on inputs with gaps may fail on them for that alone. Here it is trained again without the
leaders, and so is given every chance to do without them: what it still loses, no other feature can replace. With some
thousand related features much can be replaced, and small differences are to be expected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analyses.faithfulness.outcomes import Labels, Outcome
from analyses.faithfulness.removal import Bools, Integers, removals
from msfl.models.contract import MISSING, Dataset, System

Retrain = Callable[[Bools], NDArray[np.integer]]
"""Which features stay, shape (D,) -> class codes that a model trained on them gives to n test utterances."""
Singles = NDArray[np.float32]
SHARES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the items that are removed (those of Hooker et al.)."""
LEAST_SQUARES = "least-squares"
"""Name of the model that is retrained where no other is asked for."""


def roar(
    retrain: Retrain, orders: Integers, codes: Integers, labels: Labels
) -> tuple[Outcome, NDArray[np.float64]]:
    """Retrain without the leaders of R rankings, at S cuts; equal sets are trained once.

    Returns:
        Counts with leading axes (R, S), without probabilities; and the shares of the features that were removed.
    """
    count = orders.shape[1]
    at = np.unique(np.floor(np.array(SHARES) * count + 0.5).astype(np.intp))
    found = removals(orders, codes, at)
    groups, classes = labels.shape
    hits = np.zeros((len(found.kept), groups, classes))
    for row, kept in enumerate(found.kept):
        hit = retrain(kept) == labels.truth
        np.add.at(hits[row], (labels.groups[hit], labels.truth[hit]), 1.0)
    support = np.zeros((groups, classes))
    np.add.at(support, (labels.groups, labels.truth), 1.0)
    nothing = np.zeros((len(found.kept), groups))
    return Outcome(hits, nothing, nothing, support).take(found.index), found.shares


def least_squares(train: Dataset, test: Dataset, *, penalty: float = 1.0) -> Retrain:
    """Return the retraining of a linear least-squares classifier, in closed form.

    Ridge regression on the classes, each class weighted alike: the least-squares support vector machine with a linear
    kernel (Suykens & Vandewalle 1999). The penalty grows with the number of features that stay, as the length of their
    vectors does. Classes that a language never has in training are not given to it, as in the other models.

    Args:
        train: Training utterances; those without a label of the main task are left out.
        test: The n test utterances.
        penalty: Of the coefficients, times the number of features that stay.
    """
    task = train.tasks[0].name
    train = train.subset(train.targets[task] != MISSING)
    target = train.targets[task]
    hot = np.eye(len(train.tasks[0].classes), dtype=np.float32)[target]
    sizes = np.maximum(hot.sum(axis=0), 1.0)
    weight = (len(target) / ((hot.sum(axis=0) > 0).sum() * sizes))[target].astype(np.float32)
    mean, level = np.average(train.features, axis=0, weights=weight), np.average(hot, axis=0, weights=weight)
    x = ((train.features - mean) * np.sqrt(weight)[:, None]).astype(np.float32)
    y = ((hot - level) * np.sqrt(weight)[:, None]).astype(np.float32)
    z = (test.features - mean).astype(np.float32)
    impossible = ~_possible(train, test, task)
    gram = x.T @ x if x.shape[1] <= 4 * len(x) else None

    def retrain(kept: Bools) -> NDArray[np.integer]:
        scores = z[:, kept] @ _solve(x, y, gram, kept, penalty) + level
        return np.asarray(np.where(impossible, -np.inf, scores).argmax(axis=1))

    return retrain


def by_system(system: System, train: Dataset, test: Dataset, *, seed: int) -> Retrain:
    """Return the retraining of any model of the registry; features that do not stay are zero in both parts."""
    task = train.tasks[0].name

    def retrain(kept: Bools) -> NDArray[np.integer]:
        mask = kept.astype(np.float32)
        fitted = system.fit(replace(train, features=train.features * mask), None, seed=seed)
        given = fitted.predict(replace(test, features=test.features * mask))
        return np.asarray(given.probabilities[task].argmax(axis=1))

    return retrain


def _solve(x: Singles, y: Singles, gram: Singles | None, kept: Bools, penalty: float) -> Singles:
    """Return the coefficients (features that stay, K), from the smaller of the two systems of equations."""
    from scipy.linalg import cho_factor, cho_solve

    size = int(kept.sum())
    if not size:
        return np.zeros((0, y.shape[1]), dtype=np.float32)
    own = x[:, kept]
    ridge = np.float32(penalty * size)
    if size > len(x) or (gram is None and size > len(x) // 2):
        kernel = own @ own.T
        kernel[np.diag_indices(len(x))] += ridge
        return np.asarray(own.T @ cho_solve(cho_factor(kernel, lower=True), y), dtype=np.float32)
    square = own.T @ own if gram is None else gram[np.ix_(kept, kept)]
    square[np.diag_indices(size)] += ridge
    return np.asarray(cho_solve(cho_factor(square, lower=True), own.T @ y), dtype=np.float32)


def _possible(train: Dataset, test: Dataset, task: str) -> Bools:
    """Return which classes each test utterance can have, shape (n, K)."""
    found = np.ones((len(test), len(train.tasks[0].classes)), dtype=bool)
    for language in np.unique(train.language):
        own = np.unique(train.targets[task][train.language == language])
        found[test.language == language] = np.isin(np.arange(found.shape[1]), own)
    return found
