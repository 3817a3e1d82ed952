"""The services that take queued jobs, and when each was last heard of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from pipewarden.store.state.schema import insert_or_replace, runners


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerState:
    """One runner service.

    Parameters
    ----------
    owner
        ``host:pid:start``.
    started_at, heartbeat_at
        When it began, and when it was last heard of; UTC.
    slots, running
        How many jobs it runs at once, and how many it runs now.
    """

    owner: str
    started_at: datetime
    heartbeat_at: datetime
    slots: int
    running: int


def beat(conn: Connection, state: RunnerState) -> None:
    """Write that a service lives."""
    row = {name: getattr(state, name) for name in RunnerState.__slots__}
    conn.execute(insert_or_replace(conn, runners), [row])


def leave(conn: Connection, owner: str) -> None:
    """Forget a service that has ended."""
    conn.execute(delete(runners).where(runners.c.owner == owner))


def forget(conn: Connection, before: datetime) -> None:
    """Forget services that were last heard of before a time."""
    conn.execute(delete(runners).where(runners.c.heartbeat_at < before))


def known(conn: Connection) -> list[RunnerState]:
    """Return the services that did not say goodbye, the last one heard of first."""
    query = select(runners).order_by(runners.c.heartbeat_at.desc(), runners.c.owner)
    return [RunnerState(**row) for row in conn.execute(query).mappings()]
