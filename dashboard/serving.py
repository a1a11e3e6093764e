"""Serving the app with waitress, until Ctrl-C."""

from __future__ import annotations

import errno
import signal
import threading
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msfl.errors import UsageError

if TYPE_CHECKING:
    from flask import Flask

THREADS = 8
"""Requests at a time: several readers, each with a few."""


def serve(
    server: Flask, host: str, port: int, *, browser: bool, say: Callable[[str], None], query: str = ""
) -> None:
    """Serve until Ctrl-C or a signal to end.

    Args:
        server: The application.
        host: Address to listen on.
        port: Port.
        browser: Whether to open the page.
        say: Is told the address of the page, once it can be visited.
        query: Query of the first page.

    Raises:
        UsageError: The port is taken, or the address is not one of this machine.
    """
    from waitress import create_server

    try:
        waiting = create_server(
            server,
            host=host,
            port=port,
            threads=THREADS,
            ident=None,
            max_request_body_size=server.config["MAX_CONTENT_LENGTH"],
            channel_timeout=60,
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        raise UsageError(_why(error, host, port)) from None
    name = "localhost" if host in ("127.0.0.1", "::1") else f"[{host}]" if ":" in host else host
    address = f"http://{name}:{port}/{query}"
    say(address)
    if browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    before = signal.signal(signal.SIGTERM, _end)
    try:
        waiting.run()  # returns on KeyboardInterrupt and SystemExit
    finally:
        signal.signal(signal.SIGTERM, before)
        waiting.close()


def _end(*_: Any) -> None:
    raise SystemExit(0)


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken, perhaps by another dashboard. Name another: --port {port + 1}."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by you. Name one above 1023: --port 8050."
    return f"Nothing can listen on '{host}' ({error.strerror or error}). Leave --host out for this machine alone."
