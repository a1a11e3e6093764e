"""Ranks by attention for runs that were not explained yet, counted once in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from msfl.runs import Run

COLUMNS = ("rank", "mean_rank", "min_rank", "max_rank", "in_top", "lift", "size")
_ROWS = 512
_log = logging.getLogger(__name__)


class AttentionRanks:
    """The ranking of all features by attention, for every model and language set of a run.

    It needs all columns of the attention table, and thus seconds where a callback has milliseconds; `msfl explain`
    writes the same numbers into ``explanations/rankings/attention.parquet``.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._found: dict[tuple[str, str], pd.DataFrame] | None = None

    def start(self) -> None:
        """Start counting, unless somebody did."""
        with self._lock:
            if self._thread is None and self._run.has_attention:
                self._thread = threading.Thread(target=self._count, daemon=True, name="msfl attention ranks")
                self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether the counting has ended, or there is nothing to count."""
        return not self._run.has_attention or self._found is not None

    def of(self, feature: str) -> pd.DataFrame:
        """Return the rows of a feature: `language_set`, `model` and `COLUMNS`; empty until `ready`."""
        import pandas as pd

        rows = [
            {"language_set": language_set, "model": model, **table.loc[feature].to_dict()}
            for (model, language_set), table in (self._found or {}).items()
            if feature in table.index
        ]
        return pd.DataFrame(rows, columns=["language_set", "model", *COLUMNS])

    def _count(self) -> None:
        try:
            self._found = dict(self._rankings())
        except Exception:  # a damaged table; the page goes on without these ranks
            _log.exception("The attention of '%s' could not be ranked", self._run.path)
            self._found = {}

    def _rankings(self) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
        from analyses.cells import collect
        from analyses.rankings import rank

        cells = collect(self._run.attention_batches(_ROWS))
        for model in cells.values("model"):
            for language_set in cells.select(model=model).values("language_set"):
                found = rank(
                    cells.select(model=model, language_set=language_set),
                    feature_set=self._run.manifest.features.set,
                )
                yield (model, language_set), found.table[list(COLUMNS)]
