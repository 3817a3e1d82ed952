"""The queue: jobs left for a runner service, reserved by one of them until its runner claims them.

A reservation is the lease of a QUEUED job. It keeps two services from starting a runner for the
same job; what decides is the runner's own claim, which only a QUEUED job grants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from pipewarden.core.jobs import LOSSES, Job, JobStatus
from pipewarden.errors import IllegalTransition
from pipewarden.store.state.jobs.leases import count_loss
from pipewarden.store.state.jobs.rows import as_job, history, locked
from pipewarden.store.state.jobs.transitions import move
from pipewarden.store.state.schema import jobs

#: Jobs looked at in one search for some that can be run now.
_SEARCHED = 1_000
_STOPPED = (JobStatus.PAUSED, JobStatus.FAILED, JobStatus.CANCELLED)
_FRESH: dict[str, Any] = {"queued": 1, "losses": 0, "losses_at": 0}


def enqueue(conn: Connection, job_id: str, *, actor: str, at: datetime, reason: str = "") -> Job:
    """Leave a stopped job for a runner service to go on with; return it as it is then.

    Raises
    ------
    IllegalTransition
        It is running, waiting or completed.
    UnknownName
        There is no such job.
    """
    job = locked(conn, job_id)
    if job.status not in _STOPPED:
        raise _refused(job, "only what was paused, cancelled or failed can be queued again")
    return move(conn, job, JobStatus.QUEUED, actor=actor, at=at, reason=reason, **_FRESH)


def require_queued(conn: Connection, job_id: str) -> None:
    """Let the caller's transaction go on only if the job is still waiting in the queue.

    Raises
    ------
    IllegalTransition
        It was cancelled, paused or taken up meanwhile.
    """
    job = locked(conn, job_id)
    if job.status is not JobStatus.QUEUED:
        raise _refused(job, "it does not wait in the queue any more")


def _refused(job: Job, why: str) -> IllegalTransition:
    return IllegalTransition(
        f"job {job.id} is {job.status}: {why}",
        left_behind="nothing was changed",
        next_step=f"pipewarden jobs status {job.id}",
    )


def waiting(conn: Connection, at: datetime) -> int:
    """Return how many queued jobs nobody has reserved."""
    query = select(func.count()).select_from(jobs).where(*_free(at))
    return conn.execute(query).scalar_one()


def reserve(
    conn: Connection, *, owner: str, at: datetime, ttl_seconds: float, limit: int
) -> list[Job]:
    """Reserve jobs that can be run now, the oldest first; return them.

    Of one source, and of one folder of lines, one job runs at a time: others are passed over.

    Parameters
    ----------
    owner
        The service.
    ttl_seconds
        For how long a reservation holds unless it is renewed.
    limit
        How many at most.
    """
    busy = set[str]()
    for job in _active(conn, at):
        busy |= _claims(job)
    found: list[Job] = []
    oldest = select(jobs).where(*_free(at)).order_by(jobs.c.created_at, jobs.c.id)
    for row in conn.execute(oldest.limit(_SEARCHED)).mappings().all():
        job = as_job(row)
        if len(found) < limit and not busy & _claims(job):
            busy |= _claims(job)
            found.append(job)
    _hold(conn, [job.id for job in found], owner, at + timedelta(seconds=ttl_seconds))
    return found


def renew(
    conn: Connection, job_ids: Sequence[str], *, owner: str, at: datetime, ttl_seconds: float
) -> None:
    """Keep reservations that are still this owner's, of jobs whose runner has not claimed yet."""
    mine = (jobs.c.status == JobStatus.QUEUED, jobs.c.lease_owner == owner)
    until = at + timedelta(seconds=ttl_seconds)
    conn.execute(update(jobs).where(jobs.c.id.in_(job_ids), *mine).values(lease_expires_at=until))


def put_back(conn: Connection, job_id: str, *, owner: str, until: datetime) -> None:
    """Give a reservation up; the job is not tried again before ``until``."""
    mine = (jobs.c.id == job_id, jobs.c.status == JobStatus.QUEUED, jobs.c.lease_owner == owner)
    conn.execute(update(jobs).where(*mine).values(lease_owner=None, lease_expires_at=until))


def fail_unstarted(
    conn: Connection, job_id: str, *, owner: str, at: datetime, error: str, final: bool = False
) -> Job | None:
    """Take note that a reserved job's runner ended before it could claim the job.

    Parameters
    ----------
    error
        Why.
    final
        Whether trying again is of no use, as with a pipeline that is not there; otherwise the job
        waits for another try until it lost as many runners as `LOSSES` says.

    Returns
    -------
    Job or None
        None: the reservation is no longer this owner's, and nothing was changed.
    """
    job = locked(conn, job_id)
    if job.status is not JobStatus.QUEUED or job.lease_owner != owner:
        return None
    change = count_loss(job)
    conn.execute(update(jobs).where(jobs.c.id == job_id).values(change))
    if not final and change["losses"] < LOSSES:
        put_back(conn, job_id, owner=owner, until=at)
        return locked(conn, job_id)
    # It never ran, but only a running job can fail: the history says both.
    running = move(conn, locked(conn, job_id), JobStatus.RUNNING, actor=owner, at=at)
    return move(conn, running, JobStatus.FAILED, actor=owner, at=at, error=error)


def stopped_by(conn: Connection, reason: str) -> list[str]:
    """Return the paused queued jobs whose last request was made for this reason."""
    query = select(jobs.c.id).where(jobs.c.status == JobStatus.PAUSED, jobs.c.queued == 1)
    found = []
    for job_id in conn.execute(query).scalars().all():
        asked = [e for e in history(conn, job_id) if e.event.endswith("_requested")]
        if asked and asked[-1].reason == reason:
            found.append(job_id)
    return found


def _free(at: datetime) -> tuple[Any, ...]:
    unheld = or_(jobs.c.lease_expires_at.is_(None), jobs.c.lease_expires_at <= at)
    return (jobs.c.status == JobStatus.QUEUED, jobs.c.queued == 1, unheld)


def _active(conn: Connection, at: datetime) -> Iterator[Job]:
    held = and_(
        jobs.c.status == JobStatus.QUEUED,
        jobs.c.lease_expires_at > at,
        jobs.c.lease_owner.is_not(None),
    )
    query = select(jobs).where(or_(jobs.c.status == JobStatus.RUNNING, held))
    yield from map(as_job, conn.execute(query).mappings().all())


def _claims(job: Job) -> set[str]:
    """Return what a job needs for itself alone: its source, and a folder of lines."""
    lines = job.options.get("lines") and job.options.get("output_dir")
    return {f"source {job.source}", *([f"lines {lines}"] if lines else [])}


def _hold(conn: Connection, job_ids: Sequence[str], owner: str, until: datetime) -> None:
    held = {"lease_owner": owner, "lease_expires_at": until}
    conn.execute(update(jobs).where(jobs.c.id.in_(job_ids)).values(held))
