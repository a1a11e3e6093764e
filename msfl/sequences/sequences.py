"""The frame-level input of a part of a fold: normalised frames, read from the cache batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.content_cache import default_folder
from msfl.features.normalisation import LIMIT, Scaler
from msfl.sequences.cache import SequenceCache
from msfl.sequences.extraction import DEVIATION, MEAN
from msfl.sequences.kinds import sequence_kind

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sequences:
    """Sequences of n utterances.

    Attributes:
        kind: Name of the kind, see `msfl.sequences.kinds`.
        keys: Keys in the cache, shape (n,).
        frames: Lengths T in frames, shape (n,).
        centre: What is subtracted from each frame of an utterance, shape (n, F).
        factor: What it is multiplied by then, shape (n, F).
        folder: Folder of the cache.
    """

    kind: str
    keys: NDArray[np.str_]
    frames: NDArray[np.int64]
    centre: Floats
    factor: Floats
    folder: Path

    def __len__(self) -> int:
        return len(self.keys)

    def subset(self, rows: NDArray[Any]) -> Sequences:
        """Return the rows given by a boolean mask or by positions."""
        return replace(
            self,
            keys=self.keys[rows],
            frames=self.frames[rows],
            centre=self.centre[rows],
            factor=self.factor[rows],
        )

    def lengths(self, longest: float) -> NDArray[np.int64]:
        """Return the numbers of frames, none longer than `longest` seconds, shape (n,)."""
        return np.minimum(self.frames, max(1, int(longest * sequence_kind(self.kind).rate)))

    def batch(
        self, rows: Sequence[int] | NDArray[Any], longest: float, least: int = 1
    ) -> tuple[Floats, Floats]:
        """Read some utterances, normalised, clipped to +-5 and padded with zeros, the mean.

        Args:
            rows: Positions, B of them.
            longest: Seconds; of a longer recording its middle is taken.
            least: Frames to which shorter batches are padded.

        Returns:
            Frames of shape (B, T, F) and their lengths, (B, 1).

        Raises:
            DataError: The cache lost a sequence.
        """
        cache = SequenceCache(self.folder, sequence_kind(self.kind))
        lengths = self.lengths(longest)[rows]
        values = np.zeros((len(rows), max(least, int(lengths.max())), self.centre.shape[1]), np.float32)
        for place, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            frames = cache.read(str(self.keys[row]))
            start = (len(frames) - length) // 2
            part = (frames[start : start + length] - self.centre[row]) * self.factor[row]
            np.clip(part, -LIMIT, LIMIT, out=values[place, :length])
        return values, lengths.astype(np.float32)[:, None]


def fit_scaler(scaler: Scaler, sequences: pd.DataFrame, table: pd.DataFrame) -> Scaler:
    """Fit a normalisation of frames: z-scores as of features, every utterance counting alike.

    Mean and variance over all frames of a group are those of two values per utterance, its mean plus and minus its
    standard deviation. (So `msfl.features.normalisation.MINIMUM` counts an utterance twice here.)

    Args:
        scaler: Not fitted yet.
        sequences: `SequenceTable.table` of the training utterances.
        table: Utterance table that has at least these.
    """
    return scaler.fit(_two_values(sequences), table)


def make_sequences(
    kind: str, sequences: pd.DataFrame, scaler: Scaler, table: pd.DataFrame, cache: Path | None = None
) -> Sequences:
    """Return the normalised sequences of some utterances.

    Args:
        kind: Name of the kind.
        sequences: `SequenceTable.table` of the n utterances. As with features, all recordings of an unseen speaker or
            corpus belong in one call.
        scaler: Fitted by `fit_scaler`.
        table: Utterance table that has at least these.
        cache: Folder of the cache.
    """
    centre, factor = scaler.affine(_two_values(sequences), table)
    count = len(sequences)
    return Sequences(
        kind=kind,
        keys=sequences["key"].to_numpy(dtype=str),
        frames=sequences["frames"].to_numpy(dtype=np.int64),
        centre=centre[:count],
        factor=factor[:count],
        folder=cache or default_folder(),
    )


def _two_values(sequences: pd.DataFrame) -> pd.DataFrame:
    """Return mean + deviation, then mean - deviation, of every utterance: shape (2n, F)."""
    mean = sequences.filter(regex=f"^{MEAN}").to_numpy()
    deviation = sequences.filter(regex=f"^{DEVIATION}").to_numpy()
    values = np.concatenate([mean + deviation, mean - deviation])
    columns = [name for name in sequences if str(name).startswith(MEAN)]
    return pd.DataFrame(values, index=sequences.index.append(sequences.index), columns=columns)
