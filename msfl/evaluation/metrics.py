"""Scores from counts per class.

All scores are functions of three counts per class: hits (truth and prediction agree), support (utterances of
the class) and guesses (predictions of the class). Counts add up over utterances, speakers and folds, so that
a resample of speakers is a matrix product. Leading axes are free: a stack of counts gives a stack of scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.float64]
"""Shape (..., 3, K): hits, support and guesses of each of K classes."""

HITS, SUPPORT, GUESSES = 0, 1, 2


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def _mean(values: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean over the last axis of the valid entries; NaN where there are none."""
    return _ratio(np.where(valid, values, 0.0).sum(axis=-1), valid.sum(axis=-1).astype(float))


def recalls(counts: Counts) -> NDArray[np.float64]:
    """Return the recall of each class, shape (..., K); NaN for classes that do not occur in the truth."""
    return _ratio(counts[..., HITS, :], counts[..., SUPPORT, :])


def uar(counts: Counts) -> NDArray[np.float64]:
    """Return the unweighted average recall: the mean of the recalls of the classes that occur in the truth.

    The headline of the field since the INTERSPEECH 2009 challenge (Schuller, Steidl & Batliner 2009), equal
    to scikit-learn's `balanced_accuracy_score`; chance is 1 / number of classes whatever their sizes.
    """
    return _mean(recalls(counts), counts[..., SUPPORT, :] > 0)


def war(counts: Counts) -> NDArray[np.float64]:
    """Return the weighted average recall, that is the accuracy."""
    return _ratio(counts[..., HITS, :].sum(axis=-1), counts[..., SUPPORT, :].sum(axis=-1))


def macro_f1(counts: Counts) -> NDArray[np.float64]:
    """Return the mean F1 of the classes that occur in the truth."""
    support = counts[..., SUPPORT, :]
    f1 = _ratio(2 * counts[..., HITS, :], support + counts[..., GUESSES, :])
    return _mean(f1, support > 0)


METRICS: dict[str, Callable[[Counts], NDArray[np.float64]]] = {"uar": uar, "war": war, "macro_f1": macro_f1}
"""Column of the score table -> function of counts, the headline first."""


def count(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], groups: NDArray[np.int64], shape: tuple[int, int]
) -> Counts:
    """Count hits, support and guesses per group, usually a speaker.

    Args:
        truth: Class codes, shape (n,).
        predicted: Class codes, shape (n,).
        groups: Group codes, shape (n,).
        shape: Number of groups G and of classes K.

    Returns:
        Counts of shape (G, 3, K).
    """
    groups_, classes = shape

    def tally(codes: NDArray[np.int64], of: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(of * classes + codes, minlength=groups_ * classes).reshape(groups_, classes)

    hit = truth == predicted
    parts = [tally(truth[hit], groups[hit]), tally(truth, groups), tally(predicted, groups)]
    return np.stack(parts, axis=1).astype(float)


def counts_of(truth: ArrayLike, predicted: ArrayLike) -> tuple[Counts, tuple[str, ...]]:
    """Return the counts of two columns of labels, shape (3, K), and the K classes, sorted.

    Example:
        >>> counts, classes = counts_of(["a", "a", "b"], ["a", "b", "b"])
        >>> float(uar(counts))
        0.75
    """
    t, p = np.asarray(truth, dtype=object), np.asarray(predicted, dtype=object)
    classes, codes = np.unique(np.concatenate([t, p]).astype(str), return_inverse=True)
    groups = np.zeros(len(t), dtype=np.int64)
    counts = count(codes[: len(t)], codes[len(t) :], groups, (1, len(classes)))
    return counts[0], tuple(str(name) for name in classes)


def confusion(truth: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the confusion matrix, shape (K, K): rows are the truth, columns the prediction.

    Pairs with a label outside `classes` are not counted.
    """
    code = {name: position for position, name in enumerate(classes)}
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    pairs: list[tuple[Any, Any]] = list(zip(np.asarray(truth), np.asarray(predicted), strict=True))
    for t, p in pairs:
        if t in code and p in code:
            matrix[code[t], code[p]] += 1
    return matrix
