"""Asking an endpoint over HTTP: one request, one answer, within a time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from pipewarden._version import __version__
from pipewarden.errors import InvalidSettings
from pipewarden.monitoring.checks.services import Answer
from pipewarden.settings import redact_text

#: Asks a URL and waits at most so many seconds.
Ask = Callable[[str, float], Answer]

_HEADERS = {"User-Agent": f"pipewarden/{__version__}", "Accept": "*/*", "Connection": "close"}


def ask(url: str, seconds: float) -> Answer:
    """Send a GET request; an answer of the 200s is well.

    Parameters
    ----------
    seconds
        For the connection, and again for each piece of the answer.

    Raises
    ------
    InvalidSettings
        It is no HTTP address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidSettings(
            f"{redact_text(url)!r} is no HTTP address",
            next_step="write http://host:port/path under monitoring.endpoints",
        )
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    began = time.perf_counter()
    try:
        connection = kind(parts.hostname, parts.port, timeout=seconds)
        try:
            connection.request("GET", path, headers=_HEADERS)
            response = connection.getresponse()
            response.read()
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        return Answer(well=False, seconds=time.perf_counter() - began, said=_said(error, seconds))
    took = time.perf_counter() - began
    if 200 <= response.status < 300:
        return Answer(well=True, seconds=took)
    return Answer(well=False, seconds=took, said=f"it answered {response.status}")


def _said(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError | socket.timeout):
        return f"no answer within {seconds:g} s"
    return redact_text(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
