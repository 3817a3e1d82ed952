"""The row of a job: written once, read as a `Job`, and found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from pipewarden.core.jobs import Intent, Job, JobEvent, JobStatus, Lease, Progress
from pipewarden.errors import Fenced, UnknownName
from pipewarden.store.state import outbox
from pipewarden.store.state.outbox import OutboxEvent
from pipewarden.store.state.schema import items, job_events, jobs

_TRACE = ("request_id", "traceparent")
_COUNTERS = ("seen", "skipped", "published", "quarantined", "deferred", "warned")


def create(conn: Connection, job: Job) -> bool:
    """Write a new job with its first history row and event.

    Returns
    -------
    bool
        False, and nothing is written, when the id is taken.
    """
    taken = conn.execute(select(jobs.c.id).where(jobs.c.id == job.id)).one_or_none()
    if taken is not None:
        return False
    conn.execute(insert(jobs).values(values_of(job)))
    created = {"from_status": None, "status": job.status}
    note(conn, job, "queued", actor=job.created_by, at=job.created_at, change=created)
    return True


def get(conn: Connection, job_id: str) -> Job | None:
    """Return the job, or None."""
    row = conn.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
    return None if row is None else as_job(row)


def locked(conn: Connection, job_id: str) -> Job:
    """Return the job, whose row nobody else changes until the caller's transaction ends.

    Raises
    ------
    UnknownName
        There is no such job.
    """
    query = select(jobs).where(jobs.c.id == job_id).with_for_update()
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownName(f"there is no job {job_id!r}", next_step="pipewarden jobs list")
    return as_job(row)


def history(conn: Connection, job_id: str) -> list[JobEvent]:
    """Return every change of the job's status and every request made of it, oldest first."""
    query = select(job_events).where(job_events.c.job_id == job_id).order_by(job_events.c.id)
    return [
        JobEvent(
            job_id=row.job_id,
            at=row.at,
            actor=row.actor,
            event=row.event,
            from_status=None if row.from_status is None else JobStatus(row.from_status),
            to_status=None if row.to_status is None else JobStatus(row.to_status),
            reason=row.reason,
        )
        for row in conn.execute(query)
    ]


def latest_of_each_source(conn: Connection) -> list[Job]:
    """Return the newest job of every source and pipeline, in order of the source."""
    newest = (
        select(jobs.c.source, jobs.c.pipeline, func.max(jobs.c.created_at).label("created_at"))
        .group_by(jobs.c.source, jobs.c.pipeline)
        .subquery()
    )
    query = (
        select(jobs)
        .join(
            newest,
            (jobs.c.source == newest.c.source)
            & (jobs.c.pipeline == newest.c.pipeline)
            & (jobs.c.created_at == newest.c.created_at),
        )
        .order_by(jobs.c.source, jobs.c.pipeline, jobs.c.id)
    )
    found = {(job.source, job.pipeline): job for job in map(as_job, conn.execute(query).mappings())}
    return list(found.values())


def completed_with_items(conn: Connection, before: datetime) -> list[str]:
    """Return the jobs that completed before a time and still have records of items."""
    held = select(items.c.job_id).where(items.c.job_id == jobs.c.id).exists()
    query = select(jobs.c.id).where(
        jobs.c.status == JobStatus.COMPLETED, jobs.c.finished_at < before, held
    )
    return list(conn.execute(query.order_by(jobs.c.created_at, jobs.c.id)).scalars())


def traces(conn: Connection, job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return of each of the jobs that there is what names the request that submitted it, if any."""
    query = select(jobs.c.id, *(jobs.c[name] for name in _TRACE)).where(jobs.c.id.in_(job_ids))
    rows = conn.execute(query).mappings()
    return {row["id"]: {name: row[name] for name in _TRACE if row[name]} for row in rows}


def set_seen(conn: Connection, lease: Lease, seen: int, skipped: int) -> None:
    """Record how many items the plan found and how many of them it skips.

    Raises
    ------
    Fenced
        The lease is another's by now.
    """
    change = update(jobs).where(*holding(lease)).values(seen=seen, skipped=skipped)
    if conn.execute(change).rowcount == 0:
        raise fenced(conn, lease)


def holding(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    """Return the condition under which the lease still gives the right to write."""
    return (
        jobs.c.id == lease.job_id,
        jobs.c.status == JobStatus.RUNNING,
        jobs.c.lease_token == lease.token,
    )


def check_fence(conn: Connection, lease: Lease) -> Job:
    """Return the job if the lease still gives the right to commit for it.

    Raises
    ------
    Fenced
        It does not.
    """
    job = locked(conn, lease.job_id)
    if job.status is not JobStatus.RUNNING or job.lease_token != lease.token:
        raise _fenced(job, lease)
    return job


def fenced(conn: Connection, lease: Lease) -> Fenced:
    """Return the error of a runner whose lease is another's by now."""
    return _fenced(locked(conn, lease.job_id), lease)


def _fenced(job: Job, lease: Lease) -> Fenced:
    now = job.status if job.lease_owner is None else f"{job.status}, run by {job.lease_owner}"
    return Fenced(
        f"the runner {lease.owner} no longer holds job {job.id}: it is {now}",
        left_behind="what was committed before stays; nothing of this commit is stored",
        next_step=f"pipewarden jobs status {job.id}",
    )


def note(
    conn: Connection,
    job: Job,
    event: str,
    *,
    actor: str,
    at: datetime,
    reason: str = "",
    change: Mapping[str, Any] | None = None,
) -> None:
    """Write a history row, and with a change of status the event that tells the world of it.

    ``job`` is the job after the change; ``change`` has its ``from_status`` and ``status``, and what
    else the event tells.
    """
    statuses = change or {}
    written = conn.execute(
        insert(job_events).values(
            job_id=job.id,
            at=at,
            actor=actor,
            event=event,
            from_status=statuses.get("from_status"),
            to_status=statuses.get("status"),
            reason=reason,
        )
    )
    if change is not None:
        (number,) = written.inserted_primary_key or (None,)
        data = {**change, "actor": actor, "reason": reason}
        _tell(conn, job, event, data, at=at, number=number)


def tell_progress(conn: Connection, job: Job, *, at: datetime) -> None:
    """Tell the world how far a running job is; it must have come further since that was told."""
    decided = job.progress.published + job.progress.quarantined
    told = OutboxEvent(
        type="io.pipewarden.job.progress",
        subject=job.id,
        data=_data(job, {"status": job.status}),
        at=at,
        id=f"{job.id}/progress/{job.lease_token}/{decided}",
    )
    outbox.append(conn, [told])


def _data(job: Job, change: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "pipeline": job.pipeline,
        "source": job.source,
        **change,
        **_traced(job),
        "error": job.error,
        "progress": {name: getattr(job.progress, name) for name in _COUNTERS},
    }


def _tell(
    conn: Connection,
    job: Job,
    event: str,
    change: Mapping[str, Any],
    *,
    at: datetime,
    number: int | None,
) -> None:
    """Put what the history row ``number`` says into the outbox."""
    told = OutboxEvent(
        type=f"io.pipewarden.job.{event}",
        subject=job.id,
        data=_data(job, change),
        at=at,
        id=f"{job.id}/job/{number}",
    )
    outbox.append(conn, [told])


def _traced(job: Job) -> dict[str, str]:
    return {name: held for name in _TRACE if (held := getattr(job, name))}


def values_of(job: Job) -> dict[str, Any]:
    """Return the row of a new job."""
    plain = ("id", "pipeline", "source", "status", "parent_id", "created_at", "created_by")
    times = ("started_at", "finished_at", "lease_expires_at", "heartbeat_at")
    return {
        **{name: getattr(job, name) for name in (*plain, *times)},
        **{name: getattr(job, name) for name in ("error", "lease_owner", "lease_token")},
        **{name: getattr(job, name) for name in ("losses", "losses_at", *_TRACE)},
        "queued": int(job.queued),
        **{name: getattr(job.progress, name) for name in _COUNTERS},
        **intent_values("pause", job.pause),
        **intent_values("cancel", job.cancel),
        "options": dict(job.options),
    }


def intent_values(request: str, intent: Intent | None) -> dict[str, Any]:
    """Return the columns of a request as this intent fills or clears them."""
    return {
        f"{request}_actor": intent.actor if intent else None,
        f"{request}_at": intent.at if intent else None,
        f"{request}_reason": intent.reason if intent else None,
    }


def _intent(row: Mapping[Any, Any], request: str) -> Intent | None:
    at = row[f"{request}_at"]
    if at is None:
        return None
    return Intent(row[f"{request}_actor"], at, row[f"{request}_reason"])


def as_job(row: Mapping[Any, Any]) -> Job:
    """Return the job of a row of the table."""
    return Job(
        id=row["id"],
        pipeline=row["pipeline"],
        source=row["source"],
        status=JobStatus(row["status"]),
        parent_id=row["parent_id"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        options=row["options"],
        error=row["error"],
        pause=_intent(row, "pause"),
        cancel=_intent(row, "cancel"),
        lease_owner=row["lease_owner"],
        lease_token=row["lease_token"],
        lease_expires_at=row["lease_expires_at"],
        heartbeat_at=row["heartbeat_at"],
        progress=Progress(**{name: row[name] for name in _COUNTERS}),
        queued=bool(row["queued"]),
        losses=row["losses"],
        losses_at=row["losses_at"],
        request_id=row["request_id"],
        traceparent=row["traceparent"],
    )
