"""The frame-level inputs that the models of an experiment ask for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msfl.errors import DataError
from msfl.sequences.kinds import FEATURES

if TYPE_CHECKING:
    import pandas as pd

    from msfl.sequences.extraction import SequenceTable


def kinds_of(models: Iterable[str]) -> tuple[str, ...]:
    """Return the kinds of sequences that some models read, by name."""
    from msfl.models.registry import inputs_of

    return tuple(sorted({kind for model in models for kind in inputs_of(model)} - {FEATURES}))


def load_sequences(
    table: pd.DataFrame, kinds: Iterable[str], *, jobs: int | None = None, progress: bool = True
) -> dict[str, SequenceTable]:
    """Return the sequences of every recording, by kind; what gives none is a row of `failures`.

    Args:
        table: Utterance table.
        kinds: Names of the kinds.
        jobs: Number of threads.
        progress: Whether to show progress bars.

    Raises:
        DataError: Not one recording gave a sequence.
    """
    from msfl.sequences.extraction import extract_sequences

    found = {}
    for kind in kinds:
        found[kind] = extract_sequences(table, kind, jobs=jobs, progress=progress)
        if found[kind].table.empty:
            reason = found[kind].failures["reason"].iloc[0] if len(table) else "there are none"
            raise DataError(
                f"None of the {len(table)} recordings gave a {kind}, which a model reads; for instance: {reason}"
            )
    return found
