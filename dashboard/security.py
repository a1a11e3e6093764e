"""Who may ask, and what a browser may do with the answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msfl.errors import UsageError

if TYPE_CHECKING:
    from flask import Flask, Response

LOCAL = ("localhost", "127.0.0.1", "::1")
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Mantine and Plotly write style elements; scripts have no such door
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SHORTEST = 8
"""Characters of a password."""
_SCRYPT = {"n": 2**15, "r": 8, "p": 1}
_MEMORY = 2**26
"""Scrypt with these numbers needs 32 MB; OpenSSL refuses without a limit above it."""


def make_password(password: str) -> str:
    """Return the content of a password file: a salted scrypt hash (RFC 7914), never the password."""
    salt = secrets.token_bytes(16)
    hashed = _scrypt(password, salt, **_SCRYPT)
    return json.dumps({"kind": "msfl password", **_SCRYPT, "salt": salt.hex(), "hash": hashed.hex()}) + "\n"


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=32)


class Password:
    """Checks HTTP Basic credentials against a password file; the user's name does not matter.

    Scrypt is slow on purpose. A header that was right is remembered, as a keyed hash, until the server ends; wrong
    ones are checked one at a time.
    """

    def __init__(self, file: Path) -> None:
        try:
            read = json.loads(file.read_text(encoding="utf-8"))
            self._salt, self._hash = bytes.fromhex(read["salt"]), bytes.fromhex(read["hash"])
            self._costs = {key: int(read[key]) for key in _SCRYPT}
            if read["kind"] != "msfl password" or len(self._hash) != 32 or self._costs != _SCRYPT:
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError):
            raise UsageError(
                f"'{file}' is no password file. `msfl dashboard --make-password {file}` writes one."
            ) from None
        self._key = secrets.token_bytes(32)
        self._known: bytes | None = None
        self._one_at_a_time = threading.Lock()

    def allows(self, header: str | None) -> bool:
        """Whether an ``Authorization`` header carries the password."""
        if not header or len(header) > 1000:
            return False
        digest = hmac.digest(self._key, header.encode(), "sha256")
        if self._known is not None and hmac.compare_digest(self._known, digest):
            return True
        password = _password_in(header)
        if password is None:
            return False
        with self._one_at_a_time:
            right = hmac.compare_digest(_scrypt(password, self._salt, **self._costs), self._hash)
        if right:
            self._known = digest
        return right


def _password_in(header: str) -> str | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


@dataclass(frozen=True)
class Door:
    """Which requests are let in.

    Attributes:
        host: The address that the server listens on.
        password: None: nobody is asked.
    """

    host: str = "127.0.0.1"
    password: Password | None = None

    def knows(self, host_header: str) -> bool:
        """Whether a ``Host`` header names this server.

        Another name that leads here is DNS rebinding: a page of somebody else's that wants to read this one. On
        a network, addresses are let in as well: rebinding needs a name.
        """
        name = _host_of(host_header)
        if name in LOCAL or name == self.host.lower():
            return True
        return not is_local(self.host) and (_is_address(name) or name in _own_names())


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _own_names() -> tuple[str, ...]:
    name = socket.gethostname().lower()
    return name, f"{name}.local"


def _host_of(header: str) -> str:
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def protect(server: Flask, door: Door) -> None:
    """Put the door before every route of a server, and the headers on every answer."""
    from flask import Response, request

    @server.before_request
    def check() -> Response | None:
        if not door.knows(request.headers.get("Host", "")):
            return Response("This server does not go by that name.\n", 421, mimetype="text/plain")
        if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") and not _is_visit():
            return Response("Only this page itself may ask that.\n", 403, mimetype="text/plain")
        if door.password is not None and not door.password.allows(request.headers.get("Authorization")):
            challenge = {"WWW-Authenticate": 'Basic realm="msfl", charset="UTF-8"'}
            return Response("The password, please.\n", 401, challenge, mimetype="text/plain")
        return None

    def _is_visit() -> bool:
        return request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"

    server.after_request(_with_headers())


def _with_headers() -> Callable[[Response], Response]:
    def add(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return add
