"""Hiding labels of the training part: what a model would learn if only some of the utterances had been labelled.

Test labels are never hidden, so that scores over different shares of labels are scores on the same utterances.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from msfl.tasks import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

_OF_ONE_LABEL = ("emotion", "arousal", "valence", "dominance")
"""Where levels are mapped from the emotion, these tasks tell one another's label."""
_MAPPED = "mapped"


def hide_labels(train: pd.DataFrame, task: str, share: float, *, key: str) -> pd.DataFrame:
    """Return the training part with the labels of a task hidden, but for a share of them.

    The share is kept of each class of each corpus and language, at least one label each. Labels come back one by one
    as the share grows: those of a small share are among those of a larger one. What is mapped from a hidden label,
    as arousal levels are from the emotion class, is hidden with it; ratings are labels of their own, and stay.

    Args:
        train: Utterance table of the training part.
        task: The task whose labels are hidden.
        share: Share of the labels that stay, above 0, up to 1.
        key: What the draw depends on, beside the utterance: equal keys keep the same labels.
    """
    if share >= 1:
        return train
    column = COLUMNS[task]
    labels = train[column].dropna()
    order = labels.index.to_series().map(lambda name: hashlib.sha256(f"{key}|{name}".encode()).hexdigest())
    places = [train.loc[labels.index, name].astype(str) for name in ("corpus", "language")]
    groups = [*places, labels.astype(str)]
    place = order.groupby(groups).rank(method="first")
    size = order.groupby(groups).transform("size")
    kept = labels.index[place <= size.map(lambda count: max(1, math.floor(share * count + 0.5)))]
    hidden = labels.index.difference(kept)
    found = train.copy()
    found.loc[hidden, column] = None
    if task in _OF_ONE_LABEL:
        mapped = hidden[(train.loc[hidden, "levels_source"] == _MAPPED).fillna(False).to_numpy(dtype=bool)]
        found.loc[mapped, [COLUMNS[name] for name in _OF_ONE_LABEL]] = None
    return found


def in_words(share: float) -> str:
    """Return what stands beside every number of such a run; empty where no label is hidden."""
    return "" if share >= 1 else f"labels: {100 * share:.3g} % of the training utterances"
