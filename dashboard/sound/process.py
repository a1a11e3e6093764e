"""The sound process: it answers one request after the other until the server hangs up."""

from __future__ import annotations

import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from msfl.errors import MsflError


def serve(pipe: Connection) -> None:
    """Answer requests ``(name of a function of dashboard.sound.analysis, arguments)``.

    An answer is ``(True, result)`` or ``(False, sentence)``. The pipe ends when the server does, however it ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then hangs up
    from dashboard.sound import analysis

    tasks: dict[str, Callable[..., Any]] = {"picture": analysis.picture, "contours": analysis.contours}
    while True:
        try:
            name, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = (True, tasks[name](*arguments))
        except MsflError as error:
            answer = (False, str(error))
        except Exception as error:
            answer = (False, f"The recording could not be analysed ({type(error).__name__}).")
        try:
            pipe.send(answer)
        except (BrokenPipeError, OSError):
            return
