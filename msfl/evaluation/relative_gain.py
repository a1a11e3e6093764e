"""The relative gain in macro F1 of one model on another, as multitask papers report it, with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from msfl.evaluation.comparison import Contender, common_rows
from msfl.evaluation.intervals import LEVEL, RESAMPLES, draw_weights, percentile_interval, resample
from msfl.evaluation.metrics import macro_f1
from msfl.evaluation.predictions import count_speakers


@dataclass(frozen=True)
class RelativeGain:
    """F1 of a over that of b, less one.

    Attributes:
        f1_a: Macro F1 of the first model, mean over seeds.
        f1_b: That of the second.
        gain: ``f1_a / f1_b - 1``.
        low: Lower end of the interval of the gain, by bootstrap over speakers; NaN with one speaker.
        high: Upper end.
    """

    f1_a: float
    f1_b: float
    gain: float
    low: float
    high: float


def relative_f1_gain(
    predictions: pd.DataFrame,
    a: Contender | str,
    b: Contender | str,
    corpus: str,
    *,
    task: str = "emotion",
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> RelativeGain:
    """Return the relative gain in macro F1 on one corpus (N. K. Kim et al., APSIPA 2017, give 3.64 % on EMO-DB).

    Args:
        predictions: Table of predictions, see ``docs/contracts.md``.
        a: The multitask model; text is read by `Contender.parse`.
        b: Its single-task twin.
        corpus: The corpus.
        task: The task.
        resamples: Number of bootstrap resamples over speakers.
        level: Coverage of the interval.
        seed: Seed of the resampling.

    Raises:
        UsageError: The table has no such model, language set or task.
        DataError: The two have no utterance of the corpus in common.
    """
    rows = common_rows(predictions, a, b, task=task, corpora=[corpus])
    both = pd.concat(rows)
    whole = count_speakers(both)
    classes, speakers = np.array(whole.classes, dtype=object), np.array(whole.speakers, dtype=object)
    counts = [count_speakers(part, classes=classes, speakers=speakers).counts for part in rows]
    f1_a, f1_b = (float(macro_f1(one.sum(axis=1)).mean()) for one in counts)
    low = high = float("nan")
    if len(speakers) > 1:
        weights = draw_weights(len(speakers), corpus, resamples=resamples, seed=seed)
        drawn = [resample(one, weights, {"f1": macro_f1})["f1"] for one in counts]
        low, high = percentile_interval(drawn[0] / drawn[1] - 1, level)
    return RelativeGain(f1_a, f1_b, f1_a / f1_b - 1, low, high)
