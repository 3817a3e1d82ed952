"""Before a run can begin: the source's lock, what dead runs left, the job's row and its lease."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from pipewarden.core.chain import Act
from pipewarden.core.jobs import Job, JobStatus, Lease
from pipewarden.engine.context import RunContext
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.records import RecordSource
from pipewarden.engine.source import Source
from pipewarden.errors import Locked, PipewardenError
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.runners import liveness
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.files.folder_lock import Holder
from pipewarden.store.manifest.contract import ManifestStore
from pipewarden.store.state import jobs, ledger
from pipewarden.store.windows import Window, passing


def reap(workspace: Workspace) -> list[Job]:
    """Mark the jobs whose runner died; they can be resumed."""
    with workspace.database.write() as conn:
        return jobs.reap(conn, at=workspace.clock(), is_alive=liveness.is_alive)


def catch_up_known(workspace: Workspace) -> None:
    """Apply what dead runs committed, of every source known here; live runs apply their own."""
    for job in latest_jobs(workspace):
        with suppress(PipewardenError):
            source = workspace.source(job.source, ("*",), str(job.options.get("records", "")))
            workspace.store(source, job.pipeline).catch_up()


def latest_jobs(workspace: Workspace) -> list[Job]:
    """Return the newest job of every source and pipeline that has ever run here."""
    with workspace.database.read() as conn:
        return jobs.latest_of_each_source(conn)


def locked_store(
    workspace: Workspace,
    source: Source | RecordSource,
    pipeline: Pipeline,
    options: RunOptions,
    run_id: str,
    note: Callable[[str], None],
    spare: str = "",
) -> ManifestStore:
    """Return the source's manifest, this process its one writer, with nothing left to catch up."""
    store = workspace.store(source, pipeline.name)
    holder = Holder.this_process(run_id, workspace.clock().isoformat(timespec="seconds"))
    store.lock(holder, options.lock_timeout, note)
    try:
        caught_up = store.catch_up()
        if caught_up:
            note(f"{caught_up} items that a dead run had committed were taken into account")
        for job in reap(workspace):
            if job.id != spare:
                note(f"job {job.id} had lost its runner; it is {job.status} now")
    except BaseException:
        store.close()
        raise
    return store


def create_job(
    workspace: Workspace,
    context: RunContext,
    pipeline: Pipeline,
    options: RunOptions,
    parent_id: str | None,
) -> Job:
    """Take a run id and make the job's row; where the id is taken, the next one."""
    while True:
        context.create()
        job = Job(
            id=context.run_id,
            pipeline=pipeline.name,
            source=options.source,
            parent_id=parent_id,
            created_at=workspace.clock(),
            created_by=workspace.actor,
            options=options.as_dict(),
        )
        with workspace.database.write() as conn:
            if jobs.insert(conn, job):
                return job


def refuse_living(job: Job) -> None:
    """Refuse at once, without waiting for its lock, a job whose runner is known to live.

    Raises
    ------
    Locked
        It is being run.
    """
    if job.status is JobStatus.RUNNING and liveness.is_alive(job.lease_owner or "::"):
        raise Locked(
            f"job {job.id} is being run by {job.lease_owner}",
            left_behind="nothing was changed",
            next_step=f"watch it with 'pipewarden jobs watch {job.id}', or pause it first",
        )


def claim(workspace: Workspace, job: Job, *, queued_only: bool = False) -> Lease:
    """Take the right to run a job, ledgered; the lease of a runner known to be dead is taken over.

    Parameters
    ----------
    queued_only
        Refuse a job that somebody cancelled, paused or took up meanwhile.

    Raises
    ------
    Locked
        Another runner lives.
    IllegalTransition
        The job is completed, or not queued any more.
    """
    dead = job.lease_owner if liveness.is_alive(job.lease_owner or "::") is False else None
    at = workspace.clock()
    with workspace.database.write() as conn:
        if queued_only:
            jobs.require_queued(conn, job.id)
        lease = jobs.claim(
            conn,
            job.id,
            owner=liveness.this_owner(),
            at=at,
            ttl_seconds=workspace.settings.lease_seconds,
            actor=workspace.actor,
            steal_from=dead,
            exclusive=True,
        )
        action = "run.started" if job.started_at is None else "run.resumed"
        details = {"pipeline": job.pipeline, "source": job.source, "parent_id": job.parent_id}
        acts = [Act(actor=workspace.actor, action=action, subject=job.id, details=details)]
        if not job.options.get("validate", True) and job.started_at is None:
            reason = "--no-validate"
            acts.append(
                Act(actor=workspace.actor, action="gate.skipped", subject=job.id, reason=reason)
            )
        ledger.append(conn, acts, at)
    passing(Window.RUN_STARTED)
    return lease
