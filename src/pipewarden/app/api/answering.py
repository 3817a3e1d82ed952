"""What document processes answer: counted, timed, and handed to the sinks that a request names."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import Request

from pipewarden.app.api.edge.problems import Problem
from pipewarden.app.api.service import Service
from pipewarden.app.api.work.handing import delivery_of
from pipewarden.app.api.work.pool import Answer, Crowded, Lost, Overdue
from pipewarden.jobs.queue import tracing

_BUSY = {"Retry-After": "1"}


async def handed(request: Request, service: Service, answers: Sequence[Answer]) -> list[bytes]:
    """Hand what was accepted to the sinks that the request names; return the results that say so.

    Raises
    ------
    PipewardenError
        A sink is down, and what it lacks cannot be kept; see `Handing.hand`.
    """
    names = answers[0][0]["sinks"]
    if not names:
        return [payload for _, payload in answers]
    at, request_id = service.workspace.clock(), request.state.request_id
    deliveries = [
        delivery_of(told["made"], _document(told, payload), request_id=request_id, at=at)
        for told, payload in answers
        if "made" in told
    ]
    began = time.perf_counter()
    fates = iter(await service.handing.hand(names, deliveries))
    service.metrics.stage(answers[0][0]["pipeline"], "sinks", time.perf_counter() - began)
    return [
        payload[:-1] + b',"sinks":' + orjson.dumps(next(fates) if "made" in told else {}) + b"}"
        for told, payload in answers
    ]


def _document(told: Mapping[str, Any], payload: bytes) -> bytes:
    """Return the document of a result, which it ends with."""
    return payload[-1 - told["document_bytes"] : -1]


async def asked(service: Service, header: Mapping[str, Any], payload: bytes) -> Answer:
    """Return what a document process answers, counted and timed.

    Raises
    ------
    Problem
        503: too many wait, or the document lost its process twice. 504: its time was over.
    """
    began, outcome = time.perf_counter(), "refused"
    try:
        answer = await service.pool.ask({**header, "trace": tracing.current()}, payload)
        told = answer[0]
        outcome = told.get("outcome", "refused")
        if "seconds" in told:
            waited = time.perf_counter() - began - told["seconds"]
            service.metrics.stage(told["pipeline"], "waiting", max(0.0, waited))
            service.metrics.stage(told["pipeline"], "work", told["seconds"])
        return answer
    except Crowded:
        detail = "more documents wait than this service lets wait"
        raise Problem(503, "crowded", detail, headers=_BUSY) from None
    except Overdue:
        seconds = service.settings.service.request_seconds
        raise Problem(504, "timeout", f"the document took longer than {seconds:g} s") from None
    except Lost:
        outcome = "errored"
        detail = "the document ended the process that worked on it, twice"
        raise Problem(422, "document_errored", detail, reason="worker_lost") from None
    finally:
        service.metrics.documents.labels(outcome).inc()
        service.metrics.document_seconds.observe(time.perf_counter() - began)


def refused(payload: bytes) -> Problem:
    """Return the problem that a document process answered with."""
    held = orjson.loads(payload)
    status, code, detail = held.pop("status"), held.pop("code"), held.pop("detail")
    headers = {"Retry-After": "30"} if status == 503 else {}
    return Problem(status, code, detail, headers=headers, **held)
