"""The systems that can be compared, by name. A system is imported only when it is used.

Other packages add theirs through the entry-point group ``msfl.models`` (``name = module:Class``).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from msfl.errors import UsageError, nearest
from msfl.models.contract import System, SystemEntry
from msfl.quiet import quiet_stderr

BASELINES = "msfl.models.baselines"
"""Module of the baselines."""
AAE = "msfl.models.semi_supervised_aae"


def _aggregated(name: str, target: str) -> Iterator[SystemEntry]:
    """Yield the four combinations of the auxiliary tasks."""
    alone = f"{name}-single-task"
    yield SystemEntry(name, target, twin=alone)
    for task in ("gender", "naturalness"):
        yield SystemEntry(f"{name}-{task}", target, {"tasks": (task,)}, twin=alone)
    yield SystemEntry(alone, target, {"tasks": ()})


_ENTRIES = (
    SystemEntry("msfl", "msfl.models.msfl:MSFL", twin="msfl-single-task"),
    SystemEntry("msfl-paper", "msfl.models.msfl:MSFLPaper"),
    SystemEntry("msfl-single-task", "msfl.models.msfl:MSFLSingleTask"),
    SystemEntry("mtl-cnn", "msfl.models.mtl_cnn:MTLCNN", twin="mtl-cnn-single-task"),
    SystemEntry("mtl-cnn-single-task", "msfl.models.mtl_cnn:MTLCNN", {"tasks": ()}),
    SystemEntry("attention-e2e", "msfl.models.attention_e2e:AttentionE2E", twin="attention-e2e-single-task"),
    SystemEntry("attention-e2e-single-task", "msfl.models.attention_e2e:AttentionE2E", {"tasks": ()}),
    *_aggregated("aggregated-mtl", "msfl.models.aggregated_mtl:AggregatedMTL"),
    *_aggregated("aggregated-mtl-frames", "msfl.models.aggregated_frames:AggregatedFrames"),
    SystemEntry("semi-supervised-aae", f"{AAE}:SemiSupervisedAAE", twin="semi-supervised-aae-supervised"),
    SystemEntry("semi-supervised-aae-supervised", f"{AAE}:SemiSupervisedAAE", {"supervised": True}),
    SystemEntry("semi-supervised-aae-single-task", f"{AAE}:SemiSupervisedAAE", {"tasks": ()}),
    SystemEntry("majority", f"{BASELINES}:Majority", seeded=False),
    SystemEntry("logistic-regression", f"{BASELINES}:LogisticRegression", seeded=False),
    SystemEntry("linear-svm", f"{BASELINES}:LinearSVM", seeded=False),
    SystemEntry("rbf-svm", f"{BASELINES}:RbfSVM"),
    SystemEntry("gradient-boosting", f"{BASELINES}:GradientBoosting", seeded=False),
)


@lru_cache(maxsize=1)
def registry() -> dict[str, SystemEntry]:
    """Return all systems: ours first, then those of other packages, by name."""
    entries = {entry.name: entry for entry in _ENTRIES}
    for point in entry_points(group="msfl.models"):
        entries.setdefault(point.name, SystemEntry(point.name, point.value))
    return entries


def get_entry(name: str) -> SystemEntry:
    """Return one line of the registry.

    Raises:
        UsageError: There is no such system; the sentence names the nearest one.
    """
    entries = registry()
    if name not in entries:
        hint = nearest(name, list(entries))
        raise UsageError(f"There is no model '{name}'.{hint} `msfl models` lists them.")
    return entries[name]


def is_baseline(name: str) -> bool:
    """Whether a system is one of the baselines: quick, and without Keras."""
    return get_entry(name).target.startswith(f"{BASELINES}:")


def twin_of(name: str) -> str:
    """Return the twin of a system: the same network without what its paper adds; empty where it has none.

    A name that is not known here, as that of a system of a package that is not installed, has none either.
    """
    entry = registry().get(name)
    return entry.twin if entry else ""


def system_class(name: str) -> type[System]:
    """Import the class of a system, without constructing it.

    Raises:
        UsageError: There is no such system, or the package that provides it cannot be imported.
    """
    entry = get_entry(name)
    module, attribute = entry.target.split(":")
    try:
        with quiet_stderr() if module not in sys.modules else nullcontext():
            found: type[System] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"The model '{name}' cannot be loaded from {entry.target}: {error}. Install what it needs, "
            "or take it off the list of models."
        ) from None
    return found


def parameters_of(name: str) -> dict[str, Any]:
    """Return the parameters that a system takes, with their defaults."""
    signature = inspect.signature(system_class(name))
    defaults = {key: item.default for key, item in signature.parameters.items()}
    return {**defaults, **get_entry(name).defaults}


def is_multitask(name: str) -> bool:
    """Whether a system learns several tasks, or the main task only."""
    own = get_entry(name).defaults.get("tasks")
    return system_class(name).multitask if own is None else bool(own)


def inputs_of(name: str) -> tuple[str, ...]:
    """Return what a system reads: ``features``, and kinds of `msfl.sequences.kinds`."""
    return tuple(getattr(system_class(name), "inputs", ("features",)))


def tasks_of_system(name: str, tasks: Sequence[str], parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tasks that a system learns in an experiment, main task first.

    Args:
        name: Name in the registry.
        tasks: The tasks of the experiment, main task first.
        parameters: What the user set; ``tasks`` are the auxiliary tasks of a system that names its own.
    """
    known = {**parameters_of(name), **parameters}
    if "tasks" in known:
        return (tasks[0], *(task for task in known["tasks"] if task != tasks[0]))
    return tuple(tasks) if is_multitask(name) else tuple(tasks[:1])


def check_parameters(name: str, parameters: dict[str, Any]) -> None:
    """Check the names of the parameters that a user gave.

    Raises:
        UsageError: The system has no such parameter; the sentence names the nearest one.
    """
    known = list(parameters_of(name))
    for key in parameters:
        if key not in known:
            listed = ", ".join(known) if known else "none"
            raise UsageError(
                f"The model '{name}' has no parameter '{key}' (it has {listed}).{nearest(key, known)}"
            )


def get_system(name: str, **parameters: Any) -> System:
    """Construct a system.

    Args:
        name: Name in the registry.
        **parameters: Parameters that differ from the defaults of the named variant.

    Raises:
        UsageError: There is no such system, it has no such parameter, or it refuses a value.
    """
    check_parameters(name, parameters)
    try:
        return system_class(name)(**{**get_entry(name).defaults, **parameters})
    except (TypeError, ValueError) as error:
        raise UsageError(f"The model '{name}' refuses its parameters: {error}.") from None
