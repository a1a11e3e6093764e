"""Silence for libraries: their warnings and greetings are not for the person who waits for a result."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = ("msfl", "analyses", "dashboard")


def hush_libraries() -> None:
    """Show our own warnings as sentences on stderr, and those of libraries only where somebody asked for them.

    ``python -W ...`` and PYTHONWARNINGS ask for warnings, TF_CPP_MIN_LOG_LEVEL for TensorFlow's log. For the command
    line and its workers, not for a program that imports msfl: it changes the whole process.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") >= "2":  # this one is read by its C++ part
        for name in ("tensorflow", "absl"):
            logging.getLogger(name).setLevel(logging.ERROR)
    if not sys.warnoptions:
        warnings.showwarning = _show


def _show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    if category.__module__.partition(".")[0] in _OURS:
        sys.stderr.write(f"Warning: {message}\n")


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send file descriptor 2 nowhere for a moment: TensorFlow reports absent GPUs there, on every import.

    Exceptions pass as usual, since Python prints them after the block.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
