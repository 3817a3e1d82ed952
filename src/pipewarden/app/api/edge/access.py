"""Who may ask for what, and how often.

Without API keys the service answers loopback addresses only, and everything; the first key that is
made ends that within seconds. A browser page of elsewhere cannot use it meanwhile: the name that it
was asked by must be a loopback name, too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from pipewarden.app import keys
from pipewarden.app.api.edge.problems import Problem
from pipewarden.errors import UsageError
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state.service import keys as kept, rates
from pipewarden.store.state.service.keys import Scope

#: Seconds for which a key that was recognised is taken on trust, and of a rate's window.
TRUSTED, WINDOW = 5.0, 60
#: Into how many blocks a window's permits are cut.
_BLOCKS = 50

_BEARER = HTTPBearer(auto_error=False, description="`Authorization: Bearer pw_…`")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key, bare.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key, or whoever is on this machine while there are none."""

    id: str
    name: str
    scope: Scope


_LOCAL = Caller("local", "", Scope.APPROVER)


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_address(workspace: Workspace, host: str) -> None:
    """Refuse to listen where strangers can ask, while there is no key that they would need.

    Raises
    ------
    UsageError
        The address is not a loopback one, and there is no valid key.
    """
    with workspace.database.read() as conn:
        guarded = kept.any_valid(conn)
    if not guarded and not is_loopback(host):
        raise UsageError(
            f"without API keys only a loopback address is served, not {host}",
            left_behind="nothing was started",
            next_step="pipewarden keys create NAME, then start again; or --host 127.0.0.1",
        )


class Access:
    """Recognises keys, and counts requests.

    Parameters
    ----------
    workspace
        Where keys and rates are kept.
    open_at_start
        Whether the address is a loopback one, so that no key is needed while there is none.
    """

    def __init__(self, workspace: Workspace, *, open_at_start: bool) -> None:
        self._workspace = workspace
        self._local = open_at_start
        self._limit = workspace.settings.service.rate_per_minute
        self._known: dict[str, tuple[Caller, float]] = {}
        self._asking = asyncio.Lock()
        self._permits: dict[str, tuple[int, int]] = {}
        self._taking: dict[str, asyncio.Lock] = {}

    async def caller(self, presented: str, host: str) -> Caller:
        """Return who asks.

        Raises
        ------
        Problem
            401: a key is needed, or this one does not hold. 403: without keys, and not local.
        """
        known = self._trusted(presented)
        if known is None:
            async with self._asking:  # one asks the database; the others learn what it said
                known = self._trusted(presented) or await self._recognised(presented)
        if known is _LOCAL and not is_loopback(host):
            detail = "without API keys only requests to localhost are answered"
            raise Problem(403, "not_local", detail)
        if known is not None:
            return known
        raise Problem(
            401,
            "unknown_key" if presented else "key_needed",
            "the API key is unknown or revoked" if presented else "an API key is needed",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _trusted(self, presented: str) -> Caller | None:
        caller, at = self._known.get(presented, (None, 0.0))
        return caller if time.monotonic() - at < TRUSTED else None

    async def _recognised(self, presented: str) -> Caller | None:
        """Ask the database who this is; without a key it is somebody while there are no keys."""
        caller = None
        if presented:
            key = await run_in_threadpool(keys.recognised, self._workspace, presented)
            caller = None if key is None else Caller(key.id, key.name, key.scope)
        elif self._local and not await run_in_threadpool(self._guarded):
            caller = _LOCAL
        now = time.monotonic()
        self._known = {k: v for k, v in self._known.items() if now - v[1] < TRUSTED}
        if caller is not None:
            self._known[presented] = (caller, now)
        return caller

    def _guarded(self) -> bool:
        with self._workspace.database.read() as conn:
            return kept.any_valid(conn)

    async def permit(self, caller: Caller) -> None:
        """Let a request through, or say when to come again.

        Raises
        ------
        Problem
            429: this minute's requests of the key are used up, over all replicas.
        """
        window, left = divmod(time.time(), WINDOW)
        number = int(window)
        if self._spend(caller.id, number):
            return
        lock = self._taking.setdefault(caller.id, asyncio.Lock())
        async with lock:
            if self._spend(caller.id, number):
                return
            taken = await run_in_threadpool(self._take, caller.id, number)
            self._permits[caller.id] = (number, taken)
            if self._spend(caller.id, number):
                return
        wait = max(1, WINDOW - int(left))
        detail = f"more than {self._limit} requests in {WINDOW} seconds; again in {wait} seconds"
        raise Problem(429, "rate_limited", detail, headers={"Retry-After": str(wait)})

    def _spend(self, owner: str, window: int) -> bool:
        held, permits = self._permits.get(owner, (window, 0))
        if held != window or permits < 1:
            return False
        self._permits[owner] = (window, permits - 1)
        return True

    def _take(self, owner: str, window: int) -> int:
        block = max(1, self._limit // _BLOCKS)
        with self._workspace.database.write() as conn:
            return rates.take(conn, owner, window=window, limit=self._limit, block=block)


async def admitted(request: Request, scope: Scope) -> Caller:
    """Return who asks, if they may: the key stands in ``Authorization`` or in ``X-API-Key``.

    Raises
    ------
    Problem
        401: a key is needed, or this one does not hold. 403: it has another scope, or there are no
        keys and the request is not local. 429: its requests of this minute are used up.
    """
    access: Access = request.app.state.service.access
    caller = await access.caller(_presented(request.headers), _host(request))
    await access.permit(caller)
    if not caller.scope.allows(scope):
        detail = f"this needs the scope {scope}; the key has {caller.scope}"
        raise Problem(403, "scope_needed", detail)
    return caller


def _presented(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    bare = headers.get("x-api-key", "")
    return key if key and scheme.lower() == "bearer" else bare


def _host(request: Request) -> str:
    """Return the name that the service was asked by."""
    named = request.headers.get("host")
    return (request.url.hostname or "") if named is None else _hostname(named)


@lru_cache(maxsize=64)
def _hostname(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def needs(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return the dependency of a route that only this scope may use."""

    async def allowed(
        request: Request,
        _bearer: Annotated[object, Security(_BEARER)],  # both stand here to be documented
        _header: Annotated[object, Security(_HEADER)],
    ) -> Caller:
        return await admitted(request, scope)

    return allowed


Viewer = Annotated[Caller, Depends(needs(Scope.VIEWER))]
Operator = Annotated[Caller, Depends(needs(Scope.OPERATOR))]
