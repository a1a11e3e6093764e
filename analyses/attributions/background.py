"""What an utterance is compared with: training utterances of all classes and languages, each alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from msfl.models.contract import Dataset


def balanced_rows(data: Dataset, size: int, seed: int) -> NDArray[np.int64]:
    """Draw utterances without replacement, in turn from every language and class of the main task.

    Args:
        data: The training part.
        size: How many; all utterances where there are no more.
        seed: Seed of the draw.

    Returns:
        Row numbers, sorted, shape (min(size, n),).
    """
    rng = np.random.default_rng(seed)
    group = np.char.add(np.char.add(data.language, "\n"), data.targets[data.tasks[0].name].astype(str))
    turn = np.empty(len(data), dtype=np.int64)
    for name in np.unique(group):
        rows = np.flatnonzero(group == name)
        turn[rng.permutation(rows)] = np.arange(len(rows))
    order = np.lexsort((rng.random(len(data)), turn))
    return np.sort(order[:size])
