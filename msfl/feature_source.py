"""Where the features of an experiment come from: openSMILE, through the cache, or a table of one's own."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msfl.errors import DataError
from msfl.runs import KEYS

if TYPE_CHECKING:
    import pandas as pd

    from msfl.experiment import Experiment

OWN_TABLE = "own table"
_SHOWN = 3


@dataclass(frozen=True)
class Features:
    """Features of the utterances, before normalisation.

    Attributes:
        values: float32, index ``utterance``, one column per feature, in the order of the models' inputs.
        failures: Columns utterance, file, reason: what gave no features and takes no further part.
        hashes: utterance -> hash of its content; equal hashes are duplicate recordings.
        set: Name of the openSMILE set, or `OWN_TABLE`.
        fingerprint: One hash over ids, names and values.
    """

    values: pd.DataFrame
    failures: pd.DataFrame
    hashes: pd.Series
    set: str
    fingerprint: str


def load_features(
    table: pd.DataFrame, experiment: Experiment, *, jobs: int | None = None, progress: bool = True
) -> Features:
    """Return the features of every utterance of the table that has some.

    Raises:
        UsageError: There is no such feature set.
        DataError: The features table is missing, unreadable, incomplete, or not numeric; or no utterance is
            left.
    """
    own = experiment.data.features_table
    features = (
        extracted(table, experiment.data.features, jobs, progress) if own is None else from_table(own, table)
    )
    if features.values.empty:
        first = f", for instance: {features.failures['reason'].iloc[0]}" if len(features.failures) else ""
        raise DataError(f"None of the {len(table)} recordings gave features{first}.")
    return features


def extracted(table: pd.DataFrame, feature_set: str, jobs: int | None, progress: bool) -> Features:
    """Extract the features of recordings, through the cache.

    Raises:
        UsageError: There is no such feature set.
    """
    import numpy as np

    from msfl.features.extraction import extract

    found = extract(table, feature_set, jobs=jobs, progress=progress)
    bad = ~np.isfinite(found.features.to_numpy()).all(axis=1)
    if bad.any():  # openSMILE gives NaN for recordings under about 0.07 s
        import pandas as pd

        ids = found.features.index[bad]
        rows = pd.DataFrame(
            {"utterance": ids, "file": table.loc[ids, "file"].to_numpy(), "reason": "features are not finite"}
        )
        failures = pd.concat([found.failures, rows], ignore_index=True)
        values = found.features[~bad]
    else:
        failures, values = found.failures, found.features
    return Features(values, failures, found.hashes, feature_set, found.fingerprint)


def from_table(file: Path, table: pd.DataFrame, *, only: Sequence[str] | None = None) -> Features:
    """Read a table of one's own; columns of the utterance table in it are no features.

    Args:
        file: CSV, TSV or Parquet with a column ``utterance`` or ``file``.
        table: The utterances whose features are wanted.
        only: The features that are wanted; by default all columns.

    Raises:
        DataError: The table is missing, unreadable, incomplete, or not numeric.
    """
    import numpy as np
    import pandas as pd

    from msfl.corpora.table import COLUMNS

    frame = _with_ids(_parse(file), file, table)
    missing = table.index.difference(frame.index)
    if len(missing):
        raise DataError(
            f"{file} has no features for {len(missing)} of {len(table)} utterances ({_some(missing)}). Add "
            "the rows, or take the recordings out of the corpus."
        )
    frame = frame.loc[table.index].drop(columns=[name for name in COLUMNS if name in frame])
    if only is not None:
        frame = frame[[name for name in only if name in frame]]
    words = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    if words:
        raise DataError(
            f"{file}: the column '{words[0]}' is not numeric. Features are numbers; remove the column or "
            "correct it."
        )
    taken = [name for name in frame if name in KEYS]
    if taken:
        raise DataError(
            f"{file}: a feature cannot be called '{taken[0]}', a run folder uses that name; rename it."
        )
    if frame.shape[1] < 2:
        raise DataError(f"{file} holds {frame.shape[1]} feature column(s); at least two are needed.")
    values = frame.astype("float32")
    broken = ~np.isfinite(values.to_numpy())
    if broken.any():
        rows, columns = values.index[broken.any(axis=1)], values.columns[broken.any(axis=0)]
        raise DataError(
            f"{file}: {len(rows)} utterances ({_some(rows)}) have missing or infinite values in "
            f"{len(columns)} features ({_some(columns)}). Fill them or remove these rows or columns."
        )
    hashes = pd.Series(
        [hashlib.sha256(row.tobytes()).hexdigest() for row in values.to_numpy()], index=values.index
    )
    failures = pd.DataFrame({"utterance": [], "file": [], "reason": []}, dtype="string")
    return Features(values, failures, hashes, OWN_TABLE, _fingerprint(values))


def _parse(file: Path) -> pd.DataFrame:
    import pandas as pd

    if not file.is_file():
        raise DataError(f"There is no features table '{file}'. Correct its path.")
    try:
        if file.suffix in (".parquet", ".pq"):
            frame = pd.read_parquet(file)
            return frame.reset_index() if frame.index.name else frame
        return pd.read_csv(file, sep="\t" if file.suffix == ".tsv" else ",")
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{file} cannot be read as a table ({reason}). Give CSV or TSV in UTF-8, or Parquet."
        ) from None


def names_in(file: Path) -> tuple[list[str], list[str]]:
    """Return the names and the paths of the recordings that a features table describes.

    Raises:
        DataError: The table cannot be read, or has neither a column ``utterance`` nor ``file``.
    """
    frame = _parse(file)
    column = next((name for name in ("utterance", "file") if name in frame), None)
    if column is None or frame.empty:
        raise DataError(f"{file} names no recordings: it needs rows, and a column 'utterance' or 'file'.")
    names = [str(name) for name in frame[column]]
    return names, [os.path.normpath(file.parent.absolute() / name) for name in names]


def _with_ids(frame: pd.DataFrame, file: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Index by utterance id: ``utterance`` names it with or without the corpus, or ``file`` the recording."""
    if "utterance" in frame:
        known = _by_name(table)
        names = [str(name) for name in frame["utterance"]]
    elif "file" in frame:
        known = {os.path.normpath(name): str(key) for key, name in table["file"].items()}
        names = [os.path.normpath(file.parent.absolute() / str(name)) for name in frame["file"]]
    else:
        raise DataError(
            f"{file} needs a column 'utterance' (corpus/stem) or 'file' that says whose features a row holds."
        )
    frame = frame.set_index(_ids([known.get(name) for name in names])).drop(
        columns="utterance", errors="ignore"
    )
    frame = frame[frame.index.notna()]
    frame.index.name = "utterance"
    if frame.index.has_duplicates:
        twice = frame.index[frame.index.duplicated()]
        raise DataError(f"{file} holds more than one row for {_some(twice.unique())}. Keep one row each.")
    return frame


def _by_name(table: pd.DataFrame) -> dict[str, str]:
    """Return the utterance of each id, and of each id without its corpus where only one corpus has it."""
    ids = [str(key) for key in table.index]
    short = Counter(key.partition("/")[2] for key in ids)
    unique = {key.partition("/")[2]: key for key in ids if short[key.partition("/")[2]] == 1}
    return unique | {key: key for key in ids}


def _ids(ids: list[str | None]) -> pd.Index:
    import pandas as pd

    return pd.Index(ids, dtype="string")


def _fingerprint(values: pd.DataFrame) -> str:
    import numpy as np

    digest = hashlib.sha256("\n".join([*map(str, values.columns), "", *map(str, values.index)]).encode())
    digest.update(np.ascontiguousarray(values.to_numpy()).tobytes())
    return digest.hexdigest()


def _some(names: pd.Index) -> str:
    shown = ", ".join(map(str, names[:_SHOWN]))
    return f"{shown}, ..." if len(names) > _SHOWN else shown
