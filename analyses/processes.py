"""Computing in processes of one's own, each with one thread: faster than as many threads, and always the same sums."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msfl.errors import DataError
from msfl.processes import end_with, no_orphans

_A = TypeVar("_A")
_B = TypeVar("_B")


def in_processes(
    function: Callable[[_A], _B], given: Iterable[_A], *, workers: int, ordered: bool = True
) -> Iterator[_B]:
    """Apply a function to each item and yield the results; in this process with one worker.

    The workers end at once when the loop over the results is left, and with this process, however it ends.

    Args:
        function: Importable by name, as are the items.
        given: The items.
        workers: Number of processes at most.
        ordered: Whether results come in the order of the items, or as they get ready.

    Raises:
        DataError: A process died.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    items = list(given)
    workers = min(workers, len(items))
    if workers < 2:
        with threadpool_limits(1):
            yield from map(function, items)
        return
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    calls = (joblib.delayed(_alone)(function, item, os.getpid()) for item in items)
    kind = "generator" if ordered else "generator_unordered"
    parallel = joblib.Parallel(n_jobs=workers, return_as=kind, pre_dispatch="n_jobs")
    with no_orphans():
        try:
            yield from parallel(calls)
        except TerminatedWorkerError:
            raise DataError(
                "A worker process died, probably for want of memory. Repeat with fewer --jobs than "
                f"{workers}: what was finished is kept."
            ) from None


def _alone(function: Callable[[_A], _B], item: _A, owner: int) -> _B:
    """Compute with one thread: as many processes as cores are faster than as many threads."""
    end_with(owner)
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    from threadpoolctl import threadpool_limits

    from msfl.quiet import hush_libraries

    hush_libraries()
    with threadpool_limits(1):
        return function(item)
