"""Worker processes that end with the process that started them, however it ends, and what they may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msfl.quiet import quiet_stderr

POLL = 0.5
"""Seconds between two looks at the owner."""
_watching = False


def end_with(owner: int) -> None:
    """End this worker as soon as its owner has gone; to be called at the start, of every task in a pool.

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


def one_thread() -> None:
    """Let TensorFlow, once imported, use one thread: two processes beat two threads, and sums keep their order."""
    if "tensorflow" not in sys.modules:
        return
    import tensorflow as tf

    with suppress(RuntimeError), quiet_stderr():  # RuntimeError: it computes already, with the threads it has
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.list_logical_devices()  # looks for GPUs, and says so


def forget_networks() -> None:
    """Free what Keras keeps of models that are done with, so that memory does not grow with the jobs."""
    if "keras" in sys.modules:
        import keras

        keras.backend.clear_session()
