"""The tables `faithfulness` and `curves` of the explanations of a run, see `docs/explanations.md`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from analyses.faithfulness.judging import Judged, judge
from analyses.faithfulness.plan import EFFORTS, Effort, Plan
from analyses.faithfulness.reporting import FIGURES, POINTS, Report
from analyses.faithfulness.retraining import LEAST_SQUARES
from analyses.processes import in_processes
from msfl.errors import DataError

if TYPE_CHECKING:
    from analyses.explanations import Explanations
    from msfl.runs import Run


def tables(
    found: Explanations,
    run: Run,
    *,
    effort: Literal["quick", "full"] = "quick",
    settings: Effort | None = None,
    retrain: str = LEAST_SQUARES,
    jobs: int | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge every ranking of a run by the models that it is about.

    Args:
        found: The explanations, with the repeats of their rankings.
        run: The run.
        effort: ``quick`` or ``full``, see `EFFORTS`.
        settings: Settings of one's own instead.
        retrain: What is retrained for ROAR: `least-squares`, or a model of the registry such as ``msfl`` (slow).
        jobs: Number of processes; by default one per core.
        seed: Seed of the choice of utterances and of the random rankings.
        progress: Is told the share of the work that is done, 0 to 1.

    Returns:
        The tables ``faithfulness`` and ``curves``.

    Raises:
        DataError: No method has a ranking that could be judged.
    """
    from msfl.execution import worker_count

    plan = Plan(found, run, settings or EFFORTS[effort], seed)
    batches = [batch for key in plan.subjects() if (batch := plan.cases(key))]
    batches += [batch for key in plan.retrained() if (batch := plan.roar_cases(key, retrain))]
    if not batches:
        raise DataError(
            f"{run.path} has no ranking that could be judged: no method could explain its models."
        )
    everything = [case for batch in batches for case in batch.cases]
    results = enumerate(in_processes(judge, everything, workers=worker_count(jobs)), start=1)
    rows: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for batch in batches:
        total: dict[str, Judged] = {}
        for done, judged in islice(results, len(batch.cases)):
            total = {
                **total,
                **{level: total[level] + one if level in total else one for level, one in judged.items()},
            }
            progress(done / len(everything))
        for level, one in total.items():
            place = {"language_set": batch.key.language_set, "model": batch.key.model, "level": level}
            report = Report(
                place, batch.methods[level], batch.cases[0].groups, one, plan.effort.resamples, seed
            )
            rows += report.figures()
            points += report.points()
    return pd.DataFrame(rows, columns=list(FIGURES)), pd.DataFrame(points, columns=list(POINTS))
