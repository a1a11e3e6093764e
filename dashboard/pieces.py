"""Reading the part of a Parquet table that a view needs: where it lies is found once, then only that is read.

A ranking of thousands of features is a few thousand rows among millions. `msfl explain` writes tables sorted, so
that such a part is one stretch of rows; the stretches of each value are noted when a column is first asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Filters = tuple[tuple[str, Hashable], ...]
"""Column and the value that its rows must have, or a tuple of values."""
Stretches = NDArray[np.int64]
"""First row and row after the last, (stretches, 2)."""
SCATTERED = 8
"""With shorter stretches than this on average, a table is not sorted by these columns, and all of it is read."""


class Pieces:
    """A Parquet file, open for reading parts of it; several threads may ask.

    Args:
        file: The file. When it is replaced, open it anew.
        order: Columns by which the table is sorted, in any order. What is filtered by some of them needs one index.

    Raises:
        OSError, pyarrow.ArrowException: It cannot be read.
    """

    def __init__(self, file: Path, order: Sequence[str] = ()) -> None:
        import pyarrow.parquet as pq

        self._file = file
        with pq.ParquetFile(file) as opened:
            self._metadata = opened.metadata
            self.columns: tuple[str, ...] = tuple(opened.schema_arrow.names)
        self._order = tuple(sorted(order)) if set(order) <= set(self.columns) else ()
        sizes = [self._metadata.row_group(place).num_rows for place in range(self._metadata.num_row_groups)]
        self._starts = np.cumsum([0, *sizes])
        self._indices: dict[tuple[str, ...], dict[tuple[Any, ...], Stretches] | None] = {}
        self._lock = threading.Lock()

    def read(self, columns: Sequence[str] | None, filters: Filters) -> pd.DataFrame:
        """Return the rows that have the wanted values, in the order of the table.

        Args:
            columns: Columns to read; all by default.
            filters: Which rows.
        """
        wanted = dict(filters)
        keys = self._order if wanted and wanted.keys() <= set(self._order) else tuple(sorted(wanted))
        index = self._index(keys) if keys else None
        if keys and index is None:
            return self._searched(columns, wanted)
        stretches = None if index is None else _found(index, keys, wanted)
        return self._rows(columns, stretches)

    def _rows(self, columns: Sequence[str] | None, stretches: Stretches | None) -> pd.DataFrame:
        import pyarrow as pa

        names = list(self.columns if columns is None else columns)
        if stretches is None:
            whole: pd.DataFrame = self._groups(range(self._metadata.num_row_groups), names).to_pandas()
            return whole
        last = np.searchsorted(self._starts, stretches[:, 1], side="left")
        first = np.searchsorted(self._starts, stretches[:, 0], side="right") - 1
        groups = sorted({group for low, high in zip(first, last, strict=True) for group in range(low, high)})
        table = self._groups(groups, names)
        before = np.zeros(self._metadata.num_row_groups + 1, dtype=np.int64)  # rows read before each group
        for group in groups:
            before[group + 1 :] = before[group] + self._starts[group + 1] - self._starts[group]
        shift = [before[low] - self._starts[low] for low in first]
        parts = [
            table.slice(int(start + move), int(stop - start))
            for (start, stop), move in zip(stretches, shift, strict=True)
        ]
        found: pd.DataFrame = (pa.concat_tables(parts) if parts else table.slice(0, 0)).to_pandas()
        return found

    def _groups(self, groups: Sequence[int], columns: list[str]) -> Any:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._file, metadata=self._metadata) as opened:  # of its own for each thread
            return opened.read_row_groups(list(groups), columns=columns, use_threads=False)

    def _searched(self, columns: Sequence[str] | None, wanted: Mapping[str, Hashable]) -> pd.DataFrame:
        """Read a table that is not sorted by these columns: the whole of it, but only the columns."""
        import pyarrow.compute as pc

        names = list(self.columns if columns is None else columns)
        table = self._groups(range(self._metadata.num_row_groups), list(dict.fromkeys([*names, *wanted])))
        keep: Any = None
        for name, value in wanted.items():
            several = list(value) if isinstance(value, tuple) else [value]
            column = table.column(name)
            test = pc.is_in(column, value_set=_array(several, column.type))
            keep = test if keep is None else pc.and_(keep, test)
        found: pd.DataFrame = table.select(names).filter(keep).to_pandas()
        return found

    def _index(self, keys: tuple[str, ...]) -> dict[tuple[Any, ...], Stretches] | None:
        """Return values of the columns -> stretches of rows that have them; None for a table in another order."""
        with self._lock:
            if keys not in self._indices:
                self._indices[keys] = self._noted(keys)
            return self._indices[keys]

    def _noted(self, keys: tuple[str, ...]) -> dict[tuple[Any, ...], Stretches] | None:
        import pyarrow.parquet as pq

        with pq.ParquetFile(self._file, metadata=self._metadata, read_dictionary=list(keys)) as opened:
            table = opened.read(columns=list(keys), use_threads=False)
        if not table.num_rows:
            return {}
        changes = np.zeros(table.num_rows, dtype=bool)
        changes[0] = True
        codes, values = {}, {}
        for name in keys:
            found = table.column(name).unify_dictionaries().combine_chunks()
            if not hasattr(found, "indices"):
                found = found.dictionary_encode()
            codes[name] = found.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            values[name] = [*found.dictionary.to_pylist(), None]
            changes[1:] |= codes[name][1:] != codes[name][:-1]
        starts = np.flatnonzero(changes)
        if len(starts) * SCATTERED > table.num_rows and table.num_rows > self._starts[1]:
            return None
        stops = np.append(starts[1:], table.num_rows)
        columns = [[values[name][code] for code in codes[name][starts]] for name in keys]
        noted: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
        for key, start, stop in zip(zip(*columns, strict=True), starts, stops, strict=True):
            noted.setdefault(key, []).append((int(start), int(stop)))
        return {key: np.array(found, dtype=np.int64) for key, found in noted.items()}


def _found(
    index: dict[tuple[Any, ...], Stretches], keys: tuple[str, ...], wanted: Mapping[str, Hashable]
) -> Stretches:
    if all(name in wanted and not isinstance(wanted[name], tuple) for name in keys):
        found = index.get(tuple(wanted[name] for name in keys))
        parts = [] if found is None else [found]
    else:
        places = [place for place, name in enumerate(keys) if name in wanted]
        allowed = [_values(wanted[keys[place]]) for place in places]
        parts = [
            found
            for key, found in index.items()
            if all(key[place] in values for place, values in zip(places, allowed, strict=True))
        ]
    joined: Stretches = np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.int64)
    return joined[np.argsort(joined[:, 0])]


def _values(wanted: Hashable) -> frozenset[Hashable]:
    return frozenset(wanted) if isinstance(wanted, tuple) else frozenset([wanted])


def _array(values: list[Hashable], kind: Any) -> Any:
    import pyarrow as pa

    return pa.array(values).cast(kind.value_type if pa.types.is_dictionary(kind) else kind)
