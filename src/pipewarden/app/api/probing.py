"""What the service needs, each thing tried for real and within a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal

from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.service import Service
from pipewarden.app.api.views import ProbeView
from pipewarden.app.api.work.pool import Crowded, Lost, Overdue
from pipewarden.errors import PipewardenError
from pipewarden.jobs.queue.services import living
from pipewarden.settings import redact_text
from pipewarden.store.state.service import figures

#: Seconds for one probe.
PATIENCE = 2.0

#: Seconds that an event may wait unsent before it is said that no relay works: a relay looks twice
#: a second, and holds a target only while it sends.
_RELAYED = 10.0

State = Literal["ok", "degraded", "down"]
_Told = tuple[State, str, dict[str, Any]]
_WORST: dict[State, int] = {"ok": 0, "degraded": 1, "down": 2}


async def probe(service: Service) -> list[ProbeView]:
    """Try everything at once; nothing that fails keeps the rest from being tried."""
    tried: list[tuple[str, str, Callable[[], Awaitable[_Told]]]] = [
        ("database", "a query", lambda: run_in_threadpool(_database, service)),
        ("documents", "a question to a document process", lambda: _documents(service)),
        ("runners", "who was heard of lately", lambda: run_in_threadpool(_runners, service)),
    ]
    settings = service.settings
    if settings.events.targets:
        look = "what the relay met last, and how far it is"
        tried.append(("events", look, lambda: run_in_threadpool(_events, service)))
    if settings.sinks:
        tried.append(("sinks", "each was asked", lambda: run_in_threadpool(_sinks, service)))
    return list(await asyncio.gather(*(_timed(*each) for each in tried)))


def worst(probes: list[ProbeView]) -> State:
    """Return the state of the whole: only without its database it is down."""
    states = [p.state if p.name == "database" or p.state == "ok" else "degraded" for p in probes]
    return max(states, key=_WORST.__getitem__, default="ok")


async def _timed(name: str, tried: str, look: Callable[[], Awaitable[_Told]]) -> ProbeView:
    began = time.perf_counter()
    try:
        state, said, facts = await asyncio.wait_for(look(), PATIENCE)
    except TimeoutError:
        state, said, facts = "down", f"no answer within {PATIENCE:g} s", {}
    except PipewardenError as error:
        state, said, facts = "down", redact_text(error.message), {}
    return ProbeView(
        name=name,
        state=state,
        tried=tried,
        said=said,
        milliseconds=round((time.perf_counter() - began) * 1000, 1),
        facts=facts,
    )


def _database(service: Service) -> _Told:
    database = service.workspace.database
    with database.read() as conn:
        schema = figures.schema(conn)
    return "ok", "it answers", {"kind": database.dialect, "schema": schema}


async def _documents(service: Service) -> _Told:
    pool, wanted = service.pool, service.settings.service.workers
    loaded, engines = pool.loaded()
    facts: dict[str, Any] = {
        "processes": pool.ready,
        "wanted": wanted,
        "waiting": pool.waiting,
        "lost": pool.lost,
        "pipelines": {name: problem or "loaded" for name, problem in loaded.items()},
        "engines": engines,
    }
    if not pool.ready:
        return _none_ready(service, facts)
    problems = [f"{name}: {problem}" for name, problem in loaded.items() if problem]
    if not pool.idle:  # what works answers when it is done: a question would only wait behind it
        if pool.silence > service.settings.service.request_seconds:
            return "down", f"busy, and silent for {pool.silence:.0f} s", facts
        state: State = "degraded" if problems else "ok"
        return state, "; ".join([f"busy, answered {pool.silence:.1f} s ago", *problems]), facts
    try:
        await pool.ask({"kind": "ping"}, seconds=PATIENCE / 2)
    except (Crowded, Lost, Overdue):
        return "degraded", "an idle process did not answer", facts
    if problems or pool.ready < wanted:
        return "degraded", "; ".join(problems) or "not all processes are ready", facts
    return "ok", "it answers", facts


def _none_ready(service: Service, facts: dict[str, Any]) -> _Told:
    if not service.pool.resting:
        return "down", "no document process is ready", facts
    facts["pipelines"] = dict.fromkeys(service.offered, "not loaded")
    return "ok", "not loaded: nobody asked for a while; the next request loads", facts


def _runners(service: Service) -> _Told:
    found = living(service.workspace)
    facts = {
        "services": [{**asdict(state), "heartbeat_at": _text(state.heartbeat_at),
                      "started_at": _text(state.started_at)} for state in found]
    }  # fmt: skip
    failure = service.background.failures.get("runners")
    if failure is not None:
        return "down", failure, facts
    if not found:
        return "down", "no runner service was heard of: queued jobs wait", facts
    return "ok", f"{len(found)} heard of", facts


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _events(service: Service) -> _Told:
    from pipewarden.delivery.events.status import statuses

    workspace = service.workspace
    now = workspace.clock()
    held = [s for s in statuses(workspace.database, service.settings, now) if s.enabled]
    facts = {
        s.name: {
            "kind": s.kind,
            "breaker": str(s.breaker),
            "behind": s.behind + s.waiting,
            "dead": s.dead,
            "last_error": redact_text(s.last_error),
            "served_by": s.served_by,
        }
        for s in held
    }
    failing = [s.name for s in held if s.failures]
    late = now - timedelta(seconds=_RELAYED)
    unserved = [
        s.name for s in held if s.served_by is None and s.behind_since and s.behind_since < late
    ]
    if failing:
        return "degraded", f"failing: {', '.join(failing)}; events wait", facts
    if unserved:
        return "degraded", f"no relay works for {', '.join(unserved)}", facts
    return "ok", "all get their events", facts


def _sinks(service: Service) -> _Told:
    from pipewarden.delivery.sinks.care import status
    from pipewarden.delivery.sinks.enabled import enabled, spools_of

    settings = service.settings
    sinks = enabled(settings)
    try:
        held = status(sinks, spools_of(settings), service.workspace.clock(), probe=True)
    finally:
        for sink in sinks:
            sink.sink.close()
    facts = {
        s.name: {
            "kind": s.kind,
            "state": s.state,
            "spooled": s.spooled,
            "said": redact_text(s.said),
        }
        for s in held
    }
    down = [s.name for s in held if s.state == "down"]
    if down:
        return "degraded", f"down: {', '.join(down)}; documents are spooled", facts
    return "ok", "all answer", facts
