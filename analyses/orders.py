"""Other orders of the features: does the ranking hang on the order in which the LSTM reads them?

A recurrent network reads a list as if it were a sequence, and the list of features has no order of its own. Here the
same network is trained again on the same fold with the same seed, and nothing but the order of the LSTM's steps
differs (the parameter ``order`` of the model). The attention of these models joins that of the run as further repeats.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.processes import in_processes
from msfl.errors import DataError, UsageError, nearest
from msfl.processes import forget_networks, one_thread

if TYPE_CHECKING:
    from analyses.explanations import Explanations
    from msfl.manifest import JobRecord
    from msfl.runs import Run

FOLDER = "explanations/orders"
TABLE = "explanations/orders.parquet"
PARAMETER = "order"
"""Parameter of a model that says in which order it reads the features; 0 for that of the table."""
WORKERS = 2
"""Processes by default: each holds a training with its activations."""
_CELLS, _RECORD, _WORK = "cells.parquet", "record.json", ".work"


def tables(
    found: Explanations,
    run: Run,
    *,
    orders: int = 1,
    seed: int = 0,
    model: str | None = None,
    language_set: str | None = None,
    folds: Sequence[str] = (),
    jobs: int | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Mapping[str, pd.DataFrame]:
    """Retrain on other orders and write ``explanations/orders.parquet``; repeat the call to continue.

    Every order has a folder of its own under ``explanations/orders/``; what is finished there is not computed again.

    Args:
        found: The explanations; their attention says which model it is about.
        run: The run.
        orders: Number of orders besides that of the run.
        seed: Seed of the orders.
        model: The model; by default the one whose attention is explained, or the first that reads in an order.
        language_set: By default the set with most languages.
        folds: By default all folds of that set.
        jobs: Number of processes, at most one per order and fold.
        progress: Is told the share of the work that is done, 0 to 1.

    Returns:
        Nothing more to be written.

    Raises:
        UsageError: There is no such model, language set or fold.
        DataError: No model of the run reads the features in an order.
    """
    from msfl.atomic import write_parquet

    name = model or _model(run, found.manifest.models.get("attention"))
    records = _records(run, name, language_set, folds)
    cases = [
        OrderCase(run.path, record, seed * 1000 + number)
        for number in range(1, orders + 1)
        for record in records
    ]
    (run.path / FOLDER).mkdir(parents=True, exist_ok=True)
    done = sum(_is_done(case) for case in cases)
    todo = [case for case in cases if not _is_done(case)]
    for _ in in_processes(retrain, todo, workers=jobs or WORKERS):
        done += 1
        progress(done / len(cases))
    pieces = [_own_cells(run, record).assign(**{PARAMETER: 0}) for record in records]
    pieces += [pd.read_parquet(case.folder / _CELLS).assign(**{PARAMETER: case.order}) for case in cases]
    write_parquet(run.path / TABLE, pd.concat(pieces, ignore_index=True), index=False)
    return {}


def read(run: Run) -> pd.DataFrame | None:
    """Return ``explanations/orders.parquet``, see docs/explanations.md; None where no order was tried.

    Raises:
        DataError: The file is damaged.
    """
    import pyarrow as pa

    file = run.path / TABLE
    if not file.is_file():
        return None
    try:
        return pd.read_parquet(file)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{file} is damaged ({reason}). Delete it and repeat `msfl explain {run.path} --orders N`."
        ) from None


def summary(run: Run) -> pd.DataFrame:
    """Return what another order changes: fold, seed, order, uar, uar_as_trained, kendall_tau_b (of the attention).

    UAR is the mean over corpora on the test utterances of the fold; tau compares the features' mean attention with that
    of the model of the run on the same fold.
    """
    from scipy.stats import kendalltau

    cells = read(run)
    rows: list[dict[str, Any]] = []
    if cells is None:
        return pd.DataFrame(rows)
    attention = dict(_attention(cells).iterrows())
    for record in sorted((run.path / FOLDER).glob(f"*/{_RECORD}")):
        facts = json.loads(record.read_text(encoding="utf-8"))
        keys = [(facts["fold"], facts["seed"], order) for order in (0, facts["order"])]
        if all(key in attention for key in keys):
            tau = kendalltau(*(attention[key].to_numpy() for key in keys)).statistic
            names = ("fold", "seed", "order", "uar", "uar_as_trained")
            rows.append({name: facts[name] for name in names} | {"kendall_tau_b": float(tau)})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class OrderCase:
    """One fold to be trained again in another order.

    Attributes:
        run: The run folder.
        record: The job of the run.
        order: Seed of the order, above zero.
    """

    run: Path
    record: JobRecord
    order: int

    @property
    def folder(self) -> Path:
        """Where its result is."""
        return self.run / FOLDER / f"{self.record.id}--order-{self.order}"

    @property
    def facts(self) -> dict[str, Any]:
        """What it was computed from; a run that was trained again is another one."""
        names = ("id", "language_set", "model", "fold", "seed", "started")
        return {name: getattr(self.record, name) for name in names} | {PARAMETER: self.order}


def retrain(case: OrderCase) -> None:
    """Train the model of a job again in another order, and write the attention of its test utterances."""
    from msfl.atomic import write_json, write_parquet
    from msfl.grid import Job, LanguageSet
    from msfl.jobs import fold_data, run_data
    from msfl.models.registry import get_system
    from msfl.predictions import attention_frame
    from msfl.runs import open_run

    run, record = open_run(case.run), case.record
    work = case.folder.with_name(case.folder.name + _WORK)
    (work / "checkpoint").mkdir(parents=True, exist_ok=True)
    manifest, experiment = run.manifest, run.experiment
    data = run_data(run.path, manifest.data.fingerprint + manifest.features.fingerprint)
    system = get_system(record.model, **{**record.parameters, PARAMETER: case.order})
    one_thread()  # after TensorFlow has been imported for the system
    job = Job(LanguageSet(record.language_set, record.languages), record.model, record.fold, record.seed)
    fold = fold_data(
        data,
        experiment,
        job,
        tasks=[task.name for task in record.tasks],
        uses_validation=getattr(system, "uses_validation", True),
    )
    try:
        trained = system.fit(
            fold.train, fold.validation, seed=record.derived_seed, checkpoint=work / "checkpoint"
        )
        prediction = trained.predict(fold.test)
    finally:
        forget_networks()
    assert prediction.attention is not None  # the model of the run has some
    key = {
        "language_set": record.language_set,
        "model": record.model,
        "fold": record.fold,
        "seed": record.seed,
    }
    tested = data.table.loc[fold.test.utterances.tolist()]
    attention = attention_frame(tested, prediction.attention, data.feature_names, key)
    write_parquet(work / _CELLS, _cells(run, record, attention), index=False)
    task = fold.tasks[0]
    codes = fold.test.targets[task.name]
    scores = {
        "uar": _uar(fold.test.corpus, codes, prediction.probabilities[task.name].argmax(axis=1)),
        "uar_as_trained": _uar(fold.test.corpus, codes, _as_trained(run, record, fold.test.utterances, task)),
    }
    write_json(work / _RECORD, case.facts | scores)
    shutil.rmtree(work / "checkpoint", ignore_errors=True)
    shutil.rmtree(case.folder, ignore_errors=True)
    work.rename(case.folder)


def _is_done(case: OrderCase) -> bool:
    file = case.folder / _RECORD
    if not file.is_file() or not (case.folder / _CELLS).is_file():
        return False
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(facts, dict) and case.facts.items() <= facts.items()


def _model(run: Run, explained: str | None) -> str:
    """Return the model to be retrained.

    Raises:
        DataError: None of them reads the features in an order.
    """
    names = list(dict.fromkeys([*([explained] if explained else []), *(job.model for job in run.jobs)]))
    for name in names:
        if any(_reads_in_order(job) for job in run.jobs if job.model == name):
            return name
    raise DataError(
        f"{run.path} has no model that reads the features one after the other, so their order cannot matter: there "
        "is nothing to retrain."
    )


def _reads_in_order(job: JobRecord) -> bool:
    from msfl.models.registry import parameters_of, registry

    if job.status != "done" or not job.attention or job.model not in registry():
        return False
    parameters = {**parameters_of(job.model), **job.parameters}
    return PARAMETER in parameters and bool(parameters.get("units", 1))


def _records(run: Run, model: str, language_set: str | None, folds: Sequence[str]) -> list[JobRecord]:
    """Return the jobs to be trained again: those of the first seed, one for each fold.

    Raises:
        UsageError: There is no such language set or fold, or the model does not read in an order.
    """
    own = [job for job in run.jobs if job.model == model and _reads_in_order(job)]
    if not own:
        raise UsageError(
            f"The model '{model}' of {run.path} does not read the features in an order, or was not trained."
        )
    sets = {job.language_set: len(job.languages) for job in own}
    wanted = language_set or max(sorted(sets), key=lambda name: sets[name])
    if wanted not in sets:
        raise UsageError(f"{run.path} has no language set '{wanted}'.{nearest(wanted, list(sets))}")
    own = [job for job in own if job.language_set == wanted]
    own = [job for job in own if job.seed == min(job.seed for job in own)]
    unknown = [name for name in folds if name not in {job.fold for job in own}]
    if unknown:
        raise UsageError(
            f"{run.path} has no finished fold '{unknown[0]}'.{nearest(unknown[0], [job.fold for job in own])}"
        )
    return [job for job in own if not folds or job.fold in folds]


def _own_cells(run: Run, record: JobRecord) -> pd.DataFrame:
    """Return the cells of the model of the run, which has read the features in the order of the table."""
    return _cells(run, record, run.job_table(record, "attention.parquet"))


def _cells(run: Run, record: JobRecord, attention: pd.DataFrame) -> pd.DataFrame:
    """Average the attention of a job into the cells of docs/explanations.md."""
    from analyses.cells import collect

    found = collect([attention], run.utterances["emotion"])
    frame = found.means.astype(np.float32)
    head = frame.index.to_frame(index=False)
    head.insert(0, "method", "attention")
    head.insert(1, "task", run.experiment.training.tasks[0])
    head["seed"] = np.int64(record.seed)
    head["statistic"] = "importance"
    head["count"] = found.counts.to_numpy()
    names = ["method", "task", "model", "language_set", "fold", "seed", "language", "corpus", "emotion"]
    head = head[[*names, "statistic", "count"]]
    return pd.concat([head, frame.reset_index(drop=True)], axis=1)


def _attention(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the balanced mean attention of each model: index (fold, seed, order), a column per feature."""
    from analyses.cells import of_table
    from analyses.rankings import balanced

    rows = {}
    for key, own in cells.groupby(["fold", "seed", PARAMETER]):
        by_level = next(iter(of_table(own.drop(columns=PARAMETER)).values()))
        rows[key] = balanced(by_level["feature"])
    return pd.DataFrame.from_dict(rows, orient="index")


def _as_trained(run: Run, record: JobRecord, utterances: Any, task: Any) -> Any:
    table = run.job_table(record, "predictions.parquet")
    own = table[table["task"] == task.name].set_index("utterance")["predicted"]
    code = {name: position for position, name in enumerate(task.classes)}
    return own.reindex(utterances.tolist()).map(code).to_numpy()


def _uar(corpus: Any, truth: Any, predicted: Any) -> float:
    """Return the mean over corpora of the unweighted average recall."""
    scores = []
    for name in np.unique(corpus):
        rows = (corpus == name) & (truth >= 0)
        recalls = [np.mean(predicted[rows & (truth == code)] == code) for code in np.unique(truth[rows])]
        scores += [np.mean(recalls)] if recalls else []
    return float(np.mean(scores)) if scores else float("nan")
