"""Looking at jobs, and asking them to pause or to cancel."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from datetime import datetime

from pipewarden.core.chain import Act
from pipewarden.core.items import Outcome
from pipewarden.core.jobs import Job, JobEvent, JobStatus, Request
from pipewarden.errors import UnknownName
from pipewarden.jobs.summary import stages_of as stages_in
from pipewarden.jobs.workspace import Workspace
from pipewarden.report.facts import StageFacts
from pipewarden.store.state import items, jobs, ledger
from pipewarden.store.state.items import ItemPage
from pipewarden.store.state.jobs import JobPage

_NEAR = 200


def list_jobs(
    workspace: Workspace,
    *,
    status: JobStatus | None = None,
    pipeline: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
) -> JobPage:
    """Return jobs, newest first, and how many there are in all; see `store.state.jobs.page`."""
    with workspace.database.read() as conn:
        return jobs.page(
            conn,
            status=status,
            pipeline=pipeline,
            source=source,
            since=since,
            limit=limit,
            offset=offset,
        )


def find(workspace: Workspace, run_id: str) -> Job:
    """Return a job.

    Raises
    ------
    UnknownName
        There is none of this id; the message names the nearest.
    """
    with workspace.database.read() as conn:
        job = jobs.get(conn, run_id)
        if job is not None:
            return job
        known = [held.id for held in jobs.page(conn, limit=_NEAR).jobs]
    close = difflib.get_close_matches(run_id, known, 1)
    raise UnknownName(
        f"there is no job {run_id!r}" + (f"; did you mean {close[0]!r}?" if close else ""),
        next_step="pipewarden jobs list",
    )


def history(workspace: Workspace, run_id: str) -> list[JobEvent]:
    """Return what happened to a job, oldest first."""
    find(workspace, run_id)
    with workspace.database.read() as conn:
        return jobs.history(conn, run_id)


def sinks_of(workspace: Workspace, job: Job) -> dict[str, dict[str, int]]:
    """Return where a job's documents were when it ended, as the ledger has it.

    Returns
    -------
    Of each sink, by its name, how many were ``delivered``, ``spooled`` and ``refused``; empty where
    no runner ended the job so, or no sink gets its documents.
    """
    with workspace.database.read() as conn:
        ended = ledger.last(conn, job.id, "run.finished")
    if ended is None or ended.details.get("status") != job.status:
        return {}
    held: dict[str, dict[str, int]] = ended.details.get("sinks", {})
    return held


def stages_of(workspace: Workspace, run_id: str) -> list[StageFacts]:
    """Return how long a job's items took so far: the whole, and the stages its pipeline tells."""
    with workspace.database.read() as conn:
        return stages_in(conn, run_id)


def item_page(
    workspace: Workspace,
    run_id: str,
    *,
    outcome: Outcome | None = None,
    outcomes: Collection[Outcome] = (),
    limit: int = 50,
    offset: int = 0,
) -> ItemPage:
    """Return a job's items in order of their keys, and how many there are in all.

    Parameters
    ----------
    outcome, outcomes
        Only of this one, or of one of these; neither: all.
    """
    find(workspace, run_id)
    wanted = (*outcomes, *([outcome] if outcome is not None else []))
    with workspace.database.read() as conn:
        return items.page(conn, run_id, outcomes=wanted, limit=limit, offset=offset)


def pause(workspace: Workspace, run_id: str, reason: str = "", actor: str = "") -> Job:
    """Ask a job to pause after the items in work; one that nobody runs pauses at once.

    ``actor`` is who asks, where it is not who runs this process.

    Raises
    ------
    UnknownName
        There is no such job.
    IllegalTransition
        It has ended.
    """
    return _request(workspace, run_id, Request.PAUSE, reason, actor)


def cancel(workspace: Workspace, run_id: str, reason: str = "", actor: str = "") -> Job:
    """Ask a job to end; what it finished stays finished, and it can be resumed.

    ``actor`` is who asks, where it is not who runs this process.

    Raises
    ------
    UnknownName
        There is no such job.
    IllegalTransition
        It has ended.
    """
    return _request(workspace, run_id, Request.CANCEL, reason, actor)


def requeue(workspace: Workspace, run_id: str, reason: str = "", actor: str = "") -> Job:
    """Leave a paused, cancelled or failed job for a runner service to go on with.

    Raises
    ------
    UnknownName
        There is no such job.
    IllegalTransition
        It is waiting, running or completed.
    """
    find(workspace, run_id)
    at, actor = workspace.clock(), actor or workspace.actor
    with workspace.database.write() as conn:
        job = jobs.enqueue(conn, run_id, actor=actor, at=at, reason=reason)
        act = Act(actor=actor, action="run.requeued", subject=run_id, reason=reason)
        ledger.append(conn, [act], at)
    return job


def _request(workspace: Workspace, run_id: str, what: Request, reason: str, actor: str) -> Job:
    find(workspace, run_id)
    at, actor = workspace.clock(), actor or workspace.actor
    with workspace.database.write() as conn:
        job = jobs.request(conn, run_id, what, actor=actor, at=at, reason=reason)
        act = Act(actor=actor, action=f"run.{what}_requested", subject=run_id, reason=reason)
        ledger.append(conn, [act], at)
    return job
