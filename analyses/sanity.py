"""Sanity: does a ranking change when the model, or what it has learnt, is replaced by chance?

After Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018. An explanation that stays the same when the weights
of the network are shuffled is not about the network; one that stays the same when the network has learnt shuffled
labels is about the recordings, and not about emotion. Methods: `docs/faithfulness.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.explained_again import LINEAR, NETWORK_METHODS, QUICK, codes_of, importance
from analyses.processes import in_processes
from msfl.processes import forget_networks

if TYPE_CHECKING:
    from analyses.attributions.contract import Subject
    from analyses.explanations import Explanations
    from msfl.manifest import JobRecord
    from msfl.models.contract import Dataset
    from msfl.runs import Run

COLUMNS = (
    "method", "language_set", "model", "level", "randomised", "measure", "value", "reference", "reference_from",
    "repeats", "passed", "verdict",
)  # fmt: skip
MEASURE = "kendall_tau_b"
HEADS, PARAMETERS, LABELS = "heads", "parameters", "labels"
RELATED = 0.1
"""Two seeds of the real model must agree more than this, or nothing can be said about a change."""


@dataclass(frozen=True)
class Effort:
    """How much is computed.

    Attributes:
        per_language: Test utterances of each language that are explained.
        folds: Folds that are looked at.
        repeats: Random weights, and random labels, of each fold.
        retrain_network: Whether the network, too, is trained on random labels, on one fold.
    """

    per_language: int
    folds: int
    repeats: int
    retrain_network: bool


EFFORTS = {"quick": Effort(10, 1, 2, False), "full": Effort(20, 2, 3, True)}


def table(
    found: Explanations,
    run: Run,
    *,
    effort: Literal["quick", "full"] = "quick",
    settings: Effort | None = None,
    jobs: int | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> pd.DataFrame:
    """Compute ``sanity.parquet``, see docs/explanations.md: for the language set with most languages.

    Args:
        found: The explanations, with the repeats of the rankings.
        run: The run.
        effort: ``quick`` or ``full``, see `EFFORTS`.
        settings: Settings of one's own instead.
        jobs: Number of processes; by default one per core.
        seed: Seed of the choice of utterances and of everything that is randomised.
        progress: Is told the share of the work that is done, 0 to 1.
    """
    from analyses.attributions.subjects import choose_utterances
    from msfl.execution import worker_count

    chosen = settings or EFFORTS[effort]
    utterances = tuple(choose_utterances(run, chosen.per_language, seed))
    cases = [replace(case, utterances=utterances, seed=seed) for case in _cases(found, run, chosen)]
    changes: list[Change] = []
    for number, each in enumerate(in_processes(compute, cases, workers=worker_count(jobs)), start=1):
        changes += each
        progress(number / len(cases))
    return pd.DataFrame(_rows(found, run, changes), columns=list(COLUMNS)).astype({"passed": "boolean"})


@dataclass(frozen=True)
class Case:
    """One job, and what is to be randomised in it.

    Attributes:
        run: The run folder.
        record: The job.
        methods: The methods to be computed again.
        randomised: `HEADS`, `PARAMETERS` or `LABELS`, in that order.
        repeats: How often.
        utterances: The test utterances to be explained.
        seed: Seed of what is random.
    """

    run: Path
    record: JobRecord
    methods: tuple[str, ...]
    randomised: tuple[str, ...]
    repeats: int
    utterances: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Change:
    """Agreement of the ranking of a randomised model with that of the real one."""

    method: str
    language_set: str
    model: str
    level: str
    randomised: str
    value: float


def compute(case: Case) -> list[Change]:
    """Randomise a model in every way that is asked for, explain it, and compare with the real one."""
    from analyses.attributions.subjects import load_subject
    from msfl.runs import open_run

    run, record = open_run(case.run), case.record
    subject = load_subject(run, record, case.utterances)
    if not len(subject.test):
        return []
    codes = {method: codes_of(run, method) for method in case.methods}
    changes = []
    try:
        real = {method: importance(run, subject, method, case.seed) for method in case.methods}
        for randomised in case.randomised:
            for repeat in range(case.repeats):
                other = _randomised(run, subject, randomised, case.seed + repeat)
                for method in case.methods:
                    if randomised == HEADS and method not in QUICK:
                        continue  # it is not judged, and not worth the time
                    there = importance(run, other, method, case.seed)
                    key = (method, record.language_set, record.model)
                    changes += [
                        Change(*key, level, randomised, agreement(real[method], there, own))
                        for level, own in codes[method].items()
                    ]
    finally:
        forget_networks()
    return changes


def agreement(first: NDArray[Any], second: NDArray[Any], codes: NDArray[Any]) -> float:
    """Return Kendall's tau-b of two rankings; zero where one of them ranks nothing.

    Args:
        first: Importance of each of the D features.
        second: The same of another model.
        codes: Item of each feature, shape (D,); items are compared by their mean.
    """
    from scipy.stats import kendalltau

    sizes = np.maximum(np.bincount(codes), 1)
    means = [np.bincount(codes, weights=values) / sizes for values in (first, second)]
    value = float(kendalltau(*means).statistic)
    return value if np.isfinite(value) else 0.0


def shuffle_weights(network: Any, *, heads_only: bool, seed: int) -> None:
    """Shuffle the numbers of every weight of a Keras network within it, in place.

    Not drawn anew from the initial distribution: attention starts at zero, uniform, and would pass any test that way.
    Shuffled, it is as sharp as before, and sharp at random.

    Args:
        network: The network.
        heads_only: Only layers that a task has for itself (named ``..._head``).
        seed: Seed of the shuffle.
    """
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if heads_only and not layer.name.endswith("_head"):
            continue
        for variable in layer.trainable_variables:
            values = np.asarray(variable.numpy())
            variable.assign(rng.permutation(values.ravel()).reshape(values.shape))


def shuffle_labels(data: Dataset, seed: int) -> Dataset:
    """Shuffle the labels of the main task within each corpus, which keeps what every corpus and language has."""
    rng = np.random.default_rng(seed)
    task = data.tasks[0].name
    codes = data.targets[task].copy()
    for corpus in np.unique(data.corpus):
        rows = np.flatnonzero(data.corpus == corpus)
        codes[rows] = codes[rng.permutation(rows)]
    return replace(data, targets={**data.targets, task: codes})


def verdict(method: str, randomised: str, value: float, reference: float) -> tuple[bool | None, str]:
    """Judge a change: whether it is large enough, and a sentence that says so.

    It is, if the agreement with the randomised model is less than half of the agreement between two real ones. None
    where that says nothing, and for the heads alone: the body of the network, which is left, may well hold most of it.

    Args:
        method: Name of the method.
        randomised: What was randomised.
        value: Agreement of the rankings before and after.
        reference: Agreement of two real models.
    """
    what = {
        HEADS: "the weights of the task heads are shuffled",
        PARAMETERS: "all weights of the network are shuffled",
        LABELS: "the model is trained on shuffled labels",
    }[randomised]
    figures = f"(agreement with the real ranking {value:.2f}, between two real models {reference:.2f})"
    if randomised == HEADS:
        means = "comes from before the heads: where the model looks, and not what it concludes from it"
        if method == "attention":
            means = "is computed before the heads: it says where the model looks, not what it concludes"
        return None, f"What is left of the ranking by {method} when {what} {figures} {means}."
    if not reference > RELATED:
        return None, (
            f"Nothing can be said about {method} when {what}: the real models do not agree among themselves "
            f"{figures}."
        )
    if value < reference / 2:
        return True, f"The ranking by {method} changes as it should when {what} {figures}."
    about = "learnt from the labels" if randomised == LABELS else "in the weights of the model"
    return False, (
        f"The ranking by {method} hardly changes when {what} {figures}: much of it does not come from what is {about}."
    )


def _cases(found: Explanations, run: Run, effort: Effort) -> list[Case]:
    from msfl.models.registry import is_baseline

    task = run.experiment.training.tasks[0]
    models: dict[str, list[str]] = {}
    for method in (*NETWORK_METHODS, LINEAR):
        if method not in found.methods:
            continue
        own = found.table(f"repeats/{method}", columns=["task", "model"])
        for model in own.loc[own["task"] == task, "model"].astype(str).unique():
            models.setdefault(model, []).append(method)
    cases = []
    for model, methods in models.items():
        records = _records(run, model)[: effort.folds]
        network = not is_baseline(model)
        for number, record in enumerate(records):
            ways: tuple[str, ...] = (HEADS, PARAMETERS) if network else (LABELS,)
            cases.append(Case(run.path, record, tuple(methods), ways, effort.repeats))
            if network and effort.retrain_network and not number:
                cases.append(Case(run.path, record, tuple(methods), (LABELS,), 1))
    return cases


def _records(run: Run, model: str) -> list[JobRecord]:
    """Return the jobs of a model: of the set with most languages, of the first seed."""
    own = [job for job in run.jobs if job.status == "done" and job.model == model]
    if not own:
        return []
    most = max(len(job.languages) for job in own)
    own = [job for job in own if len(job.languages) == most]
    first = own[0]
    return [job for job in own if job.language_set == first.language_set and job.seed == first.seed]


def _randomised(run: Run, subject: Subject, randomised: str, seed: int) -> Subject:
    """Return the same job with another model."""
    from msfl.models.registry import get_system

    record = subject.record
    if randomised == LABELS:
        system = get_system(record.model, **record.parameters)
        trained = system.fit(shuffle_labels(subject.train, seed), None, seed=record.derived_seed)
        return replace(subject, load=lambda: trained)
    other: Any = run.load_system(record)
    shuffle_weights(other.network, heads_only=randomised == HEADS, seed=seed)
    return replace(subject, load=lambda: other)


def _rows(found: Explanations, run: Run, changes: Sequence[Change]) -> Iterator[dict[str, Any]]:
    frame = pd.DataFrame(changes)
    if frame.empty:
        return
    place = ["method", "language_set", "model", "level", "randomised"]
    for key, own in frame.groupby(place, sort=False):
        facts = dict(zip(place, map(str, key), strict=True))
        reference, source = _reference(found, run, facts)
        value = float(own["value"].mean())
        passed, sentence = verdict(facts["method"], facts["randomised"], value, reference)
        yield facts | {
            "measure": MEASURE,
            "value": value,
            "reference": reference,
            "reference_from": source,
            "repeats": len(own),
            "passed": passed,
            "verdict": sentence,
        }


def _reference(found: Explanations, run: Run, facts: dict[str, str]) -> tuple[float, str]:
    """Return the mean agreement of two real models: two seeds of one fold, or two folds where there is one seed.

    NaN where there is only one.
    """
    from itertools import combinations

    from scipy.stats import kendalltau

    repeats = found.repeats(
        facts["method"],
        task=run.experiment.training.tasks[0],
        language_set=facts["language_set"],
        level=facts["level"],
        value="lift",
    )
    keys = list(repeats.index)
    pairs = list(combinations(range(len(keys)), 2))
    seeds = [pair for pair in pairs if keys[pair[0]][0] == keys[pair[1]][0]]
    folds = [pair for pair in pairs if keys[pair[0]][1] == keys[pair[1]][1]]
    chosen, source = (seeds, "seeds") if seeds else (folds, "folds")
    values = repeats.to_numpy(dtype=np.float64)
    each = [kendalltau(values[a], values[b]).statistic for a, b in chosen[:_PAIRS]]
    return (float(np.mean(each)), source) if each else (float("nan"), "none")


_PAIRS = 60
"""Pairs of repeats that are compared at most."""
