"""Leaving a run to a runner service: a job that waits in the queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipewarden.core.chain import Act
from pipewarden.core.jobs import Job, JobStatus
from pipewarden.engine.context import RunContext
from pipewarden.engine.pipeline import Pipeline
from pipewarden.errors import Conflict, UsageError
from pipewarden.jobs import loading
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.requests import find
from pipewarden.jobs.run import patterns_of, snapshot_of
from pipewarden.jobs.runners.tables import with_table_read
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import jobs, ledger

if TYPE_CHECKING:
    from sqlalchemy import Connection

Also = Callable[["Connection", Job], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who submits a job, and on whose request.

    Parameters
    ----------
    actor
        Empty: whoever runs this process.
    request_id, traceparent
        Of the HTTP request, where there is one.
    """

    actor: str = ""
    request_id: str = ""
    traceparent: str = ""


def submit(
    pipeline: Pipeline,
    options: RunOptions,
    workspace: Workspace,
    *,
    run_name: str = "",
    parent_id: str | None = None,
    origin: Origin | None = None,
    also: Also | None = None,
) -> Job:
    """Leave a run to a runner service; return the job, which is QUEUED.

    Parameters
    ----------
    options
        As for a run in the foreground; the pipeline must be one that can be found again by name.
    also
        Called within the transaction that makes the job: both happen, or neither.

    Raises
    ------
    SourceNotFound
        There is nothing to read.
    UsageError
        A runner could not find the pipeline, or would lack one of its secret settings.
    """
    if not options.pipeline:
        raise UsageError(
            f"pipeline {pipeline.name!r} exists only in this script: no runner service finds it",
            next_step="define it in a module, and name it package.module:attribute",
        )
    asked = origin or Origin()
    actor = asked.actor or workspace.actor
    options = with_table_read(pipeline, options, workspace)
    options = _completed(pipeline, options, workspace)
    loading.usable(RunOptions.from_dict(options.as_dict()), workspace.settings, "of this job")
    job = Job(
        id="",
        pipeline=pipeline.name,
        source=options.source,
        parent_id=parent_id,
        created_at=workspace.clock(),
        created_by=actor,
        options=options.as_dict(),
        queued=True,
        request_id=asked.request_id,
        traceparent=asked.traceparent,
    )
    context = RunContext(
        run_name or pipeline.name,
        workspace.runs_dir,
        auto_git_sha=True,
        capture_config=False,
        clock=workspace.clock,
    )
    while True:
        context.create()
        # Before the row: once that is there, a runner may take it up.
        snapshot_of(workspace, context, pipeline, options)
        if _inserted(workspace, replace(job, id=context.run_id), also):
            return replace(job, id=context.run_id)


def _completed(pipeline: Pipeline, options: RunOptions, workspace: Workspace) -> RunOptions:
    source = workspace.source(
        options.source, patterns_of(pipeline, options), pipeline.records or ""
    )
    store = workspace.store(source, pipeline.name)
    return replace(
        options,
        output_dir=str(workspace.output_dir(options.output_dir, store, pipeline.name)),
        records=pipeline.records or "",
        lines=pipeline.lines or "",
    )


def _inserted(workspace: Workspace, job: Job, also: Also | None) -> bool:
    with workspace.database.write() as conn:
        if not jobs.insert(conn, job):
            return False
        details = {"pipeline": job.pipeline, "source": job.source, "parent_id": job.parent_id}
        act = Act(actor=job.created_by, action="run.submitted", subject=job.id, details=details)
        ledger.append(conn, [act], job.created_at)
        if also is not None:
            also(conn, job)
    return True


def retry(
    workspace: Workspace, run_id: str, *, origin: Origin | None = None, also: Also | None = None
) -> Job:
    """Leave to a runner service what a job quarantined, as a new job; return that.

    Whatever lies in the quarantine of the job's source is processed again, whether a gate rejected
    it or it errored.

    Raises
    ------
    UnknownName
        There is no such job.
    Conflict
        It has not ended, or has quarantined nothing.
    """
    job = find(workspace, run_id)
    if job.status in (JobStatus.QUEUED, JobStatus.RUNNING):
        raise Conflict(
            f"job {run_id} is {job.status}: what fails in it is not known yet",
            left_behind="nothing was changed",
            next_step=f"pipewarden jobs watch {run_id}",
        )
    if not job.progress.quarantined:
        raise Conflict(
            f"job {run_id} has quarantined nothing",
            left_behind="nothing was changed",
            next_step=f"pipewarden jobs resume {run_id}"
            if job.status is not JobStatus.COMPLETED
            else f"pipewarden rerun {run_id}",
        )
    options = replace(RunOptions.from_dict(job.options), only_failed=True, force=False)
    settings: dict[str, Any] = loading.usable(options, workspace.settings, run_id)
    pipeline = loading.load_pipeline(options.pipeline, workspace.settings, settings)
    return submit(pipeline, options, workspace, parent_id=run_id, origin=origin, also=also)
