"""How well each feature by itself tells the languages apart, without any model.

Language is corpus and recording chain as well, wherever each language has its own corpus: a feature that separates
languages may do so by its microphone. Utterances are weighted so that every language counts the same, and within a
language every corpus.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CHUNK = 256
"""Features that are sorted at once."""


def balanced_weights(language: NDArray[np.str_], corpus: NDArray[np.str_]) -> Floats:
    """Return the weight of each utterance, shape (n,): languages alike, corpora of a language alike; the sum is 1."""
    weights = np.zeros(len(language))
    languages = np.unique(language)
    for one in languages:
        corpora = np.unique(corpus[language == one])
        for label in corpora:
            rows = (language == one) & (corpus == label)
            weights[rows] = 1 / (len(languages) * len(corpora) * rows.sum())
    return weights


def eta_squared(values: NDArray[np.floating], language: NDArray[np.str_], weights: Floats) -> Floats:
    """Return the share of the variance of each feature that lies between the means of the languages.

    Args:
        values: Shape (n, D).
        language: Shape (n,).
        weights: Shape (n,), see `balanced_weights`.

    Returns:
        Shape (D,), 0 to 1; 0 for a feature that is constant.
    """
    x = values.astype(np.float64)
    grand = weights @ x
    total = weights @ (x - grand) ** 2
    between = np.zeros(x.shape[1])
    for one in np.unique(language):
        rows = language == one
        share = weights[rows].sum()
        between += share * ((weights[rows] @ x[rows]) / share - grand) ** 2
    enough = total > 1e-12 * np.maximum(1.0, grand**2)
    return np.divide(between, total, out=np.zeros_like(total), where=enough)


def distribution_distance(
    values: NDArray[np.floating], language: NDArray[np.str_], weights: Floats
) -> Floats:
    """Return how far the distributions of the languages are apart, by any difference of level, spread or shape.

    The Kolmogorov-Smirnov distance, the largest difference between two cumulative distributions, averaged over the
    pairs of languages. Normalisation within corpora sets all means to zero, so that eta squared sees nothing; what
    remains is visible here. Two samples of n and m utterances from one distribution have a distance of about
    0.87 sqrt(1/n + 1/m).

    Args:
        values: Shape (n, D).
        language: Shape (n,), of at least two languages.
        weights: Shape (n,), see `balanced_weights`.

    Returns:
        Shape (D,), 0 (equal distributions) to 1 (no overlap).
    """
    languages = np.unique(language)
    member = np.stack([np.where(language == one, weights, 0.0) for one in languages])
    member /= member.sum(axis=1, keepdims=True)
    result = np.zeros(values.shape[1])
    for start in range(0, values.shape[1], CHUNK):
        part = values[:, start : start + CHUNK]
        place = np.argsort(part, axis=0, kind="stable")
        ascending = np.take_along_axis(part, place, axis=0)
        last = np.ones(
            part.shape, dtype=bool
        )  # of a run of equal values: between them there is no distribution
        last[:-1] = ascending[1:] != ascending[:-1]
        cumulative = [weight[place].cumsum(axis=0) for weight in member]
        distances = [
            np.where(last, np.abs(cumulative[a] - cumulative[b]), 0.0).max(axis=0)
            for a in range(len(languages))
            for b in range(a + 1, len(languages))
        ]
        result[start : start + CHUNK] = np.mean(distances, axis=0)
    return result
