"""From the folders of the jobs to the tables of the run: predictions, scores, attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msfl.atomic import replacing, write_parquet
from msfl.manifest import JobRecord
from msfl.predictions import PROBABILITY
from msfl.runs import ATTENTION, JOBS, KEYS, PREDICTIONS, SCORES, open_run

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROW_GROUP = 2048
"""Rows per row group of the attention table: 13 MB at 1582 features; smaller ones swell the file's index."""


def assemble(run: Path) -> None:
    """Write the tables of the run from what its finished jobs left; scores come last.

    Raises:
        DataError: The folder of a job is damaged.
    """
    (run / SCORES).unlink(missing_ok=True)
    done = sorted(
        (record for record in open_run(run).jobs if record.status == "done"),
        key=lambda record: (record.language_set, record.model, record.seed, record.fold),
    )
    if not done:
        return
    predictions = collect_predictions(run, done)
    write_parquet(run / PREDICTIONS, predictions, index=False)
    collect_attention(run, [record for record in done if record.attention])
    write_parquet(run / SCORES, score(predictions, open_run(run).manifest.language_sets), index=False)


def score(predictions: pd.DataFrame, sets: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Score the predictions of a run, and its monolingual models together as one system.

    The rows of the language set `MONOLINGUAL` are what a multilingual model is to be held against: each
    language tested with the model that was trained on it alone, and the mean over corpora of that.
    """
    import pandas as pd

    from msfl.evaluation.comparison import MONOLINGUAL
    from msfl.evaluation.tables import score_table

    scores = [score_table(predictions)]
    alone = [name for name, languages in sets.items() if len(languages) == 1]
    together = predictions[predictions["language_set"].isin(alone)]
    if len(alone) > 1 and len(together):
        scores.append(score_table(together.assign(language_set=MONOLINGUAL)))
    return pd.concat(scores, ignore_index=True)


def is_assembled(run: Path) -> bool:
    """Whether the tables of the run hold all its finished jobs."""
    return (run / SCORES).is_file()


def forget(run: Path) -> None:
    """Mark the tables of the run as out of date, before a job changes what they are made from."""
    (run / SCORES).unlink(missing_ok=True)


def collect_predictions(run: Path, jobs: Iterable[JobRecord]) -> pd.DataFrame:
    """Join the predictions of jobs; a probability is missing where a task or model lacks the class."""
    import pandas as pd

    opened = open_run(run)
    frame = pd.concat([opened.job_table(record, "predictions.parquet") for record in jobs], ignore_index=True)
    fixed = [*KEYS, "task", "truth", "predicted"]
    probabilities = sorted(name for name in map(str, frame.columns) if name.startswith(PROBABILITY))
    for name in ("corpus", "language", "language_set", "model", "fold", "task"):
        frame[name] = frame[name].astype("string")
    return frame[[*fixed, *probabilities]]


def collect_attention(run: Path, jobs: Sequence[JobRecord]) -> None:
    """Stream the attention weights of all jobs into one table, a row group at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = run / ATTENTION
    if not jobs:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(exist_ok=True)
    first = run / JOBS / jobs[0].id / "attention.parquet"
    schema = pq.read_schema(first).remove_metadata()
    options: dict[str, Any] = {"compression": "zstd", "use_dictionary": list(KEYS)}
    with replacing(file) as work, pq.ParquetWriter(work, schema, **options) as writer:
        waiting: list[pa.Table] = []
        for record in jobs:
            piece = open_run(run).job_arrow(record, "attention.parquet")
            waiting.append(piece.select(schema.names).cast(schema))
            if sum(len(table) for table in waiting) >= ROW_GROUP:
                writer.write_table(pa.concat_tables(waiting).combine_chunks())
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting).combine_chunks())
