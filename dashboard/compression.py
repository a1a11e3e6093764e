"""Answers go out gzipped; files that never change are packed once and kept by the browser."""

from __future__ import annotations

import gzip
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask, Response

TYPES = ("text/", "application/json", "application/javascript", "image/svg+xml")
SMALLEST = 500
"""Bytes; below that, packing costs more than it saves."""
LASTING = ("/_dash-component-suites/", "/assets/")
YEAR = 31_536_000
_LEVEL_ONCE, _LEVEL_EACH = 9, 5


class Packed:
    """Gzipped files by path and version, each packed once."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def get(self, key: str, content: bytes) -> bytes:
        """Return the packed content; ``key`` must change when the content does."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = gzip.compress(content, _LEVEL_ONCE, mtime=0)
            return self._kept[key]


def compress(server: Flask) -> None:
    """Pack the answers of a server. Register it after everything that changes answers."""
    from flask import request

    packed = Packed()

    @server.after_request
    def pack(response: Response) -> Response:
        lasting = request.path.startswith(LASTING) and response.status_code == 200
        if (lasting and request.query_string) or request.path.startswith(LASTING[0]):
            # Dash puts the version or the time of the file into their addresses
            response.headers["Cache-Control"] = f"private, max-age={YEAR}, immutable"
        elif lasting:
            response.headers["Cache-Control"] = "private, max-age=3600"
        wanted = "gzip" in request.headers.get("Accept-Encoding", "")
        if not wanted or response.status_code != 200 or not (response.mimetype or "").startswith(TYPES):
            return response
        if response.headers.get("Content-Encoding") or response.headers.get("Content-Range"):
            return response
        response.direct_passthrough = False
        content = response.get_data()
        if len(content) < SMALLEST:
            return response
        key = f"{request.full_path} {response.headers.get('ETag')} {len(content)}"
        response.set_data(
            packed.get(key, content) if lasting else gzip.compress(content, _LEVEL_EACH, mtime=0)
        )
        response.headers["Content-Encoding"] = "gzip"
        response.headers.add("Vary", "Accept-Encoding")
        response.headers.pop("ETag", None)
        return response
