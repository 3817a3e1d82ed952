"""What every request passes through: its id, its place in a trace, its time, and the last defence.

The id comes from ``X-Request-ID`` or is made; ``traceparent`` is continued or begun (W3C Trace
Context, level 1). Both go back, into the log, and into the jobs that a request submits.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from random import Random

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipewarden.app.api.edge.problems import Problem, response
from pipewarden.app.api.metrics import Metrics
from pipewarden.jobs.queue.tracing import request_id, traceparent

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
#: Ids are to differ, and are no secret: asking the system for each would take longer than a model.
_random = Random(secrets.randbits(128))  # noqa: S311
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


class Tracing:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        named, parent = _named(headers), _traced(headers)
        scope.setdefault("state", {})
        scope["state"] |= {"request_id": named, "traceparent": parent}
        token, traced = request_id.set(named), traceparent.set(parent)
        began, status = time.perf_counter(), 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                held = MutableHeaders(scope=message)
                held["X-Request-ID"], held["traceparent"] = named, parent
            await send(message)

        try:
            await self._app(scope, receive, told)
        except Exception:
            log.exception("request failed", extra={"request_id": named, "path": scope["path"]})
            if status:  # the answer has begun: all that is left is to break it off
                raise
            detail = "the service met something it does not know; see its log"
            await response(Problem(500, "internal", detail), named)(scope, receive, told)
        finally:
            request_id.reset(token)
            traceparent.reset(traced)
            route = getattr(scope.get("route"), "path_format", "unmatched")
            seconds = time.perf_counter() - began
            self._metrics.request(scope["method"], route, status, seconds)


def _named(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else f"{_random.getrandbits(128):032x}"


def _traced(headers: Headers) -> str:
    """Return this request's own place in the trace that it belongs to."""
    given = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    trace, flags = (given[1], given[2]) if given else (f"{_some(128):032x}", "01")
    return f"00-{trace}-{_some(64):016x}-{flags}"


def _some(bits: int) -> int:
    """Return a random number that is not 0, which means no trace (W3C Trace Context, 3.2.2)."""
    return _random.getrandbits(bits) or 1
