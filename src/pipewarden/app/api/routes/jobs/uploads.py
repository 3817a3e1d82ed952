"""Files that become a job: kept on disk, then a folder like any other."""

from __future__ import annotations

import fnmatch
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge import bodies, forms
from pipewarden.app.api.edge.access import Operator
from pipewarden.app.api.edge.forms import File, Form
from pipewarden.app.api.edge.problems import Problem, documented
from pipewarden.app.api.routes.jobs.runs import ACCEPTED
from pipewarden.app.api.service import Executor, Served, Service, origin_of
from pipewarden.app.api.submitting import IdempotencyKey, submitted
from pipewarden.app.api.views import JobView
from pipewarden.core.jobs import Job
from pipewarden.engine.pipeline import Pipeline
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.queue import uploads
from pipewarden.jobs.queue.submission import Also, Origin, submit

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

#: The field of the form that holds a file; it may come again and again.
_FILE = "file"


def _object(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from error


class UploadRequest(BaseModel):
    """What a form says beside its files."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    pipeline: str = Field(default="", description="Its name; may be left out where one is offered.")
    run_name: str = Field(default="", max_length=100)
    settings: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(
        default_factory=dict, description="The pipeline's own, as a JSON object."
    )
    judged: bool = Field(default=True, alias="validate", description="Whether the gate is on.")
    executor: Executor = None


def _described() -> dict[str, Any]:
    schema = UploadRequest.model_json_schema()
    files = {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
    schema["properties"] |= {
        _FILE: {**files, "description": "The files, each a part of its own with its name."}
    }
    schema["required"] = [_FILE]
    return {"requestBody": {"required": True, "content": {forms.FORM: {"schema": schema}}}}


@router.post(
    "/upload",
    status_code=202,
    response_model=JobView,
    responses={**documented(400, 408, 409, 413, 415, 422), **ACCEPTED},
    openapi_extra=_described(),
)
async def upload(
    request: Request, caller: Operator, service: Served, idempotency_key: IdempotencyKey = None
) -> Response:
    """Keep files, and leave them to a job of a pipeline whose items are files.

    They are written to disk as they come, and become a job all together or not at all.
    """
    limits = service.settings.service
    bodies.require(request, forms.FORM)
    folder = await run_in_threadpool(uploads.receiving, service.workspace)
    try:
        form = await forms.received(
            bodies.chunks(request, limits.upload_bytes),
            request.headers["content-type"],
            folder,
            name=_FILE,
            most=limits.job_documents,
        )
        asked = _asked(form)
        origin = origin_of(request, caller.name)

        def make(also: Also) -> Job:
            return _submit(service, asked, folder, form.files, origin, also)

        return await submitted(request, service, caller, idempotency_key, _digest(form), make)
    finally:
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)


def _asked(form: Form) -> UploadRequest:
    if not form.files:
        raise Problem(422, "no_files", f"the form holds no file named {_FILE!r}")
    try:
        return UploadRequest.model_validate(form.values)
    except ValidationError as error:
        raise bodies.invalid(error) from error


def _digest(form: Form) -> str:
    """Return the SHA-256 of all that a form says; its boundary and its order say nothing."""
    files = sorted([file.name, file.sha256] for file in form.files)
    told = orjson.dumps([form.values, files], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(told + b"\0upload").hexdigest()


def _submit(
    service: Service,
    asked: UploadRequest,
    folder: Path,
    files: Sequence[File],
    origin: Origin,
    also: Also,
) -> Job:
    reference, pipeline = service.pipeline(asked.pipeline, asked.settings)
    _takes(pipeline, files)
    executor = service.executor(asked.executor)
    held = service.settings
    workspace = service.workspace
    source = uploads.keep(workspace, folder, pipeline.name).absolute()
    # Of its own, for another upload may bring files of the same names; no pipeline's has a dot.
    outputs = workspace.data_dir / "processed" / f"{pipeline.name}.uploads" / source.name
    options = RunOptions(
        pipeline=reference,
        source=str(source),
        output_dir=str(outputs.absolute()),
        validate=asked.judged,
        executor=executor,
        workers=held.workers,
        lock_timeout=held.lock_timeout,
        settings=asked.settings or None,
    )
    try:
        return submit(
            pipeline, options, workspace, run_name=asked.run_name, origin=origin, also=also
        )
    except BaseException:
        uploads.discard(source)
        raise


def _takes(pipeline: Pipeline, files: Sequence[File]) -> None:
    """Refuse files that the job would not look at.

    Raises
    ------
    Problem
        422.
    """
    if pipeline.records:
        detail = f"pipeline {pipeline.name!r} takes documents: see POST /v1/documents/batch"
        raise Problem(422, "takes_documents", detail)
    strange = [
        file.name
        for file in files
        if not any(fnmatch.fnmatchcase(file.name, pattern) for pattern in pipeline.patterns)
    ]
    if strange:
        taken = ", ".join(pipeline.patterns)
        detail = f"{strange[0]!r} is no file that pipeline {pipeline.name!r} takes: {taken}"
        raise Problem(422, "file_not_taken", detail)
