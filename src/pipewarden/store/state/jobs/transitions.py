"""Changes of a job's status: compare-and-set, with history and event in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from pipewarden.core.jobs import (
    TRANSITIONS,
    Intent,
    Job,
    JobStatus,
    Lease,
    Request,
    sources_of,
)
from pipewarden.errors import IllegalTransition
from pipewarden.store.state.jobs.rows import check_fence, intent_values, locked, note
from pipewarden.store.state.schema import jobs

_NO_LEASE = {"lease_owner": None, "lease_expires_at": None}
_NO_INTENTS = {**intent_values("pause", None), **intent_values("cancel", None)}

#: What ends a request, and how it is spoken of in the history.
_TARGETS = {Request.PAUSE: JobStatus.PAUSED, Request.CANCEL: JobStatus.CANCELLED}


def transition(
    conn: Connection,
    job_id: str,
    to: JobStatus,
    *,
    actor: str,
    at: datetime,
    reason: str = "",
    error: str | None = None,
    lease: Lease | None = None,
) -> Job:
    """Change a job's status if its present one allows it; return the job as it is then.

    A RUNNING job that was asked to cancel ends CANCELLED, whichever end was meant: look at the
    status that is returned.

    Parameters
    ----------
    at
        Now; aware. ``started_at`` takes it the first time only, ``finished_at`` at each finish.
    error
        What to keep as the job's error; None leaves the present one.
    lease
        The runner's; None for a person's act.

    Raises
    ------
    IllegalTransition
        The present status does not allow it.
    Fenced
        The lease is another's by now.
    UnknownName
        There is no such job.
    """
    job = locked(conn, job_id) if lease is None else check_fence(conn, lease)
    to = _meant(job, to)
    return move(conn, job, to, actor=actor, at=at, reason=reason, error=error)


def finish(
    conn: Connection,
    lease: Lease,
    to: JobStatus,
    *,
    actor: str,
    at: datetime,
    error: str,
    told: Mapping[str, Any],
) -> Job:
    """Change the status of a job as its runner, at its end; otherwise as `transition`.

    Parameters
    ----------
    told
        What else the event tells.
    """
    job = check_fence(conn, lease)
    return move(conn, job, _meant(job, to), actor=actor, at=at, error=error, told=told)


def _meant(job: Job, to: JobStatus) -> JobStatus:
    """Return the status to enter: a RUNNING job that was asked to cancel ends CANCELLED."""
    cancelled = job.status is JobStatus.RUNNING and job.cancel is not None
    return JobStatus.CANCELLED if cancelled else to


def move(
    conn: Connection,
    job: Job,
    to: JobStatus,
    *,
    actor: str,
    at: datetime,
    reason: str = "",
    error: str | None = None,
    told: Mapping[str, Any] | None = None,
    **also: Any,
) -> Job:
    """Change the status of a locked job, and write what else changes with it (``also``)."""
    values = {"status": to, **_entering(job, to, at), **also}
    if error is not None:
        values["error"] = error
    # The compare-and-set: nothing happens unless the row still allows this move.
    change = (
        update(jobs)
        .where(
            jobs.c.id == job.id,
            jobs.c.status.in_(sources_of(to)),
            jobs.c.lease_token == job.lease_token,
        )
        .values(values)
    )
    moved = conn.execute(change).rowcount
    after = locked(conn, job.id)
    if not moved:
        raise _illegal(after, to)
    note(
        conn,
        after,
        _event(job, to),
        actor=actor,
        at=at,
        reason=reason or error or "",
        change={"from_status": job.status, "status": to, **(told or {})},
    )
    return after


def _entering(job: Job, to: JobStatus, at: datetime) -> dict[str, Any]:
    """Return what changes in the row because of the status that is entered."""
    values: dict[str, Any] = {}
    if to in (JobStatus.RUNNING, JobStatus.QUEUED) and job.status is not JobStatus.QUEUED:
        # A resumed job starts with a clean sheet; the history keeps what was.
        values |= {**_NO_INTENTS, "finished_at": None, "error": ""}
    if to is JobStatus.RUNNING:
        return values | {"started_at": job.started_at or at}
    values |= _NO_LEASE
    if to.finished:
        values["finished_at"] = at
    for request, target in _TARGETS.items():
        if to is target:
            values |= intent_values(request, None)
    return values


def _event(job: Job, to: JobStatus) -> str:
    if to is JobStatus.RUNNING:
        return "started" if job.started_at is None else "resumed"
    return to.lower()


def _illegal(job: Job, to: JobStatus) -> IllegalTransition:
    allowed = sorted(TRANSITIONS[job.status])
    steps = {
        JobStatus.RUNNING: f"pipewarden jobs resume {job.id}",
        JobStatus.PAUSED: f"pipewarden jobs pause {job.id}",
        JobStatus.CANCELLED: f"pipewarden jobs cancel {job.id}",
    }
    return IllegalTransition(
        f"job {job.id} is {job.status} and cannot become {to}; "
        f"it can become {', '.join(allowed) or 'nothing else'}",
        left_behind="nothing was changed",
        next_step=" or ".join(steps[status] for status in allowed if status in steps)
        or f"pipewarden rerun {job.id}",
    )


def request(
    conn: Connection, job_id: str, what: Request, *, actor: str, at: datetime, reason: str = ""
) -> Job:
    """Ask a job to pause or to cancel; return the job as it is then.

    The runner of a RUNNING job sees the recorded intent at its next heartbeat; a job that nobody
    runs changes at once. Asking twice is asking once: the first intent stays.

    Raises
    ------
    IllegalTransition
        The job is finished.
    UnknownName
        There is no such job.
    """
    job = locked(conn, job_id)
    target = _TARGETS[what]
    present = job.pause if what is Request.PAUSE else job.cancel
    if (job.status is JobStatus.RUNNING and present is not None) or (
        job.status is target and not job.status.finished
    ):
        return job
    if target not in TRANSITIONS[job.status]:
        raise _illegal(job, target)
    note(conn, job, f"{what}_requested", actor=actor, at=at, reason=reason)
    if job.status is not JobStatus.RUNNING:
        return move(conn, job, target, actor=actor, at=at, reason=reason)
    # The intent, recorded for the runner to act on.
    intent = intent_values(what, Intent(actor, at, reason))
    conn.execute(update(jobs).where(jobs.c.id == job.id).values(intent))
    return locked(conn, job_id)
