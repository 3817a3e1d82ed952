"""Bodies of requests: read as they come, never more than is allowed, and never parsed in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from pipewarden.app.api.edge.problems import Problem

JSON = "application/json"
LINES = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
#: Bodies larger than this are parsed in a thread.
_AT_ONCE = 64 << 10
#: Seconds without a byte after which a body is given up.
_SILENCE = 30.0

Model = TypeVar("Model", bound=BaseModel)


def media_type(request: Request) -> str:
    """Return the body's media type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require(request: Request, *allowed: str) -> None:
    """Refuse a body that is not of one of these types.

    Raises
    ------
    Problem
        415.
    """
    if media_type(request) not in allowed:
        raise Problem(415, "media_type", f"the body must be {' or '.join(allowed)}")


async def chunks(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """Yield the body as it comes.

    Raises
    ------
    Problem
        413: it is longer than ``limit`` bytes. 408: nothing came for too long.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise _too_large(limit)
    held, more = 0, True
    while more:
        try:
            async with asyncio.timeout(_SILENCE):  # wait_for would start a task for each chunk
                message = await request.receive()
        except TimeoutError:
            raise Problem(408, "body_timeout", "the body did not arrive in time") from None
        if message["type"] == "http.disconnect":
            raise Problem(400, "disconnected", "the body ended before its end")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        held += len(chunk)
        if held > limit:
            raise _too_large(limit)
        if chunk:
            yield chunk


def _too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"the body is longer than {limit:,} bytes")


async def whole(request: Request, limit: int) -> bytes:
    """Return the body; see `chunks`."""
    return b"".join([chunk async for chunk in chunks(request, limit)])


async def parsed(request: Request, model: type[Model], limit: int) -> tuple[Model, bytes]:
    """Return a JSON body as a model, and as it came.

    Raises
    ------
    Problem
        400: it is not JSON. 413, 408: see `chunks`. 415: it does not say that it is JSON. 422: it
        does not hold.
    """
    require(request, JSON)
    body = await whole(request, limit)
    if len(body) > _AT_ONCE:
        return await run_in_threadpool(_parsed, model, body), body
    return _parsed(model, body), body


def _parsed(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise Problem(400, "not_json", f"the body is not JSON: {error}") from error
    except ValidationError as error:
        raise invalid(error) from error


def invalid(error: ValidationError) -> Problem:
    """Return what a body that does not hold is answered with; no value is repeated."""
    rows = error.errors(include_input=False, include_url=False, include_context=False)
    errors = [
        {"at": ".".join(map(str, ("body", *row["loc"]))), "message": row["msg"]} for row in rows
    ]
    detail = "; ".join(f"{row['at']}: {row['message']}" for row in errors[:5])
    return Problem(422, "invalid_request", detail, errors=errors)


async def lines(stream: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes | None]:
    """Yield the lines of a body without their ends; empty ones are left out.

    A line longer than ``limit`` bytes is None, and not kept in memory.
    """
    held, dropped = bytearray(), False
    async for chunk in stream:
        held += chunk
        *whole_lines, rest = bytes(held).split(b"\n")
        for line in whole_lines:
            if dropped or len(line) > limit:
                yield None
            elif line.strip():
                yield line
            dropped = False
        held = bytearray(rest)
        if len(held) > limit:
            held, dropped = bytearray(), True
    if dropped or len(held) > limit:
        yield None
    elif held.strip():
        yield bytes(held)


def described(model: type[BaseModel], *, also_lines: str = "", required: bool = True) -> Any:
    """Return how OpenAPI describes a body that is parsed here."""
    content: dict[str, Any] = {JSON: {"schema": model.model_json_schema()}}
    if also_lines:
        schema = {"type": "string", "description": also_lines}
        content |= {LINES[0]: {"schema": schema}}
    return {"requestBody": {"required": required, "content": content}}


async def form_file(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Return the content of a form's field ``file``, which was put on disk as it came.

    Raises
    ------
    Problem
        413: the body is longer than ``limit`` bytes. 422: it is no form, or has no such file.
    """
    stream = chunks(request, limit)
    try:
        form = await MultiPartParser(request.headers, stream, max_files=1, max_fields=8).parse()
    except (MultiPartException, KeyError) as error:
        raise Problem(422, "invalid_form", f"the form cannot be read: {error}") from error
    file = form.get("file")
    if not isinstance(file, UploadFile):
        await form.close()
        raise Problem(422, "invalid_form", "the form has no file named 'file'")

    async def content() -> AsyncIterator[bytes]:
        try:
            # Nobody else notices that the caller is gone: the body is whole.
            while (chunk := await file.read(_AT_ONCE)) and not await request.is_disconnected():
                yield chunk
        finally:
            await form.close()

    return content()
