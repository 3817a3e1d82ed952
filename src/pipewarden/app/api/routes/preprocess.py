"""Documents that are processed while the caller waits.

Nothing of them is stored, but by the sinks that a request names.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive, Scope, Send

from pipewarden.app.api import answering
from pipewarden.app.api.edge import bodies
from pipewarden.app.api.edge.access import Operator
from pipewarden.app.api.edge.problems import Problem, documented
from pipewarden.app.api.service import Served, Service
from pipewarden.app.api.views import BatchView, ResultView
from pipewarden.app.api.work.handing import SinkNames
from pipewarden.app.api.work.process import PreprocessRequest

router = APIRouter(prefix="/v1/preprocess", tags=["documents"])

_LINES = bodies.LINES[0]


class BatchRequest(BaseModel):
    """A few documents to be processed now."""

    model_config = ConfigDict(extra="forbid")

    pipeline: str = Field(
        default="",
        description="Its name; may be left out where one that takes documents is offered.",
    )
    documents: list[dict[str, Any]] = Field(min_length=1)
    overrides: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the pipeline for this request."
    )
    sinks: SinkNames = Field(default_factory=list)


@router.post(
    "",
    response_model=ResultView,
    responses=documented(400, 408, 413, 415, 422, 504),
    openapi_extra=bodies.described(PreprocessRequest),
)
async def preprocess(request: Request, _: Operator, service: Served) -> Response:
    """Process one document and answer with it.

    200 with the outcome `rejected` is a document that the gate refuses; 422 is one that cannot be
    processed at all. What sinks are named get the document where it is accepted; the answer says of
    each whether it is `delivered`, is `spooled` until the sink answers, or was `refused` by it.
    """
    bodies.require(request, bodies.JSON)
    body = await bodies.whole(request, service.settings.service.document_bytes)
    answer = await answering.asked(service, {"kind": "request"}, body)
    if answer[0]["status"] != 200:
        raise answering.refused(answer[1])
    (payload,) = await answering.handed(request, service, [answer])
    return Response(payload, media_type=bodies.JSON)


@router.post(
    "/batch",
    response_model=BatchView,
    responses=documented(400, 408, 413, 415, 422, 504),
    openapi_extra=bodies.described(BatchRequest),
)
async def batch(request: Request, _: Operator, service: Served) -> Response:
    """Process a few documents and answer with all of them, in their order.

    Sinks are handed what is accepted, all of it together.
    """
    limits = service.settings.service
    asked, _body = await bodies.parsed(request, BatchRequest, limits.body_bytes)
    if len(asked.documents) > limits.batch_documents:
        detail = (
            f"{len(asked.documents):,} documents; at most {limits.batch_documents:,} are answered "
            "at once: send them to /v1/documents/batch"
        )
        raise Problem(413, "batch_too_large", detail)
    header = {
        "kind": "document",
        "pipeline": asked.pipeline,
        "overrides": asked.overrides,
        "sinks": asked.sinks,
    }
    documents = [orjson.dumps(document) for document in asked.documents]
    asks = [asyncio.ensure_future(answering.asked(service, header, one)) for one in documents]
    try:
        answers = await asyncio.gather(*asks)
    finally:
        for ask in asks:
            ask.cancel()
    for told, payload in answers:
        if told["status"] != 200:
            raise answering.refused(payload)
    counts = orjson.dumps(Counter(told["outcome"] for told, _ in answers))
    results = b",".join(await answering.handed(request, service, answers))
    return Response(
        b'{"results":[' + results + b'],"counts":' + counts + b"}", media_type=bodies.JSON
    )


@router.post(
    "/batch-file",
    response_class=StreamingResponse,
    responses={
        **documented(400, 408, 413, 415, 422),
        200: {
            "description": "A result for each line, in their order, as they are made.",
            "content": {_LINES: {"schema": {"type": "string"}}},
        },
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                _LINES: {"schema": {"type": "string", "description": "A document a line."}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
                },
            },
        }
    },
)
async def batch_file(
    request: Request,
    _: Operator,
    service: Served,
    pipeline: Annotated[str, Query(description="Its name.")] = "",
    overrides: Annotated[str, Query(description="Settings of the pipeline, as JSON.")] = "{}",
) -> StreamingResponse:
    """Process an upload of JSON lines and stream a result for each, in their order.

    What is wrong with a line is told in its place; the rest goes on.
    """
    asked = _overrides(overrides)
    if pipeline and pipeline not in service.offered:
        known = ", ".join(service.offered)
        raise Problem(422, "unknown_pipeline", f"no pipeline {pipeline!r} here; offered: {known}")
    stream = await _uploaded(request, service)
    lines = bodies.lines(stream, service.settings.service.document_bytes)
    header = {"kind": "document", "pipeline": pipeline, "overrides": asked}
    first = await _first(service, header, lines)
    return _Streamed(first, media_type=_LINES)


class _Streamed(StreamingResponse):
    """An answer that begins while its request still comes in.

    The framework's own listens for a caller that hangs up, and takes the rest of the body away
    while it does. Here whoever reads the body finds out.
    """

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the answer."""
        await self.stream_response(send)


def _overrides(text: str) -> dict[str, Any]:
    try:
        held = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Problem(422, "invalid_request", f"query.overrides is not JSON: {error}") from error
    if not isinstance(held, dict):
        raise Problem(422, "invalid_request", "query.overrides is not a JSON object")
    return held


async def _uploaded(request: Request, service: Service) -> AsyncIterator[bytes]:
    limit = service.settings.service.upload_bytes
    if bodies.media_type(request) in bodies.LINES:
        return bodies.chunks(request, limit)
    bodies.require(request, _LINES, "multipart/form-data")
    return await bodies.form_file(request, limit)


async def _first(
    service: Service, header: Mapping[str, Any], lines: AsyncIterator[bytes | None]
) -> AsyncIterator[bytes]:
    """Return the results, once the first one shows that the request as a whole holds."""
    results = _results(service, header, lines)
    try:
        first = await anext(results)
    except StopAsyncIteration:
        raise Problem(422, "no_documents", "the upload holds no document") from None

    async def all_of_them() -> AsyncIterator[bytes]:
        yield first
        async for result in results:
            yield result

    return all_of_them()


async def _results(
    service: Service, header: Mapping[str, Any], lines: AsyncIterator[bytes | None]
) -> AsyncIterator[bytes]:
    """Yield a line for each line, in order, with a bounded number of documents on their way."""
    ahead = 4 * service.settings.service.workers
    asks: deque[asyncio.Future[bytes]] = deque()
    begun = False
    try:
        try:
            async for line in lines:
                asks.append(asyncio.ensure_future(_line(service, header, line, strict=not begun)))
                begun = True
                while asks and (len(asks) >= ahead or asks[0].done()):
                    yield await asks.popleft()
        except Problem as problem:  # the upload broke off; what came is answered
            if not begun:
                raise
            while asks:
                yield await asks.popleft()
            yield _told(problem.code, problem.detail)
        while asks:
            yield await asks.popleft()
    finally:
        for ask in asks:
            ask.cancel()


async def _line(
    service: Service, header: Mapping[str, Any], line: bytes | None, *, strict: bool
) -> bytes:
    """Return the result of one line; ``strict`` raises what every other line would suffer too."""
    if line is None:
        limit = service.settings.service.document_bytes
        return _told("too_long", f"the line is longer than {limit:,} bytes")
    try:
        told, payload = await answering.asked(service, header, line)
    except Problem as problem:
        return _told(problem.code, problem.detail)
    if told["status"] == 200:
        return payload + b"\n"
    refused = answering.refused(payload)
    if strict and refused.code != "not_json":
        raise refused
    return _told(refused.code, refused.detail)


def _told(reason: str, message: str) -> bytes:
    rejected = reason in ("not_json", "too_long")
    held = ResultView(
        key="document",
        outcome="rejected" if rejected else "errored",
        verdict=None,
        reason=reason,
        message=message,
        seconds=0.0,
        document=None,
    )
    return orjson.dumps(held.model_dump(), option=orjson.OPT_APPEND_NEWLINE)
