"""Frame-level inputs on their way into a network: batches of similar length, read ahead by a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from msfl.sequences.kinds import sequence_kind

if TYPE_CHECKING:
    from msfl.sequences.sequences import Sequences

FRAMES = "_frames"
"""End of the name of the input that holds the lengths of a sequence input."""
_JITTER = 0.15
"""Spread of the logarithm of the lengths by which batches are drawn: batches vary, padding stays small."""


@dataclass(frozen=True)
class Stream:
    """The frame-level inputs of n utterances.

    Attributes:
        sequences: Sequences by kind, of the same n utterances.
        longest: Seconds; of a longer recording its middle is taken.
        least: Seconds to which a batch of shorter recordings is padded.
    """

    sequences: Mapping[str, Sequences]
    longest: float
    least: float = 0.25

    def batches(self, rng: np.random.Generator, number: int) -> list[NDArray[np.int64]]:
        """Draw the rows of the batches of an epoch, those of similar length together."""
        lengths = next(iter(self.sequences.values())).lengths(self.longest)
        order = np.argsort(np.log(lengths) + rng.normal(0, _JITTER, len(lengths)), kind="stable")
        batches = np.array_split(order, number)
        return [batches[place] for place in rng.permutation(number)]

    def in_order(self, size: int) -> list[NDArray[np.int64]]:
        """Return the rows in batches of at most `size`, the shortest first: for predictions."""
        lengths = next(iter(self.sequences.values())).lengths(self.longest)
        order = np.argsort(lengths, kind="stable")
        return [order[start : start + size] for start in range(0, len(order), size)]

    def read(self, rows: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Return the network's inputs of some rows: frames (B, T, F) and their lengths (B, 1), by name.

        Raises:
            DataError: The cache lost a sequence.
        """
        found: dict[str, NDArray[np.float32]] = {}
        for kind, one in self.sequences.items():
            least = int(np.ceil(self.least * sequence_kind(kind).rate))
            found[kind], found[kind + FRAMES] = one.batch(rows, self.longest, least)
        return found

    def ahead(
        self, batches: Iterable[NDArray[Any]]
    ) -> Iterator[tuple[NDArray[Any], dict[str, NDArray[np.float32]]]]:
        """Yield batches with their inputs; the next one is read while the caller computes."""
        with ThreadPoolExecutor(1, thread_name_prefix="msfl-read") as pool:
            waiting = None
            for rows in batches:
                reading = (rows, pool.submit(self.read, rows))
                if waiting is not None:
                    yield waiting[0], waiting[1].result()
                waiting = reading
            if waiting is not None:
                yield waiting[0], waiting[1].result()

    def signature(self) -> dict[str, Any]:
        """Return the tensor specifications of what `read` returns, for any batch."""
        import tensorflow as tf

        specs = {}
        for kind in self.sequences:
            specs[kind] = tf.TensorSpec([None, None, sequence_kind(kind).width], tf.float32)
            specs[kind + FRAMES] = tf.TensorSpec([None, 1], tf.float32)
        return specs
