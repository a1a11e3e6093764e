"""Files that are either there as a whole or not at all: written beside their place, then moved into it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Let an error of the operating system name the file that could not be written: a full disk names none."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(file)
        raise


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Give a temporary path beside ``file`` that takes its place when the block ends without error."""
    work = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with naming(file):
            yield work
            with work.open("rb+") as handle:
                os.fsync(handle.fileno())  # else a power cut can leave an empty file under the final name
            work.replace(file)
    finally:
        work.unlink(missing_ok=True)


def write_json(file: Path, value: Any) -> None:
    """Write a JSON document, readable for people, atomically."""
    with replacing(file) as work:
        work.write_text(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def write_parquet(file: Path, frame: pd.DataFrame, *, index: bool = True) -> None:
    """Write a table as Parquet (zstd), atomically."""
    with replacing(file) as work:
        frame.to_parquet(work, index=index, compression="zstd")
