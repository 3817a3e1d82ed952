"""What the service consists of: its database, its document processes, its runners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipewarden.app.api.work.pool import Crowded, Lost, Overdue, Pool
from pipewarden.jobs.queue.services import living, waited_for, waited_for_here
from pipewarden.jobs.runners.outages import POLICIES, breakers
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.serving.desk import Desk
from pipewarden.models.serving.live import OLD
from pipewarden.settings import Settings
from pipewarden.store.state.service import figures
from pipewarden.store.state.service.breakers import BreakerRow

#: A state, a sentence, and what else is known.
Told = tuple[str, str, dict[str, Any]]


def database(workspace: Workspace) -> Told:
    """Ask the database for the smallest thing that it must know."""
    held = workspace.database
    with held.read() as conn:
        schema = figures.schema(conn)
    return "ok", "it answers", {"kind": held.dialect, "schema": schema}


async def documents(
    pool: Pool, settings: Settings, offered: Sequence[str], patience: float
) -> Told:
    """Ask a document process what it has loaded, unless all are at work."""
    wanted = settings.service.workers
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
        return _none_ready(pool, offered, facts)
    problems = [f"{name}: {problem}" for name, problem in loaded.items() if problem]
    if not pool.idle:  # what works answers when it is done: a question would only wait behind it
        if pool.silence > settings.service.request_seconds:
            return "down", f"busy, and silent for {pool.silence:.0f} s", facts
        state = "degraded" if problems else "ok"
        return state, "; ".join([f"busy, answered {pool.silence:.1f} s ago", *problems]), facts
    try:
        told, _ = await pool.ask({"kind": "ping"}, seconds=patience)
    except (Crowded, Lost, Overdue):
        return "degraded", "an idle process did not answer", facts
    facts["engines"] = told["facts"]
    problems += [f"{name}: {held['problem']}" for name, held in _broken(told["facts"])]
    if problems or pool.ready < wanted:
        return "degraded", "; ".join(problems) or "not all processes are ready", facts
    return "ok", "it answers", facts


def _none_ready(pool: Pool, offered: Sequence[str], facts: dict[str, Any]) -> Told:
    if not pool.resting:
        return "down", "no document process is ready", facts
    facts["pipelines"] = dict.fromkeys(offered, "not loaded")
    return "ok", "not loaded: nobody asked for a while; the next request loads", facts


def _broken(engines: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the pipelines whose engine says that it has a problem."""
    return [(name, held) for name, held in engines.items() if held.get("problem")]


def runners(workspace: Workspace, failures: Mapping[str, str]) -> Told:
    """Look who of the runner services was heard of lately."""
    found = living(workspace)
    facts: dict[str, Any] = {
        "services": [{**asdict(state), "heartbeat_at": _text(state.heartbeat_at),
                      "started_at": _text(state.started_at)} for state in found],
        "breakers": {
            name: {"state": str(held.state), "failures": held.failures,
                   "since": None if held.since is None else _text(held.since)}
            for name, held in breakers().items()
        },
        "waited_for": [waiting(row, workspace.clock()) for row in waited_for(workspace)],
    }  # fmt: skip
    failure = failures.get("runners")
    if failure is not None:
        return "down", failure, facts
    if not found:
        return "down", "no runner service was heard of: queued jobs wait", facts
    gone = sorted({held["name"] for held in facts["waited_for"] if held["state"] != "closed"})
    heard = f"{len(found)} heard of"
    if gone:
        return "degraded", f"{heard}; jobs wait for the {' and the '.join(gone)}", facts
    return "ok", heard, facts


def runners_without(workspace: Workspace) -> dict[str, Any]:
    """Return what is known of runners while the database does not answer, as facts."""
    return {"waited_for": [waiting(row, workspace.clock()) for row in waited_for_here(workspace)]}


def waiting(row: BreakerRow, now: datetime) -> dict[str, Any]:
    """Return what does not answer a job that is run, in whatever process that is, as facts."""
    return {
        "name": row.name,
        "job": row.job_id or None,
        "state": str(row.breaker.state(now, POLICIES[row.name])),
        "failures": row.failures,
        "since": None if row.since is None else _text(row.since),
        "retry_at": None if row.retry_at is None else _text(row.retry_at),
    }


def models(desk: Desk, now: datetime) -> Told:
    """Tell how the models stand that answer, and the log of what they answered."""
    live, log = desk.live.standing(), desk.log.standing()
    facts: dict[str, Any] = {
        "environment": desk.live.environment,
        "models": live.models,
        "looked_at": None if live.looked_at is None else _text(live.looked_at),
        "unopened": {
            name: {"version": held.version, "problem": held.message, "at": _text(held.at)}
            for name, held in live.unopened.items()
        },
        "log": asdict(log),
    }
    problems = [f"deployments cannot be read: {live.failure}"] if live.failure else []
    if live.looked_at is not None and (now - live.looked_at).total_seconds() > OLD:
        problems.append(f"deployments were last read at {_text(live.looked_at)}")
    problems += [
        f"{name}: version {held.version} is deployed and cannot be opened: {held.message}"
        for name, held in live.unopened.items()
    ]
    if log.failure or log.spilled_bytes:
        problems.append(f"predictions wait on disk: {log.failure or 'they are being stored'}")
    if problems:
        return "degraded", "; ".join(problems), facts
    return "ok", f"{live.models} of {desk.live.environment} answer", facts


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
