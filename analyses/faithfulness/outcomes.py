"""What the removal of features does to predictions: recalls and probabilities, counted per speaker or corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyses.faithfulness.removal import Bools, Floats, Integers

Predict = Callable[[NDArray[np.float32], NDArray[np.intp]], NDArray[np.floating[Any]]]
"""Features (n, D) and which utterance each row was made from (n,) -> class probabilities (n, K)."""
VALUES = 1 << 20
"""Feature values per call: 660 rows of 1582 features."""


@dataclass(frozen=True)
class Outcome:
    """Counts over the utterances of G groups; leading axes (...) are rankings, cuts, sets, whatever was tried.

    Attributes:
        hits: Utterances of each class that are recognised, shape (..., G, K).
        truth: Sum of the probability of the true class, shape (..., G).
        first: Sum of the probability of the class that the whole input is given, shape (..., G).
        support: Utterances of each class, shape (G, K).
    """

    hits: Floats
    truth: Floats
    first: Floats
    support: Floats

    def take(self, index: NDArray[np.intp]) -> Outcome:
        """Select along the first axis, which becomes the axes of `index`."""
        return Outcome(self.hits[index], self.truth[index], self.first[index], self.support)

    def pooled(self, weights: Floats) -> Outcome:
        """Add groups up: weights of shape (H, G) make H groups of G."""
        return Outcome(
            np.einsum("hg,...gk->...hk", weights, self.hits, optimize=True),
            self.truth @ weights.T,
            self.first @ weights.T,
            weights @ self.support,
        )

    def __add__(self, other: Outcome) -> Outcome:
        """Add the utterances of another fold or seed."""
        return Outcome(
            self.hits + other.hits,
            self.truth + other.truth,
            self.first + other.first,
            self.support + other.support,
        )

    def uar(self) -> Floats:
        """Return the unweighted average recall, averaged over the groups (corpora) that have utterances."""
        there = self.support > 0
        recalls = np.divide(self.hits, self.support, out=np.zeros_like(self.hits), where=there)
        groups = there.any(axis=-1)
        each = recalls.sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)
        return np.asarray(each[..., groups].mean(axis=-1))

    def probability(self, of: str) -> Floats:
        """Return the mean probability, averaged over groups: of the true class (``truth``) or the ``first``."""
        sizes = self.support.sum(axis=-1)
        there = sizes > 0
        return np.asarray((getattr(self, of)[..., there] / sizes[there]).mean(axis=-1))


@dataclass(frozen=True)
class Labels:
    """What is known about the n utterances of a test part.

    Attributes:
        truth: Class codes, shape (n,).
        groups: Group (speaker) codes, shape (n,).
        shape: Numbers of groups G and classes K.
    """

    truth: Integers
    groups: Integers
    shape: tuple[int, int]


def outcome(
    predict: Predict, features: NDArray[np.float32], kept: Bools, labels: Labels, *, values: int = VALUES
) -> Outcome:
    """Predict with each set of features and count.

    Args:
        predict: The model.
        features: Normalised features, shape (n, D).
        kept: Sets of features that stay, shape (P, D); the others become zero.
        labels: Labels of the n utterances.
        values: Feature values per call of `predict`; the calls are filled across the sets.

    Returns:
        Counts with one leading axis of length P.
    """
    n, width = features.shape
    probabilities = np.empty((len(kept) * n, labels.shape[1]))
    rows = max(1, values // width)
    for start in range(0, len(probabilities), rows):
        flat = np.arange(start, min(start + rows, len(probabilities)))
        sets, own = np.divmod(flat, n)
        given = features[own] * kept[sets]
        probabilities[flat] = predict(given, own)
    whole = np.asarray(predict(features, np.arange(n))).argmax(axis=1)
    return count(probabilities.reshape(len(kept), n, -1), whole, labels)


def count(probabilities: Floats, whole: Integers, labels: Labels) -> Outcome:
    """Count predictions.

    Args:
        probabilities: Shape (P, n, K).
        whole: The class that each utterance is given when nothing is removed, shape (n,).
        labels: Labels of the n utterances.
    """
    groups, classes = labels.shape
    n = len(labels.truth)
    hit = probabilities.argmax(axis=2) == labels.truth
    cell = np.zeros((n, groups * classes))
    cell[np.arange(n), labels.groups * classes + labels.truth] = 1.0
    group = np.zeros((n, groups))
    group[np.arange(n), labels.groups] = 1.0
    rows = np.arange(n)
    return Outcome(
        hits=(hit @ cell).reshape(-1, groups, classes),
        truth=probabilities[:, rows, labels.truth] @ group,
        first=probabilities[:, rows, whole] @ group,
        support=cell.sum(axis=0).reshape(groups, classes),
    )
