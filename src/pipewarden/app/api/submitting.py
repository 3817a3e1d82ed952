"""Requests that submit a job: done once, however often they come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import Header, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge.access import Caller
from pipewarden.app.api.edge.problems import Problem
from pipewarden.app.api.service import Service
from pipewarden.app.api.views import JobView
from pipewarden.core.jobs import Job
from pipewarden.errors import Conflict
from pipewarden.jobs.queue.submission import Also
from pipewarden.store.state.service import idempotency
from pipewarden.store.state.service.idempotency import Answer

if TYPE_CHECKING:
    from sqlalchemy import Connection

Make = Callable[[Also], Job]

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="A text of your own, unique for each submission. The same request again is "
        "answered as before and submits nothing; another one with it is refused with 422.",
        max_length=255,
    ),
]


async def submitted(
    request: Request,
    service: Service,
    caller: Caller,
    key: str | None,
    fingerprint: str,
    make: Make,
) -> Response:
    """Return the answer to a submission: 202, the job, and where it is.

    Parameters
    ----------
    fingerprint
        The SHA-256 of all that the request says.
    make
        Makes the job, and calls what it is given within the transaction that does.

    Raises
    ------
    Problem
        409: the first request with this key is in work. 422: the key was used for another request.
    """
    prefix = str(request.scope.get("root_path", ""))
    once = _Once(service, caller.id, (key or "").strip().strip('"'), fingerprint, prefix)
    answer = await run_in_threadpool(once.answer, make)
    return Response(
        answer.body,
        status_code=answer.status,
        headers=dict(answer.headers),
        media_type="application/json",
    )


class _Once:
    def __init__(
        self, service: Service, owner: str, key: str, fingerprint: str, prefix: str
    ) -> None:
        self._workspace = service.workspace
        self._keep = timedelta(hours=service.settings.service.idempotency_hours)
        self._owner, self._key = owner, key
        self._fingerprint, self._prefix = fingerprint, prefix

    def answer(self, make: Make) -> Answer:
        if not self._key:
            return self._of(make(lambda _conn, _job: None))
        begun = self._workspace.clock()
        with self._workspace.database.write() as conn:
            earlier = idempotency.begin(
                conn, self._owner, self._key, self._fingerprint, at=begun, keep=self._keep
            )
        if earlier is not None:
            return self._again(earlier)
        try:
            return self._of(make(self._finishing(begun)))
        except BaseException:
            with self._workspace.database.write() as conn:
                idempotency.give_up(conn, self._owner, self._key, begun=begun)
            raise

    def _again(self, earlier: idempotency.Earlier) -> Answer:
        if earlier.fingerprint != self._fingerprint:
            detail = "this Idempotency-Key was used for another request"
            raise Problem(422, "idempotency_key_reused", detail)
        if earlier.answer is None:
            detail = "the first request with this Idempotency-Key is still in work"
            raise Problem(409, "idempotency_in_work", detail, headers={"Retry-After": "1"})
        return earlier.answer

    def _finishing(self, begun: datetime) -> Also:
        def finish(conn: Connection, job: Job) -> None:
            held = self._of(job)
            if not idempotency.finish(conn, self._owner, self._key, held, begun=begun):
                raise Conflict("another took this request for abandoned, and made it again")

        return finish

    def _of(self, job: Job) -> Answer:
        location = {"Location": f"{self._prefix}/v1/jobs/{job.id}"}
        return Answer(status=202, headers=location, body=JobView.of(job).model_dump_json())
