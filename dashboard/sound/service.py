"""The server's side of the sound process: it starts it when it is needed, and keeps what it has answered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, cast

from dashboard.sound.content import Contour, Picture
from dashboard.sound.process import serve
from msfl.errors import DataError

PATIENCE = 20.0
"""Seconds that one request may take once the process is up."""
START = 60.0
"""Seconds that it may take to come up: it imports openSMILE, and the machine may be busy."""
KEPT = 512
"""Answers that are kept; 30 to 60 kB each."""


class SoundService:
    """Pictures and contours of recordings; safe to use from several threads.

    openSMILE is slow to import, not made for threads, and can fall over a damaged file. In a process of its own it
    does neither delay the start nor take the server down.
    """

    def __init__(self) -> None:
        self._line = threading.Lock()
        self._memory = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._fresh = True

    def picture(self, file: Path) -> Picture:
        """Return waveform and spectrogram.

        Raises:
            DataError: The recording cannot be decoded or drawn.
        """
        return cast(Picture, self._ask("picture", file))

    def contours(self, file: Path, configuration: str, names: tuple[str, ...]) -> dict[str, Contour]:
        """Return contours by their openSMILE names; see `dashboard.sound.analysis.contours`.

        Raises:
            DataError: The recording cannot be decoded or drawn.
        """
        return cast(dict[str, Contour], self._ask("contours", file, configuration, names))

    def warm(self) -> None:
        """Start the process in the background, so that the first sound does not wait for imports."""
        if self._process is None:
            threading.Thread(target=self._warm, daemon=True).start()

    def close(self) -> None:
        """End the process."""
        with self._line:
            self._end()

    def _warm(self) -> None:
        with self._line:
            self._started()

    def _ask(self, name: str, file: Path, *more: Any) -> Any:
        try:
            key = (name, str(file), file.stat().st_mtime_ns, *more)
        except OSError as error:
            raise DataError(f"The recording cannot be read: {error.strerror or error}.") from None
        with self._memory:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        with self._line:
            with self._memory:
                if key in self._kept:  # somebody else asked for it meanwhile
                    return self._kept[key]
            answer = self._answer(name, (str(file), *more))
        with self._memory:
            self._kept[key] = answer
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return answer

    def _answer(self, name: str, arguments: tuple[Any, ...]) -> Any:
        pipe = self._started()
        try:
            pipe.send((name, arguments))
            if not pipe.poll(PATIENCE + (START if self._fresh else 0)):
                self._end()
                raise DataError(f"The analysis of the recording took longer than {PATIENCE:.0f} s.")
            good, answer = pipe.recv()
        except (EOFError, OSError):
            self._end()
            raise DataError(
                "The recording brought the analysis down; it can be played but not drawn."
            ) from None
        self._fresh = False
        if not good:
            raise DataError(
                str(answer).replace(arguments[0], Path(arguments[0]).name)
            )  # no paths of the server
        return answer

    def _started(self) -> Connection:
        if self._process is None or self._pipe is None or not self._process.is_alive():
            self._end()
            context = get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs,), daemon=True, name="msfl sound")
            process.start()
            theirs.close()
            self._process, self._pipe, self._fresh = process, ours, True
        return self._pipe

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.terminate()
            self._process.join(timeout=2)
        self._process = self._pipe = None
