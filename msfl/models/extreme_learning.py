"""Extreme learning machine: a random hidden layer, and an output layer in closed form (Huang et al. 2006).

G.-B. Huang, Q.-Y. Zhu, C.-K. Siew: Extreme learning machine: theory and applications, Neurocomputing 70, 489-501, 2006.
The weights of the classes are those of the weighted form (W. Zong, G.-B. Huang, Y. Chen, Neurocomputing 101, 2013).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from msfl.atomic import replacing
from msfl.errors import DataError

Floats = NDArray[np.float64]
_SCALES = np.exp(np.linspace(np.log(0.25), np.log(64.0), 81))
"""Scales among which the calibration chooses: outputs lie between about -1 and 1."""


@dataclass(frozen=True)
class ExtremeLearningMachine:
    """A fitted machine: D inputs, H hidden units, K classes.

    Attributes:
        centre, spread: Mean and standard deviation of the inputs, shape (D,).
        kernel, bias: The random hidden layer, shapes (D, H) and (H,).
        output: The weights that were solved for, shape (H + 1, K); the last row is the bias.
        scale: Factor on the outputs before the softmax, shape ().
    """

    centre: Floats
    spread: Floats
    kernel: Floats
    bias: Floats
    output: Floats
    scale: Floats

    def outputs(self, inputs: NDArray[Any]) -> Floats:
        """Return the outputs for inputs (n, D): about 1 for the class, -1 for the others, shape (n, K)."""
        return np.asarray(self._hidden(inputs) @ self.output)

    def probabilities(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return class probabilities, the softmax of the scaled outputs, shape (n, K)."""
        return np.exp(_log_softmax(self.scale * self.outputs(inputs))).astype(np.float32)

    def _hidden(self, inputs: NDArray[Any]) -> Floats:
        return _hidden((inputs - self.centre) / self.spread, self.kernel, self.bias)

    def save(self, file: Path) -> None:
        """Write an ``.npz`` file, atomically and without pickle."""
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        with replacing(file) as work, work.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, file: Path) -> ExtremeLearningMachine:
        """Read what `save` wrote.

        Raises:
            DataError: The file is missing or damaged.
        """
        try:
            with np.load(file, allow_pickle=False) as found:
                machine = cls(**{field.name: found[field.name].astype(np.float64) for field in fields(cls)})
            machine.outputs(np.zeros((1, len(machine.centre))))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise DataError(
                f"{file} does not hold an extreme learning machine that can be read ({error}). Delete the folder of "
                "this job and repeat `msfl train`."
            ) from None
        return machine


def fit_extreme_learning(
    inputs: NDArray[Any],
    codes: NDArray[np.int64],
    classes: int,
    *,
    units: int = 50,
    ridge: float = 1.0,
    balanced: bool = True,
    seed: int,
) -> ExtremeLearningMachine:
    """Fit a machine.

    Inputs are standardised; the hidden layer is a sigmoid of normally distributed weights of variance 1 / D. The output
    layer is the ridge solution for targets of 1 for the class and -1 for the others: (H' W H + ridge I)^-1 H' W T. One
    scale turns outputs into probabilities: the one with the highest likelihood of the training labels, each predicted
    by the machine that was fitted without its utterance (leave one out, in closed form), so that the machine's own fit
    does not make it too sure. What came before the machine has still seen these utterances.

    Args:
        inputs: Shape (n, D).
        codes: Class codes, shape (n,).
        classes: Number K of classes.
        units: Number H of hidden units.
        ridge: Penalty on the squared output weights; above zero.
        balanced: Whether all classes weigh alike, however frequent they are.
        seed: Of the hidden layer.

    Raises:
        ValueError: `units` is below one, or `ridge` not above zero.
    """
    if units < 1 or not ridge > 0:
        raise ValueError(
            f"the extreme learning machine has {units} units and ridge {ridge}; both must be above 0"
        )
    rng = np.random.default_rng(seed)
    values = np.asarray(inputs, dtype=np.float64)
    centre, spread = values.mean(0), values.std(0)
    spread = np.where(spread > 1e-8, spread, 1.0)
    kernel = rng.normal(0, 1 / np.sqrt(values.shape[1]), (values.shape[1], units))
    bias = rng.normal(0, 1, units)
    hidden = _hidden((values - centre) / spread, kernel, bias)
    each = _balance(codes) if balanced else np.ones(len(values))
    targets = 2.0 * np.eye(classes)[codes] - 1.0
    inverse = np.linalg.inv(hidden.T @ (each[:, None] * hidden) + ridge * np.eye(units + 1))
    output = inverse @ hidden.T @ (each[:, None] * targets)
    leverage = each * np.einsum("nh,hk,nk->n", hidden, inverse, hidden)
    left_out = targets - (targets - hidden @ output) / np.maximum(1 - leverage, 1e-6)[:, None]
    return ExtremeLearningMachine(
        centre, spread, kernel, bias, output, np.asarray(_best_scale(left_out, codes, each))
    )


def _balance(codes: NDArray[np.int64]) -> Floats:
    """Return a weight for each utterance, of mean one, that is inverse to the frequency of its class."""
    _, place, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return np.asarray(len(codes) / (len(counts) * counts[place]), dtype=np.float64)


def _best_scale(outputs: Floats, codes: NDArray[np.int64], weights: Floats) -> float:
    """Return the scale of the highest weighted likelihood."""
    rows = np.arange(len(codes))
    likelihoods = [weights @ _log_softmax(scale * outputs)[rows, codes] for scale in _SCALES]
    return float(_SCALES[int(np.argmax(likelihoods))])


def _hidden(standardised: Floats, kernel: Floats, bias: Floats) -> Floats:
    """Return the hidden layer with a column of ones behind it, shape (n, H + 1)."""
    sigmoid = 0.5 * (1 + np.tanh(0.5 * (standardised @ kernel + bias)))
    return np.concatenate([sigmoid, np.ones((len(sigmoid), 1))], axis=1)


def _log_softmax(values: Floats) -> Floats:
    shifted = values - values.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))
