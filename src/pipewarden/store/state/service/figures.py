"""The state database in a few numbers, for whoever watches the service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, column, func, select, table

from pipewarden.core.jobs import JobStatus
from pipewarden.store.state import outbox
from pipewarden.store.state.delivery import targets, undelivered
from pipewarden.store.state.delivery.targets import TargetState
from pipewarden.store.state.delivery.undelivered import Fortune
from pipewarden.store.state.schema import jobs

_OUTCOMES = ("skipped", "published", "quarantined", "warned")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxLag:
    """What an event target lacks.

    Parameters
    ----------
    events, seconds
        How many events are still to be sent to it, and the age of the oldest.
    dead
        How many it will not get unless somebody has them tried again.
    failures, retry_at
        Its circuit breaker.
    """

    events: int
    seconds: float
    dead: int
    failures: int
    retry_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Numbers at one moment.

    Parameters
    ----------
    jobs
        How many jobs are in each status.
    items
        How many items of all jobs had each outcome.
    waiting, oldest
        How many jobs wait in the queue, and for how many seconds the oldest does.
    outbox
        Of each event target: what it lacks.
    """

    jobs: Mapping[str, int]
    items: Mapping[str, int]
    waiting: int
    oldest: float
    outbox: Mapping[str, OutboxLag]


def schema(conn: Connection) -> str:
    """Return the schema's revision; the smallest question that the database must answer."""
    return str(
        conn.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()
    )


def read(conn: Connection, now: datetime, enabled: Iterable[str] = ()) -> Figures:
    """Return the numbers as they are.

    Parameters
    ----------
    enabled
        The event targets to tell of; one that is enabled no more lacks nothing.
    """
    counts = dict.fromkeys((str(status) for status in JobStatus), 0)
    by_status = select(jobs.c.status, func.count().label("number")).group_by(jobs.c.status)
    counts.update((row.status, row.number) for row in conn.execute(by_status))
    sums = conn.execute(
        select(*(func.coalesce(func.sum(jobs.c[name]), 0) for name in _OUTCOMES))
    ).one()
    queued = (jobs.c.status == JobStatus.QUEUED, jobs.c.queued == 1)
    waiting, since = conn.execute(
        select(func.count(), func.min(jobs.c.created_at)).where(*queued)
    ).one()
    return Figures(
        jobs=counts,
        items={name: int(number) for name, number in zip(_OUTCOMES, sums, strict=True)},
        waiting=waiting,
        oldest=(now - since).total_seconds() if since is not None else 0.0,
        outbox=_outbox(conn, now, enabled),
    )


def _outbox(conn: Connection, now: datetime, enabled: Iterable[str]) -> dict[str, OutboxLag]:
    known, counts = targets.known(conn), undelivered.counts(conn)
    late = undelivered.waiting_since(conn)
    found = {}
    for name in sorted(enabled):
        state = known.get(name) or TargetState(name=name)
        behind = outbox.backlog(conn, state.cursor)
        since = min((at for at in (behind.oldest_at, late.get(name)) if at), default=now)
        found[name] = OutboxLag(
            events=behind.events + counts.get((name, Fortune.WAITING), 0),
            seconds=max(0.0, (now - since).total_seconds()),
            dead=counts.get((name, Fortune.DEAD), 0),
            failures=state.failures,
            retry_at=state.retry_at,
        )
    return found
