"""The data of a finished job, built as for its training; and which test utterances to explain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from analyses.attributions.contract import Subject

if TYPE_CHECKING:
    import pandas as pd

    from msfl.manifest import JobRecord
    from msfl.runs import Run


def load_subject(run: Run, record: JobRecord, utterances: Iterable[str] | None = None) -> Subject:
    """Return a finished job with its data.

    Args:
        run: The run.
        record: One of its finished jobs.
        utterances: Of the test utterances, explain only these; all by default.
    """
    from msfl.grid import Job, LanguageSet
    from msfl.jobs import fold_data, run_data

    manifest = run.manifest
    data = run_data(run.path, manifest.data.fingerprint + manifest.features.fingerprint)
    job = Job(LanguageSet(record.language_set, record.languages), record.model, record.fold, record.seed)
    # Without validation speakers: they, too, are utterances that the model has seen.
    tasks = [task.name for task in record.tasks]
    fold = fold_data(data, run.experiment, job, tasks=tasks, uses_validation=False)
    test = fold.test
    if utterances is not None:
        test = test.subset(np.isin(test.utterances, list(utterances)))
    return Subject(
        record=record,
        train=fold.train,
        test=test,
        pool=fold.test,
        load=lambda: run.load_system(record),
        read_attention=lambda: run.job_table(record, "attention.parquet"),
    )


def choose_utterances(run: Run, per_language: int, seed: int) -> list[str]:
    """Choose test utterances of a run: for each language, in turn from its corpora, emotions and speakers.

    The same utterances for every job, so that models and language sets are compared on the same speech.

    Args:
        run: The run.
        per_language: How many of each language; all where it has no more.
        seed: Seed of the choice.
    """
    splits = run.splits
    tested = splits.loc[splits["part"] == "test", "utterance"].unique()
    table = run.utterances.loc[run.utterances.index.isin(tested), ["language", "corpus", "speaker"]]
    main = run.experiment.training.tasks[0]
    table = table.assign(label=_labels(run, main).reindex(table.index)).dropna(subset=["label"])
    table = table.astype("string").fillna("")
    table["draw"] = np.random.default_rng(seed).random(len(table))
    table = table.sort_values("draw")
    cell = ["language", "corpus", "label"]
    table["of_speaker"] = table.groupby([*cell, "speaker"]).cumcount()
    table = table.sort_values(["of_speaker", "draw"])
    table["of_cell"] = table.groupby(cell).cumcount()
    table = table.sort_values(["of_cell", "draw"])
    chosen = table.groupby("language").head(per_language)
    return sorted(map(str, chosen.index))


def job_seed(record: JobRecord, method: str, seed: int) -> int:
    """Return the seed of everything random in explaining a job: its own, whatever the order of the jobs."""
    key = f"{seed}|{record.id}|{method}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") & 0x7FFFFFFF


def _labels(run: Run, task: str) -> pd.Series[str]:
    from msfl.tasks import COLUMNS

    return run.utterances[COLUMNS[task]]
