"""Jobs: submitted, listed, watched, paused, resumed and cancelled; the same as by command."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge import bodies
from pipewarden.app.api.edge.access import Caller, Operator, Viewer
from pipewarden.app.api.edge.problems import Problem, documented
from pipewarden.app.api.service import Executor, Served, Service, origin_of
from pipewarden.app.api.submitting import IdempotencyKey, submitted
from pipewarden.app.api.views import (
    ItemPageView,
    ItemView,
    JobDetailView,
    JobEventView,
    JobPageView,
    JobStatusView,
    JobView,
)
from pipewarden.core.items import Outcome
from pipewarden.core.jobs import Job, JobStatus
from pipewarden.jobs import requests
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue.pace import pace
from pipewarden.jobs.queue.submission import Also, Origin, retry as retry_job, submit
from pipewarden.jobs.workspace import Workspace

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_MOST = 1_000
_Limit = Annotated[int, Query(ge=1, le=_MOST, description="At most so many.")]
_Offset = Annotated[int, Query(ge=0, le=2**40, description="Leave out so many first.")]
#: What a submission is answered with.
ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "The job, which waits.",
        "headers": {"Location": {"description": "Where it is.", "schema": {"type": "string"}}},
    }
}


class JobRequest(BaseModel):
    """A run to be left to a runner service; each option is one of `pipewarden run`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    pipeline: str = Field(default="", description="Its name; may be left out where one is offered.")
    source: str = Field(
        min_length=1, max_length=4096, description="A folder or file below an allowed root."
    )
    run_name: str = Field(default="", max_length=100)
    settings: dict[str, Any] = Field(default_factory=dict, description="The pipeline's own.")
    incremental: bool = True
    judged: bool = Field(default=True, alias="validate", description="Whether the gate is on.")
    prune_deleted: bool = False
    only_failed: bool = False
    force: bool = False
    rehash: bool = False
    require_outputs: bool = False
    executor: Executor = None
    workers: int | None = Field(default=None, ge=1, le=256)
    limit: int | None = Field(default=None, ge=1, le=2**31)
    pattern: str = Field(default="", max_length=255)


class Reason(BaseModel):
    """Why; it is kept in the history and the ledger."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=1000)


class ItemStatus(StrEnum):
    """Which items of a job to list."""

    ALL = "all"
    #: Both kinds of quarantined items.
    FAILED = "failed"
    PUBLISHED = "published"
    REJECTED = "rejected"
    ERRORED = "errored"
    DEFERRED = "deferred"


@router.post(
    "",
    status_code=202,
    response_model=JobView,
    responses={**documented(400, 408, 409, 413, 415, 422), **ACCEPTED},
    openapi_extra=bodies.described(JobRequest),
)
async def create(
    request: Request, caller: Operator, service: Served, idempotency_key: IdempotencyKey = None
) -> Response:
    """Leave a run over a folder or file of the server to a runner service."""
    asked, body = await bodies.parsed(request, JobRequest, service.settings.service.body_bytes)
    origin = origin_of(request, caller.name)

    def make(also: Also) -> Job:
        return _submit(service, asked, origin, also)

    fingerprint = hashlib.sha256(body + b"\0jobs").hexdigest()
    return await submitted(request, service, caller, idempotency_key, fingerprint, make)


def _submit(service: Service, asked: JobRequest, origin: Origin, also: Also) -> Job:
    source = _allowed(service, asked.source)
    reference, pipeline = service.pipeline(asked.pipeline, asked.settings)
    held = service.settings
    options = RunOptions(
        pipeline=reference,
        source=str(source),
        incremental=asked.incremental,
        validate=asked.judged,
        prune_deleted=asked.prune_deleted,
        only_failed=asked.only_failed,
        force=asked.force,
        rehash=asked.rehash,
        require_outputs=asked.require_outputs,
        executor=service.executor(asked.executor),
        workers=asked.workers or held.workers,
        limit=asked.limit,
        pattern=asked.pattern,
        settings=asked.settings or None,
        lock_timeout=held.lock_timeout,
    )
    return submit(
        pipeline, options, service.workspace, run_name=asked.run_name, origin=origin, also=also
    )


def _allowed(service: Service, source: str) -> Path:
    """Return a source below an allowed root, links followed; of others nothing is told.

    Raises
    ------
    Problem
        403.
    """
    roots = service.settings.service.source_roots
    refused = Problem(
        403, "source_not_allowed", "the source is not below a folder that requests may name"
    )
    try:
        path = Path(source).resolve()
        held = [service.settings.in_home(root).resolve() for root in roots]
    except (OSError, ValueError, RuntimeError):
        raise refused from None
    if not Path(source).is_absolute() or not any(path.is_relative_to(root) for root in held):
        raise refused
    return path


@router.get("", response_model=JobPageView, responses=documented(422))
def listed(
    _: Viewer,
    service: Served,
    status: Annotated[JobStatus | None, Query(description="Only of this status.")] = None,
    pipeline: Annotated[str | None, Query(description="Only of this pipeline.")] = None,
    source: Annotated[str | None, Query(description="Only of this source.")] = None,
    since: Annotated[datetime | None, Query(description="Only those made since.")] = None,
    limit: _Limit = 50,
    offset: _Offset = 0,
) -> JobPageView:
    """List jobs, newest first, with the true total."""
    try:
        after = None if since is None else _aware(since)
    except OverflowError:
        raise Problem(422, "invalid_request", "query.since is out of range") from None
    page = requests.list_jobs(
        service.workspace,
        status=status,
        pipeline=pipeline,
        source=source,
        since=after,
        limit=limit,
        offset=offset,
    )
    views = [JobView.of(job) for job in page.jobs]
    return JobPageView(jobs=views, total=page.total, limit=limit, offset=offset)


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


@router.get("/{job_id}", response_model=JobDetailView, responses=documented(404, 422))
def one(_: Viewer, service: Served, job_id: str) -> JobDetailView:
    """Show a job and its history."""
    job = requests.find(service.workspace, job_id)
    events = requests.history(service.workspace, job_id)
    return JobDetailView(job=JobView.of(job), history=[JobEventView.of(event) for event in events])


@router.get("/{job_id}/status", response_model=JobStatusView, responses=documented(404, 422))
def status(_: Viewer, service: Served, job_id: str) -> JobStatusView:
    """Tell how far a job is, how fast, and what it takes."""
    job = requests.find(service.workspace, job_id)
    held = requests.sinks_of(service.workspace, job)
    return JobStatusView.of(job, pace(service.workspace, job), held)


@router.get("/{job_id}/items", response_model=ItemPageView, responses=documented(404, 422))
def items(
    _: Viewer,
    service: Served,
    job_id: str,
    status: Annotated[ItemStatus, Query(description="Which.")] = ItemStatus.ALL,
    limit: _Limit = 50,
    offset: _Offset = 0,
) -> ItemPageView:
    """List what became of a job's items."""
    page = requests.item_page(
        service.workspace, job_id, outcomes=_outcomes(status), limit=limit, offset=offset
    )
    views = [ItemView.of(item) for item in page.items]
    return ItemPageView(items=views, total=page.total, limit=limit, offset=offset)


def _outcomes(status: ItemStatus) -> tuple[Outcome, ...]:
    if status is ItemStatus.FAILED:
        return (Outcome.REJECTED, Outcome.ERRORED)
    return () if status is ItemStatus.ALL else (Outcome(status.value),)


_Ask = Callable[[Workspace, str, str, str], Job]


async def _ask(
    request: Request, service: Service, caller: Caller, job_id: str, ask: _Ask
) -> JobView:
    reason = ""
    if request.headers.get("content-length", "0") != "0" or bodies.media_type(request):
        held, _ = await bodies.parsed(request, Reason, service.settings.service.body_bytes)
        reason = held.reason
    job = await run_in_threadpool(ask, service.workspace, job_id, reason, caller.name)
    return JobView.of(job)


_REASON = {
    "response_model": JobView,
    "responses": documented(400, 404, 408, 409, 413, 415, 422),
    "openapi_extra": bodies.described(Reason, required=False),
}


@router.post("/{job_id}/pause", **_REASON)
async def pause(request: Request, caller: Operator, service: Served, job_id: str) -> JobView:
    """Ask a job to pause after the items in work; one that nobody runs pauses at once."""
    return await _ask(request, service, caller, job_id, requests.pause)


@router.post("/{job_id}/resume", **_REASON)
async def resume(request: Request, caller: Operator, service: Served, job_id: str) -> JobView:
    """Leave a paused, cancelled or failed job to a runner service, which goes on with it."""
    return await _ask(request, service, caller, job_id, requests.requeue)


@router.post("/{job_id}/cancel", **_REASON)
async def cancel(request: Request, caller: Operator, service: Served, job_id: str) -> JobView:
    """Ask a job to end; what it finished stays finished."""
    return await _ask(request, service, caller, job_id, requests.cancel)


@router.post(
    "/{job_id}/retry",
    status_code=202,
    response_model=JobView,
    responses={**documented(404, 409, 422), **ACCEPTED},
)
async def retry(
    request: Request,
    caller: Operator,
    service: Served,
    job_id: str,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Leave what a job quarantined to a new job."""
    origin = origin_of(request, caller.name)

    def make(also: Also) -> Job:
        return retry_job(service.workspace, job_id, origin=origin, also=also)

    fingerprint = hashlib.sha256(f"{job_id}\0retry".encode()).hexdigest()
    return await submitted(request, service, caller, idempotency_key, fingerprint, make)
