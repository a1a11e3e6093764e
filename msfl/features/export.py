"""Features written as a table to Parquet or CSV, batch by batch, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.atomic import replacing
from msfl.errors import UsageError
from msfl.features.extraction import Summary, extract_into
from msfl.features.sets import DEFAULT, feature_names

SUFFIXES = (".parquet", ".csv")
_BATCH = 4096  # rows of a row group: small groups are slow to read, and each costs memory for its metadata

Sink = Callable[[str, NDArray[np.float32]], None]


def extract_to_file(
    table: pd.DataFrame,
    file: Path,
    feature_set: str = DEFAULT,
    *,
    cache: Path | str | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Summary:
    """Extract as `msfl.features.extraction.extract` does, into a file that appears when it is complete.

    Args:
        table: Utterance table.
        file: Where to write: `.parquet` (float32, index `utterance`) or `.csv`.
        feature_set: Name of an openSMILE set.
        cache: Folder of the cache.
        jobs: Number of threads.
        progress: Whether to show a bar.

    Raises:
        UsageError: The suffix is another one, there is no such feature set, or `jobs` is below one.
        OSError: The file or the cache cannot be written.
    """
    check_suffix(file)
    names = feature_names(feature_set)
    with replacing(file) as work, _writer(work, file.suffix, names) as sink:
        return extract_into(sink, table, feature_set, cache=cache, jobs=jobs, progress=progress)


def check_suffix(file: Path) -> None:
    """Refuse a file name whose suffix names no format.

    Raises:
        UsageError: The suffix is neither `.parquet` nor `.csv`.
    """
    if file.suffix not in SUFFIXES:
        raise UsageError(f"'{file}' must end in .parquet or .csv, which decides about the format.")


@contextmanager
def _writer(file: Path, suffix: str, names: tuple[str, ...]) -> Iterator[Sink]:
    """Yield a sink that collects rows and writes them in batches."""
    utterances: list[str] = []
    matrix = np.empty((_BATCH, len(names)), dtype=np.float32)

    def batch() -> pd.DataFrame:
        index = pd.Index(utterances, name="utterance", dtype="string")
        return pd.DataFrame(matrix[: len(utterances)], index=index, columns=list(names))

    with (_parquet if suffix == ".parquet" else _csv)(file, batch()) as write:

        def sink(utterance: str, values: NDArray[np.float32]) -> None:
            matrix[len(utterances)] = values
            utterances.append(utterance)
            if len(utterances) == _BATCH:
                write(batch())
                utterances.clear()

        yield sink
        if utterances:
            write(batch())


@contextmanager
def _parquet(file: Path, empty: pd.DataFrame) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield what appends a batch to a Parquet file, as one row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.Table.from_pandas(empty, preserve_index=True).schema
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=False) as writer:
        yield lambda frame: writer.write_table(pa.Table.from_pandas(frame, schema=schema))


@contextmanager
def _csv(file: Path, empty: pd.DataFrame) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield what appends a batch to a CSV file; the header stands even where no recording had features."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        empty.to_csv(stream)
        yield lambda frame: frame.to_csv(stream, header=False)
