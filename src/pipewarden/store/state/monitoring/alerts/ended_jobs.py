"""Jobs that ended, in the order in which they did, read from where a reader stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from pipewarden.core.jobs import JobStatus
from pipewarden.store.state.schema import job_events, jobs

_ENDS = (JobStatus.COMPLETED, JobStatus.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One job that completed or failed; `number` grows with every change of any job.

    Parameters
    ----------
    error
        Why it failed; empty where it was taken up again since.
    published, quarantined
        Items, as counted by now.
    """

    number: int
    at: datetime
    job_id: str
    pipeline: str
    source: str
    status: JobStatus
    error: str
    published: int
    quarantined: int


def ended(conn: Connection, after: int | None, *, since: datetime, limit: int) -> list[Ended]:
    """Return jobs that completed or failed, the oldest first.

    Parameters
    ----------
    after
        The number that was read last. Writers take turns, so nothing with a lower number turns up
        later. None: nothing was read yet.
    since
        Only what ended at this time or later.
    """
    names = ("job_id", "pipeline", "source", "status", "error", "published", "quarantined")
    query = (
        select(
            job_events.c.id.label("number"),
            job_events.c.at,
            job_events.c.job_id,
            jobs.c.pipeline,
            jobs.c.source,
            job_events.c.to_status.label("status"),
            jobs.c.error,
            jobs.c.published,
            jobs.c.quarantined,
        )
        .join(jobs, jobs.c.id == job_events.c.job_id)
        .where(job_events.c.to_status.in_(_ENDS), job_events.c.at >= since)
        .order_by(job_events.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(job_events.c.id > after)
    return [
        Ended(
            number=row["number"],
            at=row["at"],
            **{**{name: row[name] for name in names}, "status": JobStatus(row["status"])},
        )
        for row in conn.execute(query).mappings()
    ]
