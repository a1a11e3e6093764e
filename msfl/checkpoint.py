"""The state of a training that may be interrupted: every variable, the history, the best weights so far."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msfl.atomic import replacing

_EVERY = 20.0
"""Seconds between two checkpoints: what a kill can cost."""


class Checkpoint:
    """Writes and restores one training, as one `.npz` file without pickle.

    Args:
        folder: Where the file stands; None keeps nothing.
        variables: Everything that training changes, in a fixed order.
    """

    def __init__(self, folder: Path | None, variables: list[Any]) -> None:
        self.file = None if folder is None else folder / "training.npz"
        self.variables = variables
        self._written = time.monotonic()

    def restore(self) -> tuple[list[dict[str, Any]], list[NDArray[Any]] | None]:
        """Set the variables to the saved state, if there is one that fits.

        Returns:
            The history so far (empty without a state) and the best weights so far.
        """
        if self.file is None or not self.file.is_file():
            return [], None
        try:
            with np.load(self.file, allow_pickle=False) as saved:
                values = [saved[f"variable_{index}"] for index in range(len(self.variables))]
                history = json.loads(str(saved["history"]))
                best = [saved[f"best_{index}"] for index in range(int(saved["best"]))]
        except (OSError, ValueError, KeyError, EOFError):
            return [], None  # written by another version, or damaged: training starts again
        if any(
            value.shape != tuple(variable.shape)
            for value, variable in zip(values, self.variables, strict=True)
        ):
            return [], None
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)
        return history, best or None

    def save(self, history: list[dict[str, Any]], best: list[NDArray[Any]] | None) -> None:
        """Write the state, if the last one is old enough."""
        if self.file is None or time.monotonic() - self._written < _EVERY:
            return
        arrays: dict[str, Any] = {
            f"variable_{index}": np.asarray(variable.numpy()) for index, variable in enumerate(self.variables)
        }
        arrays |= {f"best_{index}": value for index, value in enumerate(best or [])}
        with replacing(self.file) as temporary, temporary.open("wb") as stream:
            np.savez(stream, history=json.dumps(history), best=len(best or []), **arrays)
        self._written = time.monotonic()
