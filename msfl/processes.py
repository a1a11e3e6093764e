"""Worker processes that end with the process that started them, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

POLL = 0.5
"""Seconds between two looks at the owner."""
_watching = False


def end_with(owner: int) -> None:
    """End this worker as soon as its owner has gone; to be called at the start of every task.

    After a kill or a termination of the owner nobody else stops a worker, and it would go on computing and writing.

    Args:
        owner: Process id of the process that started the worker.
    """
    global _watching
    if _watching or os.getpid() == owner:
        return
    if os.getppid() != owner:
        if _is_own_worker():  # it was waiting, or still importing, when its owner ended
            os._exit(1)
        return  # a worker of a cluster: its scheduler looks after it
    _watching = True
    import threading
    import time

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(POLL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _is_own_worker() -> bool:
    """Whether this process belongs to a pool of this machine, whose workers are children of their owner."""
    from multiprocessing import current_process

    return current_process().name.startswith("LokyProcess")


@contextmanager
def no_orphans() -> Iterator[None]:
    """Stop the workers of joblib at once when the block is left by Ctrl-C or by an error."""
    try:
        yield
    except BaseException:
        from joblib.externals.loky import reusable_executor

        executor = reusable_executor._executor
        if executor is not None:
            with suppress(Exception):
                executor.shutdown(wait=True, kill_workers=True)
        raise
