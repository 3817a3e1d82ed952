"""The lease on a job: one runner at a time, and none that can commit after it was replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from pipewarden.core.jobs import LOSSES, Job, JobStatus, Lease
from pipewarden.errors import Locked
from pipewarden.store.state.jobs.rows import fenced, holding, locked, note
from pipewarden.store.state.jobs.transitions import move
from pipewarden.store.state.schema import jobs


def claim(
    conn: Connection,
    job_id: str,
    *,
    owner: str,
    at: datetime,
    ttl_seconds: float,
    actor: str | None = None,
    steal_from: str | None = None,
    exclusive: bool = False,
) -> Lease:
    """Take the right to run a job, new, resumed, or left behind by a runner that is gone.

    Parameters
    ----------
    owner
        This runner: what `reap` will ask about and others are told, such as ``host:pid:start``.
    at
        Now; aware.
    ttl_seconds
        For how long the lease lasts without a heartbeat.
    actor
        Who resumes it, for the history; by default the owner.
    steal_from
        An owner that the caller knows to be dead; its lease need not have expired.
    exclusive
        Also refuse while another job of the same source is running, for a source whose manifest
        has no lock of its own.

    Raises
    ------
    Locked
        Another runner holds it; the message says who, and until when.
    IllegalTransition
        The job is COMPLETED.
    UnknownName
        There is no such job.
    """
    job = locked(conn, job_id)
    if exclusive:
        _refuse_other(conn, job, at)
    lease = Lease(
        job_id=job_id,
        owner=owner,
        token=job.lease_token + 1,
        expires_at=at + timedelta(seconds=ttl_seconds),
    )
    held: dict[str, Any] = {
        "lease_owner": owner,
        "lease_token": lease.token,
        "lease_expires_at": lease.expires_at,
        "heartbeat_at": at,
    }
    if job.status is not JobStatus.RUNNING:
        move(conn, job, JobStatus.RUNNING, actor=actor or owner, at=at, **held)
        return lease
    if _alive(job, at) and (steal_from is None or steal_from != job.lease_owner):
        raise _held(job)
    _take_over(conn, job, held, actor=actor or owner, at=at)
    return lease


def _take_over(
    conn: Connection, job: Job, held: Mapping[str, Any], *, actor: str, at: datetime
) -> None:
    # The new lease, unless the old one changed hands or was renewed since it was read.
    change = (
        update(jobs)
        .where(
            jobs.c.id == job.id,
            jobs.c.status == JobStatus.RUNNING,
            jobs.c.lease_token == job.lease_token,
            jobs.c.lease_expires_at.is_not_distinct_from(job.lease_expires_at),
        )
        .values(dict(held))
    )
    if conn.execute(change).rowcount == 0:
        raise _held(locked(conn, job.id))
    note(
        conn,
        locked(conn, job.id),
        "resumed",
        actor=actor,
        at=at,
        reason=f"taken over from {job.lease_owner or 'nobody'}",
        change={"from_status": JobStatus.RUNNING, "status": JobStatus.RUNNING},
    )


def _alive(job: Job, at: datetime) -> bool:
    return job.lease_expires_at is not None and job.lease_expires_at > at


def _refuse_other(conn: Connection, job: Job, at: datetime) -> None:
    # Another job of the same source whose runner is not known to be gone.
    other = conn.execute(
        select(jobs.c.id)
        .where(
            jobs.c.source == job.source,
            jobs.c.id != job.id,
            jobs.c.status == JobStatus.RUNNING,
            jobs.c.lease_expires_at > at,
        )
        .limit(1)
    ).scalar()
    if other is not None:
        raise _held(locked(conn, other))


def _held(job: Job) -> Locked:
    until = job.lease_expires_at.isoformat(timespec="seconds") if job.lease_expires_at else "?"
    return Locked(
        f"job {job.id} on {job.source} is being run by {job.lease_owner}, whose lease lasts until "
        f"{until} unless it is renewed",
        left_behind="nothing was changed",
        next_step=f"wait, or pause it with 'pipewarden jobs pause {job.id}'; if its runner is "
        "dead, try again after that time",
    )


def heartbeat(conn: Connection, lease: Lease, *, at: datetime, ttl_seconds: float) -> Job:
    """Renew a lease; return the job, whose intents the runner must look at.

    Raises
    ------
    Fenced
        The lease is another's by now, or the job was declared lost: stop, and commit nothing.
    """
    renewed = at + timedelta(seconds=ttl_seconds)
    change = update(jobs).where(*holding(lease)).values(lease_expires_at=renewed, heartbeat_at=at)
    if conn.execute(change).rowcount == 0:
        raise fenced(conn, lease)
    return locked(conn, lease.job_id)


def release(conn: Connection, lease: Lease) -> None:
    """Give a lease back without a change of status, so that another runner may go on at once.

    Harmless when it is another's by now, or when the job has left RUNNING.
    """
    change = update(jobs).where(*holding(lease)).values(lease_owner=None, lease_expires_at=None)
    conn.execute(change)


def reap(conn: Connection, *, at: datetime, is_alive: Callable[[str], bool | None]) -> list[Job]:
    """Take the RUNNING jobs whose runner is gone out of that state; return them as they are then.

    A job that was asked to cancel ends CANCELLED, one that was asked to pause PAUSED. A queued one
    waits for another runner, unless it lost several in a row without an item decided between; any
    other ends FAILED with the error ``runner lost``. All can be resumed.

    Parameters
    ----------
    is_alive
        Says of an owner: True, it lives (its job is spared, even with an expired lease: its next
        heartbeat renews it); False, it is dead (no lease protects it); None, it cannot be known
        from here, and the lease decides.
    """
    running = select(jobs.c.id).where(jobs.c.status == JobStatus.RUNNING).order_by(jobs.c.id)
    reaped = []
    for job_id in conn.execute(running).scalars().all():
        job = locked(conn, job_id)
        if job.status is JobStatus.RUNNING and _lost(job, at, is_alive):
            reaped.append(_end(conn, job, at))
    return reaped


def _lost(job: Job, at: datetime, is_alive: Callable[[str], bool | None]) -> bool:
    lives = None if job.lease_owner is None else is_alive(job.lease_owner)
    return not _alive(job, at) if lives is None else not lives


def _end(conn: Connection, job: Job, at: datetime) -> Job:
    to, error = JobStatus.FAILED, "runner lost"
    loss: dict[str, Any] = {}
    if job.cancel is not None:
        to, error = JobStatus.CANCELLED, ""
    elif job.pause is not None:
        to, error = JobStatus.PAUSED, ""
    elif job.queued:
        loss = count_loss(job)
        if loss["losses"] < LOSSES:
            to, error = JobStatus.QUEUED, ""
        else:
            error = f"runner lost {LOSSES} times in a row, and no item was decided between"
    # The token grows, so that the lost runner is fenced off if it was only asleep.
    return move(
        conn,
        job,
        to,
        actor="pipewarden",
        at=at,
        reason=f"runner lost: {job.lease_owner or 'nobody'}",
        error=error or None,
        **{"lease_token": job.lease_token + 1, **loss},
    )


def count_loss(job: Job) -> dict[str, int]:
    """Return what changes in the row of a job that lost its runner once more."""
    decided = job.progress.published + job.progress.quarantined
    losses = 1 if decided > job.losses_at else job.losses + 1
    return {"losses": losses, "losses_at": decided}
