"""Uploads and the queue of the worker: the server's side of the page Try it."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import queue
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from dashboard.worker import Request, Result, Status, Upload

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".au")
MOST_FILES = 10
LARGEST_FILE = 16 * 2**20
LARGEST_REQUEST = 40 * 2**20
"""Bytes of all files of an upload together."""
PLACES = 24
"""Uploads that are kept at a time; then the one that was not used for longest goes."""
MOST_WAITING = 8
PATIENCE = 900.0
"""Seconds that the worker may take."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,64}")
_PREFIX = "msfl-try-"


class Incoming(Protocol):
    """A file as it arrives (werkzeug's ``FileStorage``)."""

    filename: str | None
    stream: IO[bytes]


class Refused(Exception):  # noqa: N818 - it is an answer
    """An upload that is not taken; ``key`` is the text that says why, ``values`` belong into it."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


@dataclass
class Place:
    """What one visitor uploaded.

    Attributes:
        folder: Its folder.
        uploads: The recordings.
        tickets: Requests that were made of them.
    """

    folder: Path
    uploads: tuple[Upload, ...]
    tickets: set[str] = field(default_factory=set)

    @property
    def recordings(self) -> Path:
        """Folder of the recordings."""
        return self.folder / "recordings"


class Workshop:
    """Keeps uploads in a temporary folder of this process, and lets one worker at a time predict them.

    Only who holds the token of an upload can ask for it. Everything is deleted on request, and when the server ends.
    """

    def __init__(self) -> None:
        _sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self._places: OrderedDict[str, Place] = OrderedDict()
        self._lock = threading.Lock()
        self._waiting: queue.Queue[tuple[str, str]] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None
        self._working_on = ""
        self._closed = False
        threading.Thread(target=self._run, daemon=True, name="msfl-try").start()
        atexit.register(self.close)

    def receive(self, files: Iterable[Incoming]) -> tuple[str, tuple[Upload, ...]]:
        """Put recordings down, undecoded.

        Returns:
            The token of the upload, and its recordings.

        Raises:
            Refused: Too many, too large, or of a kind that is no recording.
        """
        incoming = [one for one in files if one.filename]
        if not incoming:
            raise Refused("try_it.refused.none")
        if len(incoming) > MOST_FILES:
            raise Refused("try_it.refused.many", most=MOST_FILES)
        token = secrets.token_urlsafe(24)
        folder = self.folder / token
        (folder / "recordings").mkdir(parents=True)
        try:
            uploads = tuple(
                _put_down(one, folder / "recordings", number) for number, one in enumerate(incoming, 1)
            )
        except Refused:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self._lock:
            self._places[token] = Place(folder, uploads)
            old = list(self._places)[:-PLACES]
        for name in old:
            self.delete(name)
        return token, uploads

    def place(self, token: object) -> Place | None:
        """Return what a token stands for; None where it is unknown or was deleted."""
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return None
        with self._lock:
            if token in self._places:
                self._places.move_to_end(token)
            return self._places.get(token)

    def ask(self, token: str, run: Path, model: str, language_set: str, one_speaker: bool) -> str:
        """Ask for predictions; asking the same again does nothing.

        Returns:
            The ticket, for `status` and `result`; empty where the upload is gone.

        Raises:
            Refused: Too many are waiting.
        """
        place = self.place(token)
        if place is None:
            return ""
        request = Request(
            run=str(run.resolve()),
            model=model,
            language_set=language_set,
            one_speaker=one_speaker,
            recordings=str(place.recordings),
            uploads=place.uploads,
        )
        said = request.model_dump_json()
        ticket = hashlib.sha256(said.encode()).hexdigest()[:24]
        with self._lock:
            if ticket in place.tickets:
                return ticket
            if self._waiting.qsize() >= MOST_WAITING:
                raise Refused("try_it.refused.busy")
            place.tickets.add(ticket)
        folder = place.folder / ticket
        folder.mkdir(exist_ok=True)
        (folder / "request.json").write_text(said, encoding="utf-8")
        self._waiting.put((token, ticket))
        return ticket

    def status(self, token: str, ticket: str) -> Status:
        """Return how far a request is."""
        place = self.place(token)
        if place is None or ticket not in place.tickets:
            return Status(step="failed", share=1.0)
        with suppress(OSError, ValueError):
            read = (place.folder / ticket / "status.json").read_text(encoding="utf-8")
            return Status.model_validate_json(read)
        return Status()

    def result(self, token: str, ticket: str) -> Result | None:
        """Return what came out of a request; None while it is not done."""
        place = self.place(token)
        if place is None or ticket not in place.tickets:
            return None
        with suppress(OSError, ValueError):
            read = (place.folder / ticket / "result.json").read_text(encoding="utf-8")
            return Result.model_validate_json(read)
        return None

    def delete(self, token: str) -> bool:
        """Delete an upload and all that was made of it; a worker that is at it is stopped. False: it was gone."""
        with self._lock:
            place = self._places.pop(token, None)
            if place is not None and self._working_on == token and self._process is not None:
                self._process.kill()
        if place is None:
            return False
        _remove(place.folder)
        return True

    def close(self) -> None:
        """Stop the worker, and delete every upload."""
        self._closed = True
        with self._lock:
            self._places.clear()
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
        _remove(self.folder)
        atexit.unregister(self.close)

    def _run(self) -> None:
        while not self._closed:
            token, ticket = self._waiting.get()
            place = self.place(token)
            if place is None:
                continue
            folder = place.folder / ticket
            code = self._work(token, folder)
            if self.place(token) is None:
                _remove(place.folder)  # deleted meanwhile: nothing that the worker still wrote may stay
            elif code != 0 and not (folder / "result.json").is_file():
                self._fail(folder)

    def _work(self, token: str, folder: Path) -> int:
        with self._lock:
            if self._closed or token not in self._places:
                return 1
            with (folder / "log.txt").open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "dashboard.worker", str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Features of what was uploaded must not outlive it in the cache of the user.
                    env={**os.environ, "MSFL_CACHE": str(folder.parent / "cache")},
                    start_new_session=True,  # Ctrl-C is for the server, which then stops the worker
                )
            self._working_on = token
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            with self._lock:
                self._working_on, self._process = "", None

    @staticmethod
    def _fail(folder: Path) -> None:
        with suppress(OSError):
            log = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
            sys.stderr.write(f"A recording could not be worked on:\n{log[-4000:]}\n")
            status = Status(step="failed", share=1.0)
            (folder / "status.json").write_text(json.dumps(status.model_dump()), encoding="utf-8")


def _put_down(one: Incoming, folder: Path, number: int) -> Upload:
    name = shown_name(one.filename or "")
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise Refused("try_it.refused.kind", name=name, kinds=", ".join(SUFFIXES))
    file = folder / f"{number:02d}{suffix}"
    size = 0
    with file.open("wb") as out:
        while piece := one.stream.read(1 << 18):
            size += len(piece)
            if size > LARGEST_FILE:
                raise Refused("try_it.refused.large", name=name, most=LARGEST_FILE >> 20)
            out.write(piece)
    if not size:
        raise Refused("try_it.refused.empty", name=name)
    return Upload(file=file.name, name=name)


def shown_name(name: str) -> str:
    """Return the name of an uploaded file as it is shown: its last part, without signs that cannot be printed."""
    last = re.split(r"[/\\]", name)[-1]
    clean = "".join(letter for letter in last if letter.isprintable()).strip()
    if len(clean) > 80:
        stem, suffix = Path(clean).stem, Path(clean).suffix[:10]
        clean = f"{stem[:60]}…{suffix}"
    return clean or "recording"


def _remove(folder: Path) -> None:
    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)  # a worker that was just killed may have written into it


def _sweep() -> None:
    """Delete what a server left behind that was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not folder.is_symlink() and not _alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    if process == os.getpid() or not hasattr(os, "kill") or os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
