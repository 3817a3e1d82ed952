"""The state database in a few numbers, for whoever watches the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, column, func, select, table

from pipewarden.core.jobs import JobStatus
from pipewarden.store.state import outbox
from pipewarden.store.state.delivery import targets, undelivered
from pipewarden.store.state.schema import jobs

_OUTCOMES = ("skipped", "published", "quarantined", "warned")


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
        Of each event target: how many events it lacks, and the age of the oldest in seconds.
    """

    jobs: Mapping[str, int]
    items: Mapping[str, int]
    waiting: int
    oldest: float
    outbox: Mapping[str, tuple[int, float]]


def schema(conn: Connection) -> str:
    """Return the schema's revision; the smallest question that the database must answer."""
    return str(
        conn.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()
    )


def read(conn: Connection, now: datetime) -> Figures:
    """Return the numbers as they are."""
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
        outbox=_outbox(conn, now),
    )


def _outbox(conn: Connection, now: datetime) -> dict[str, tuple[int, float]]:
    lacking = undelivered.counts(conn)
    found = {}
    for name, state in targets.known(conn).items():
        behind = outbox.backlog(conn, state.cursor)
        late = sum(number for (target, _), number in lacking.items() if target == name)
        age = (now - behind.oldest_at).total_seconds() if behind.oldest_at else 0.0
        found[name] = (behind.events + late, age)
    return found
