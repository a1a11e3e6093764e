"""Decision functions of the baselines as plain arrays: no scikit-learn to predict, no pickle to save.

Each gives a score per class, from which `BaselineModel` makes probabilities by softmax. `allowed` says
which classes an utterance can have; the scores of the others do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Decision(Protocol):
    """Scores for n utterances and S learnt classes."""

    kind: ClassVar[str]
    """Word that names the arrays in a file; empty for functions that cannot be saved as arrays."""

    def scores(self, features: NDArray[np.float32], allowed: NDArray[np.bool_]) -> Floats:
        """Return scores of shape (n, S) for features (n, D) and allowed classes (n, S)."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays from which `from_arrays` makes the same function."""
        ...


@dataclass(frozen=True)
class Linear:
    """One linear function per class: scores = X W' + b.

    Attributes:
        weights: Shape (S, D); D = 0 for scores that do not look at the features.
        intercept: Shape (S,).
    """

    kind: ClassVar[str] = "linear"
    weights: Floats
    intercept: Floats

    def scores(self, features: NDArray[np.float32], allowed: NDArray[np.bool_]) -> Floats:
        """Return the scores; `allowed` has no influence."""
        used = features[:, : self.weights.shape[1]].astype(np.float64)
        return np.asarray(used @ self.weights.T + self.intercept)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return weights and intercept."""
        return {"weights": self.weights, "intercept": self.intercept}


@dataclass(frozen=True)
class LinearPairs:
    """A linear function for each pair of classes, see `votes`.

    Attributes:
        weights: Shape (P, D), P = S (S - 1) / 2 pairs (0, 1), (0, 2), ..., (1, 2), ...
        intercept: Shape (P,).
    """

    kind: ClassVar[str] = "linear-pairs"
    weights: Floats
    intercept: Floats

    def scores(self, features: NDArray[np.float32], allowed: NDArray[np.bool_]) -> Floats:
        """Return votes among the allowed classes."""
        return votes(features.astype(np.float64) @ self.weights.T + self.intercept, allowed)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return weights and intercept."""
        return {"weights": self.weights, "intercept": self.intercept}


@dataclass(frozen=True)
class RbfPairs:
    """A Gaussian-kernel function for each pair of classes, see `votes`.

    Attributes:
        vectors: Support vectors, shape (M, D).
        dual: Their coefficients for each pair, shape (M, P).
        intercept: Shape (P,).
        gamma: Kernel k(x, s) = exp(-gamma |x - s|^2).
    """

    kind: ClassVar[str] = "rbf-pairs"
    vectors: NDArray[np.float32]
    dual: Floats
    intercept: Floats
    gamma: float

    def scores(self, features: NDArray[np.float32], allowed: NDArray[np.bool_]) -> Floats:
        """Return votes among the allowed classes."""
        x, s = features.astype(np.float64), self.vectors.astype(np.float64)
        distance = (x**2).sum(axis=1)[:, None] + (s**2).sum(axis=1) - 2 * x @ s.T
        kernel = np.exp(-self.gamma * np.maximum(distance, 0))
        return votes(kernel @ self.dual + self.intercept, allowed)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return support vectors, coefficients, intercept and gamma."""
        return {
            "vectors": self.vectors,
            "dual": self.dual,
            "intercept": self.intercept,
            "gamma": np.array(self.gamma),
        }


def votes(pairs: Floats, allowed: NDArray[np.bool_]) -> Floats:
    """Turn decisions between pairs of classes into a score per class.

    A class scores one for each allowed class that it beats, and its summed margins, squeezed below one third,
    break
    ties: scikit-learn's one-versus-rest decision function of a one-versus-one machine, among the allowed
        classes.

    Args:
        pairs: Decisions of shape (n, P), positive where the first class of the pair wins.
        allowed: Classes that count, shape (n, S).

    Returns:
        Shape (n, S).
    """
    n, size = allowed.shape
    first, second = np.triu_indices(size, k=1)
    margin = np.zeros((n, size, size))
    margin[:, first, second] = pairs
    margin[:, second, first] = -pairs
    margin *= allowed[:, None, :]
    total = margin.sum(axis=2)
    return np.asarray((margin > 0).sum(axis=2) + total / (3 * (np.abs(total) + 1)))


def pairwise_dual(dual_coef: Floats, n_support: NDArray[np.int64]) -> Floats:
    """Spread libsvm's coefficients, shape (S - 1, M), to one column per pair of classes, shape (M, P).

    Args:
        dual_coef: In libsvm's packed form: the support vectors of class i hold their coefficients against
            class j in row j - 1 for i < j, and in row j for i > j.
        n_support: Number of support vectors of each class, which stand class by class.
    """
    size = len(n_support)
    start = np.concatenate([[0], np.cumsum(n_support)])
    first, second = np.triu_indices(size, k=1)
    dual = np.zeros((int(start[-1]), len(first)))
    for p, (i, j) in enumerate(zip(first, second, strict=True)):
        of_i, of_j = slice(start[i], start[i + 1]), slice(start[j], start[j + 1])
        dual[of_i, p] = dual_coef[j - 1, of_i]
        dual[of_j, p] = dual_coef[i, of_j]
    return dual


def from_arrays(kind: str, arrays: Mapping[str, NDArray[Any]]) -> Decision:
    """Make a decision function from what its `arrays` returned.

    Raises:
        KeyError: The kind is unknown or an array is missing.
    """
    if kind == RbfPairs.kind:
        return RbfPairs(arrays["vectors"], arrays["dual"], arrays["intercept"], float(arrays["gamma"]))
    if kind == LinearPairs.kind:
        return LinearPairs(arrays["weights"], arrays["intercept"])
    if kind == Linear.kind:
        return Linear(arrays["weights"], arrays["intercept"])
    raise KeyError(kind)
