"""Documents that become a job: kept on disk, then a source like any other."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge import bodies
from pipewarden.app.api.edge.access import Operator
from pipewarden.app.api.edge.problems import Problem, documented
from pipewarden.app.api.service import Executor, Served, Service, origin_of
from pipewarden.app.api.submitting import IdempotencyKey, submitted
from pipewarden.app.api.views import JobView
from pipewarden.core.jobs import Job
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue import uploads
from pipewarden.jobs.queue.submission import Also, Origin, submit
from pipewarden.store.files.spooling import spool

router = APIRouter(prefix="/v1/documents", tags=["documents"])

_LINES = bodies.LINES[0]


class DocumentsRequest(BaseModel):
    """Documents to be processed by a job."""

    model_config = ConfigDict(extra="forbid")

    pipeline: str = Field(
        default="",
        description="Its name; may be left out where one that takes documents is offered.",
    )
    documents: list[dict[str, Any]] = Field(min_length=1)
    settings: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the pipeline for this job."
    )
    executor: Executor = None


@router.post(
    "/batch",
    status_code=202,
    response_model=JobView,
    responses={
        **documented(400, 408, 409, 413, 415, 422),
        202: {"description": "The job, which waits.", "headers": {"Location": {
            "description": "Where the job is.", "schema": {"type": "string"}}}},
    },
    openapi_extra=bodies.described(DocumentsRequest, also_lines="A document a line."),
)  # fmt: skip
async def batch(
    request: Request,
    caller: Operator,
    service: Served,
    idempotency_key: IdempotencyKey = None,
    pipeline: Annotated[str, Query(description="Its name, where the body is lines.")] = "",
    executor: Annotated[Executor, Query(description="Where the body is lines; see there.")] = None,
) -> Response:
    """Keep documents, and leave them to a job.

    As `application/json` up to the limit of a body; as `application/x-ndjson` they are written to
    disk as they come.
    """
    limits = service.settings.service
    with tempfile.TemporaryFile() as file:
        if bodies.media_type(request) in bodies.LINES:
            digest = await _received(request, file, limits.upload_bytes)
            records: Iterable[Mapping[str, Any]] = _of_lines(file, limits.job_documents)
            name, settings, workers = pipeline, dict[str, Any](), executor
        else:
            asked, body = await bodies.parsed(request, DocumentsRequest, limits.body_bytes)
            if len(asked.documents) > limits.job_documents:
                raise _too_many(limits.job_documents)
            digest, records = hashlib.sha256(body), asked.documents
            name, settings = asked.pipeline or pipeline, asked.settings
            workers = asked.executor or executor
        digest.update(f"\0{bodies.media_type(request)}\0{name}\0{workers or ''}".encode())
        origin = origin_of(request, caller.name)

        def make(also: Also) -> Job:
            return _submit(service, name, settings, workers, records, origin, also)

        return await submitted(request, service, caller, idempotency_key, digest.hexdigest(), make)


async def _received(request: Request, file: IO[bytes], limit: int) -> Any:
    """Write the body to a file as it comes; return its digest."""
    digest = hashlib.sha256()
    async for chunk in bodies.chunks(request, limit):
        digest.update(chunk)
        await run_in_threadpool(file.write, chunk)
    file.seek(0)
    return digest


def _of_lines(file: IO[bytes], limit: int) -> Iterator[Mapping[str, Any]]:
    number = 0
    for line in file:
        if not line.strip():
            continue
        number += 1
        if number > limit:
            raise _too_many(limit)
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            detail = f"line {number} is not JSON: {error}"
            raise Problem(422, "invalid_request", detail) from error
        if not isinstance(record, dict):
            raise Problem(422, "invalid_request", f"line {number} is no JSON object")
        yield record
    if not number:
        raise Problem(422, "no_documents", "the body holds no document")


def _too_many(limit: int) -> Problem:
    return Problem(413, "batch_too_large", f"a job takes at most {limit:,} documents")


def _submit(
    service: Service,
    name: str,
    settings: Mapping[str, Any],
    executor: str | None,
    records: Iterable[Mapping[str, Any]],
    origin: Origin,
    also: Also,
) -> Job:
    reference, pipeline = service.pipeline(name, settings, documents=True)
    if not pipeline.records:
        detail = f"pipeline {pipeline.name!r} takes files, not documents; see POST /v1/jobs"
        raise Problem(422, "takes_files", detail)
    executor = service.executor(executor)
    path = spool(records, uploads.new(service.workspace, pipeline.name))
    held = service.settings
    options = RunOptions(
        pipeline=reference,
        source=str(Path(path).absolute()),
        executor=executor,
        workers=held.workers,
        lock_timeout=held.lock_timeout,
        settings=dict(settings) or None,
    )
    try:
        return submit(pipeline, options, service.workspace, origin=origin, also=also)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
