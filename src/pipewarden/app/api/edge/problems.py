"""Errors as problem details (RFC 9457): what happened in words, never where in the code."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pipewarden.errors import (
    Conflict,
    DependencyUnavailable,
    MissingExtra,
    PipewardenError,
    StateError,
    UnknownName,
    UsageError,
)
from pipewarden.settings import redact_text

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
#: What a problem's type begins with; the code follows.
_TYPE = "urn:pipewarden:problem:"
_TITLES = {
    400: "The request cannot be read",
    401: "An API key is needed",
    403: "Not allowed",
    404: "There is no such thing",
    405: "That cannot be done with it",
    406: "No such form of answer",
    408: "The request took too long to arrive",
    409: "Not possible in the present state",
    411: "The length is not said",
    413: "Too large",
    415: "Not a form that is read",
    422: "What was asked for does not hold",
    429: "Too many requests",
    500: "A fault of the service",
    503: "Not available now",
    504: "It took too long",
}


class FieldError(BaseModel):
    """What is wrong with one part of a request."""

    at: str = Field(description="Where: `body.source`, `query.limit`; empty for the whole.")
    message: str


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(description="What kind of problem, as a URN.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The HTTP status again.")
    detail: str = Field(description="What happened, to what.")
    code: str = Field(description="The last part of the type.")
    request_id: str = Field(description="To be quoted when asking about it.")
    next_step: str | None = Field(None, description="What can be done about it.")
    reason: str | None = Field(None, description="Why a document was not taken, as a code.")
    errors: list[FieldError] | None = Field(None, description="What is wrong, part by part.")


class Problem(Exception):
    """An error that a route answers with.

    Parameters
    ----------
    status
        The HTTP status.
    code
        Snake case; names the kind.
    detail
        A sentence.
    headers
        Such as ``Retry-After``.
    more
        Other members of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more


def response(problem: Problem, request_id: str) -> Response:
    """Return the answer that a problem is."""
    held = {
        "type": f"{_TYPE}{problem.code}",
        "title": _TITLES.get(problem.status, "An error"),
        "status": problem.status,
        "detail": redact_text(problem.detail),
        "code": problem.code,
        "request_id": request_id,
        **{name: value for name, value in problem.more.items() if value},
    }
    return Response(
        orjson.dumps(held),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def of_error(error: PipewardenError) -> Problem:
    """Return the problem that an error of ours is to an HTTP client."""
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in type(error).__name__).strip("_")
    more: dict[str, Any] = {"next_step": error.next_step}
    if isinstance(error, UnknownName):
        return Problem(404, name, error.message, **more)
    if isinstance(error, (MissingExtra, DependencyUnavailable)):
        return Problem(503, name, error.message, headers={"Retry-After": "5"}, **more)
    if isinstance(error, UsageError):
        return Problem(422, name, error.message, **more)
    if isinstance(error, Conflict):
        return Problem(409, name, error.message, **more)
    if isinstance(error, StateError):
        return Problem(500, name, error.message, **more)
    return Problem(500, "internal", "the service met something it does not know; see its log")


def _of_validation(error: RequestValidationError) -> Problem:
    rows = error.errors()
    errors = [{"at": ".".join(map(str, row["loc"])), "message": row["msg"]} for row in rows]
    detail = "; ".join(f"{row['at']}: {row['message']}" for row in errors)
    return Problem(422, "invalid_request", detail, errors=errors)


def handlers() -> dict[Any, Any]:
    """Return what answers each kind of exception."""

    def request_id(request: Request) -> str:
        return str(getattr(request.state, "request_id", ""))

    async def problem(request: Request, error: Problem) -> Response:
        return response(error, request_id(request))

    async def ours(request: Request, error: PipewardenError) -> Response:
        held = of_error(error)
        if held.status >= 500:
            log.error("request failed", exc_info=error, extra={"request_id": request_id(request)})
        return response(held, request_id(request))

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return response(_of_validation(error), request_id(request))

    async def http(request: Request, error: HTTPException) -> Response:
        code = {404: "no_such_path", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        held = Problem(error.status_code, code, str(error.detail), headers=error.headers)
        return response(held, request_id(request))

    return {
        Problem: problem,
        PipewardenError: ours,
        RequestValidationError: invalid,
        HTTPException: http,
    }


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route for OpenAPI: these, and what every route may answer."""
    every = sorted({*statuses, 401, 403, 429, 500, 503})
    return {
        status: {
            "description": _TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status in every
    }
