"""One job explained again, quickly, for models that were changed on purpose: importance as numbers, not as files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from analyses.attributions.contract import Attribution, Subject
    from msfl.runs import Run

ATTENTION, SHAP, OWEN, PERMUTATION, LINEAR = "attention", "shap", "owen", "permutation", "linear"
NETWORK_METHODS = (ATTENTION, SHAP, OWEN, PERMUTATION)
"""Methods that explain a network; `linear` explains a linear baseline."""
QUICK = (ATTENTION, SHAP, LINEAR)
LEVELS = {OWEN: ("contour",), PERMUTATION: ("contour",)}
"""Levels at which a method is computed here, where they are not `BOTH`."""
BOTH = ("feature", "contour")
EVALUATIONS = 3
"""Of the model by `owen`, for each contour and utterance: enough to descend to most of the contours."""
PERMUTATIONS = 2


def codes_of(run: Run, method: str) -> dict[str, NDArray[np.intp]]:
    """Return level -> item of each number that `importance` returns; without levels of fewer than three items."""
    from analyses.items import items_of

    names, feature_set = run.feature_names, run.manifest.features.set
    found = {}
    for level in LEVELS.get(method, BOTH):
        items = items_of(names, level, feature_set)
        if len(items.names) > 2:
            found[level] = np.arange(len(items.names)) if method == PERMUTATION else items.codes
    return found


def importance(run: Run, subject: Subject, method: str, seed: int) -> NDArray[np.float64]:
    """Return the balanced mean importance on the test utterances of a job.

    Args:
        run: The run.
        subject: The job, with whatever model.
        method: One of `NETWORK_METHODS`, or `LINEAR`.
        seed: Seed of the method.

    Returns:
        Of each feature, in the order of the run; for `permutation` of each contour, in the order of their names.
    """
    from analyses.attributions.averages import of_attribution
    from analyses.cells import of_table
    from analyses.items import items_of
    from analyses.rankings import balanced

    attribution = explain(subject, method, seed)
    tables = of_attribution(attribution, run.utterances, signed=method not in (ATTENTION, PERMUTATION))
    cells = of_table(pd.concat(tables, ignore_index=True))[subject.train.tasks[0].name]
    level = "contour" if method == PERMUTATION else "feature"
    names = run.feature_names
    order = items_of(names, level, run.manifest.features.set).names if method == PERMUTATION else names
    return np.asarray(balanced(cells[level]).reindex(list(order)).to_numpy(dtype=np.float64))


def explain(subject: Subject, method: str, seed: int) -> Attribution:
    """Explain the true classes of the main task, with as little effort as a mean over utterances needs."""
    from analyses.attributions.attention import Attention
    from analyses.attributions.expected_gradients import ExpectedGradients
    from analyses.attributions.linear import LinearCoefficients
    from analyses.attributions.owen import Owen
    from analyses.attributions.permutation import Permutation, groups_of

    tasks = [subject.train.tasks[0].name]
    if method == LINEAR:
        return LinearCoefficients(tasks=tasks, classes="true").explain(subject, seed=seed)
    if method == OWEN:
        evaluations = EVALUATIONS * len(groups_of(subject.train.feature_names, "contour"))
        return Owen(tasks=tasks, classes="true", evaluations=max(16, evaluations)).explain(subject, seed=seed)
    if method == PERMUTATION:
        return Permutation(tasks=tasks, levels=["contour"], repeats=PERMUTATIONS).explain(subject, seed=seed)
    if method == SHAP:
        samples = min(8, len(subject.train))
        sizes: dict[str, Any] = {"samples": samples, "background": max(samples, min(64, len(subject.train)))}
        explainer = ExpectedGradients(tasks=tasks, classes="true", least=4, most=4, **sizes)
        return explainer.explain(subject, seed=seed)
    return Attention().explain(replace(subject, read_attention=lambda: _attention(subject)), seed=seed)


def _attention(subject: Subject) -> pd.DataFrame:
    """Return the attention of the model of this subject, whatever the job has stored."""
    from msfl.predictions import attention_frame

    weights = subject.system.predict(subject.test).attention
    assert weights is not None  # the method ranks models that have some
    keys = subject.keys(range(len(subject.test)), [""] * len(subject.test), [""] * len(subject.test))
    key = {name: keys[name].iloc[0] for name in ("language_set", "model", "fold", "seed")}
    table = keys[["utterance", "corpus", "language", "speaker"]].set_index("utterance")
    return attention_frame(table, weights, subject.train.feature_names, key)
