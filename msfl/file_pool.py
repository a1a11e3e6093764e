"""Work on many files in a pool of threads: in order, with a bounded number of them in flight, with a bar."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_WINDOW = 16  # files per thread that may be in the queue or finished and waiting for an earlier one
Result = TypeVar("Result")


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[str], Result], files: Iterable[str], threads: int
) -> Generator[Result, None, None]:
    """Map files to results in a pool, keeping their order and a bounded number of them in flight."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="msfl-extract")
    pending: deque[Future[Result]] = deque()
    try:
        for file in files:
            pending.append(pool.submit(work, file))
            if len(pending) >= _WINDOW * threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:  # Ctrl-C, a full disk or a consumer that stops: drop the queue, finish the files in hand
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def file_bar(title: str, total: int, enabled: bool) -> Iterator[Callable[[], None]]:
    """Show a progress bar with the time left on stderr; yields what advances it by one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not enabled) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)
