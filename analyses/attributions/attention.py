"""The attention weights of the model itself, as an attribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from analyses.attributions.contract import Attribution, Subject, no_values
from msfl.errors import DataError
from msfl.manifest import JobRecord
from msfl.runs import KEYS


class Attention:
    """One weight per feature and utterance, from the attention table of the job; rows sum to one.

    It does not tell classes or tasks apart, nor for from against: it says where the main task's head looks.
    """

    name: ClassVar[str] = "attention"
    paper: ClassVar[str] = "Mirsamadi, Barsoum & Zhang, ICASSP 2017; the weights of Ma & Wang 2022"
    summary: ClassVar[str] = "the model's own attention weights"
    signed: ClassVar[bool] = False

    def objection(self, record: JobRecord) -> str:
        """See `Explainer.objection`."""
        return "" if record.attention else f"the model '{record.model}' has no attention"

    def explain(
        self, subject: Subject, *, seed: int, progress: Callable[[float], None] = lambda _: None
    ) -> Attribution:
        """Return the weights of the test utterances.

        Raises:
            DataError: The attention table lacks an utterance.
        """
        table = subject.read_attention().set_index("utterance")
        items = tuple(str(name) for name in table.columns if name not in KEYS)
        wanted = subject.test.utterances.tolist()
        rows = table.index.get_indexer(wanted)
        if (rows < 0).any():
            raise DataError(
                f"The attention table of the job {subject.record.id} lacks '{wanted[int(np.argmin(rows))]}': "
                "delete the folder of this job and repeat `msfl train`."
            )
        count, main = len(wanted), subject.train.tasks[0].name
        return Attribution(
            values=table[list(items)].to_numpy(dtype=np.float32)[rows],
            keys=subject.keys(range(count), [main] * count, [""] * count),
            items=items,
            base_values=no_values(count),
            samples=np.ones(count, dtype=np.int64),
            standard_error=no_values(count),
            completeness_error=no_values(count),
            method=self.name,
            levels=("feature",),
            baseline="none",
            seed=seed,
        )
