"""Auxiliary tasks that an experiment asks for, and that no training part of a language set can teach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msfl.tasks import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from msfl.experiment import Experiment
    from msfl.grid import LanguageSet
    from msfl.protocols import Fold


def never_learnt(
    experiment: Experiment, table: pd.DataFrame, folds: Sequence[Fold], sets: Sequence[LanguageSet]
) -> list[str]:
    """Return one sentence per task that has fewer than two classes in every training part of some language sets.

    The language is not among them: a monolingual set has one by design.

    Args:
        experiment: The experiment, whose models may name tasks of their own.
        table: The utterances that take part.
        folds: The folds of the whole table.
        sets: The language sets.
    """
    from msfl.protocols import restrict

    asked = _asked(experiment)
    where: dict[tuple[str, int], list[str]] = {}
    for group in sets:
        parts = [restrict(fold, table, group.languages) for fold in folds]
        trained = [part.train for part in parts if part is not None]
        for task in asked if trained else ():
            most = max(table.loc[train, COLUMNS[task]].nunique() for train in trained)
            if most < 2:
                where.setdefault((task, most), []).append(group.name)
    return [
        f"The task {task} has {'one class' if most else 'no labels'} in the training part of the language set "
        f"{', '.join(groups)}: left out there by {', '.join(asked[task])}."
        for (task, most), groups in where.items()
    ]


def _asked(experiment: Experiment) -> dict[str, list[str]]:
    """Return the auxiliary tasks of an experiment, with the models that learn them."""
    from msfl.jobs import system_parameters
    from msfl.models.registry import tasks_of_system

    asked: dict[str, list[str]] = {}
    for model in experiment.training.models:
        tasks = tasks_of_system(model, experiment.training.tasks, system_parameters(experiment, model))
        for task in tasks[1:]:
            asked.setdefault(task, []).append(model)
    asked.pop("language", None)
    return asked
