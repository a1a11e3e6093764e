"""Recordings by the id of their utterance: ``/audio/RUN/CORPUS/STEM``. No path from a browser opens a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from dashboard.data import Data, RunData

if TYPE_CHECKING:
    from flask import Flask, Response

TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".au": "audio/basic",
}
"""Only these are sent: a run folder from somebody else must not make the server read out other files."""


def audio_url(run: RunData, utterance: str) -> str:
    """Return the address of a recording."""
    return f"/audio/{quote(run.key)}/{quote(utterance)}"


def find_recording(run: RunData, utterance: str, root: Path | None = None) -> tuple[Path | None, str]:
    """Find the recording of an utterance.

    Args:
        run: The run.
        utterance: The id, as the browser sent it: it is looked up, never joined to a path.
        root: Folder that holds the recordings now. The longest end of the stored path that exists in it counts.

    Returns:
        The file and an empty key, or None and the key of the text that says what is missing.
    """
    if utterance not in run.utterance_set:
        return None, "audio.unknown"
    stored = str(run.utterances.at[utterance, "file"])
    if Path(stored.replace("\\", "/")).suffix.lower() not in TYPES:
        return None, "audio.type"
    if root is not None:
        found = _below(root, stored)
        return (found, "") if found else (None, "audio.not_in_root")
    file = Path(stored)
    return (file, "") if file.is_absolute() and file.is_file() else (None, "audio.missing")


def _below(root: Path, stored: str) -> Path | None:
    parts = [part for part in stored.replace("\\", "/").split("/") if part and not part.endswith(":")]
    if ".." in parts:
        return None
    base = root.resolve()
    for start in range(len(parts)):
        file = base.joinpath(*parts[start:])
        if file.is_file() and file.resolve().is_relative_to(base):
            return file
    return None


def serve_audio(server: Flask, data: Data) -> None:
    """Add the route; ranges are answered with 206, so that a player can jump."""
    from flask import Response, abort, send_file

    from dashboard.texts import texts_for

    @server.get("/audio/<run>/<path:utterance>")
    def audio(run: str, utterance: str) -> Response:
        if run not in data.runs:
            abort(404)
        file, problem = find_recording(data.runs[run], utterance, data.audio_root)
        if file is None:
            return Response(texts_for(data.lang)(problem) + "\n", 404, mimetype="text/plain")
        response = send_file(file, mimetype=TYPES[file.suffix.lower()], conditional=True, etag=True)
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["Cache-Control"] = "private, max-age=600"
        return response
