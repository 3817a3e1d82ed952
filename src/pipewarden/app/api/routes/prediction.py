"""Rows answered by a deployed model, in this process."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge import bodies
from pipewarden.app.api.edge.access import Operator
from pipewarden.app.api.edge.direct import direct
from pipewarden.app.api.edge.problems import Problem, documented
from pipewarden.app.api.service import Served, Service
from pipewarden.app.api.work.gathering import AT_ONCE
from pipewarden.core.models.challengers import CHALLENGER, CHAMPION
from pipewarden.models.serving.answering import MODEL_FAILED, Refusal
from pipewarden.models.serving.desk import Answered
from pipewarden.store.state.service.keys import Scope

router = APIRouter(prefix="/predict", tags=["models"], route_class=direct(Scope.OPERATOR))

#: Seconds for which a request waits at most until its answers are stored.
STORING = 10.0

Row = dict[str, Any]
Entity = Annotated[str, Field(max_length=200)]
Durable = Annotated[
    bool,
    Field(
        description="Answer only when the answers are stored in the log. Otherwise they are some "
        "hundredths of a second later, and a machine that stops just then has not logged them."
    ),
]
Logged = Annotated[
    Literal["queued", "stored"],
    Field(description="`stored` is in the database, or on disk until that takes it."),
]

Version = Annotated[
    int,
    Field(description="That made all answers; where two made some each, that of the champion."),
]
MadeBy = Annotated[
    int | None,
    Field(description="That made this answer; left out where no canary answers a share."),
]
Role = Annotated[
    Literal["champion", "challenger"] | None,
    Field(description="Of the version that made this answer; left out as `version`."),
]


class PredictRequest(BaseModel):
    """One row as `features`, or some as `rows`."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(
        default="", description="Its name; may be left out where one is deployed that answers rows."
    )
    features: Row | None = Field(default=None, description="One row: feature → value, any order.")
    rows: list[Row] | None = Field(default=None, min_length=1)
    entity: Entity = Field(default="", description="Whom `features` is about, for the log.")
    entities: list[Entity] = Field(default_factory=list, description="The same for each row.")
    durable: Durable = False

    @model_validator(mode="after")
    def _one_of_both(self) -> PredictRequest:
        if (self.features is None) == (self.rows is None):
            raise ValueError("either 'features' or 'rows' must be given")
        if self.entities and len(self.entities) != len(self.rows or ()):
            raise ValueError("'entities' must be as many as 'rows'")
        if self.entity and self.features is None:
            raise ValueError("'entity' goes with 'features'")
        return self


class PredictBatchRequest(BaseModel):
    """Rows, each of which is answered or refused for itself."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(
        default="", description="Its name; may be left out where one is deployed that answers rows."
    )
    rows: list[Row] = Field(min_length=1)
    entities: list[Entity] = Field(default_factory=list, description="Whom each row is about.")
    durable: Durable = False

    @model_validator(mode="after")
    def _as_many(self) -> PredictBatchRequest:
        if self.entities and len(self.entities) != len(self.rows):
            raise ValueError("'entities' must be as many as 'rows'")
        return self


class PredictionView(BaseModel):
    """One answer."""

    id: str = Field(description="A UUIDv7, to be traced by.")
    answer: dict[str, Any] = Field(description="What the model says, as its signature names it.")
    flags: list[str] = Field(description="What is odd about the row: out of the known range.")
    version: MadeBy = None
    role: Role = None


class PredictView(BaseModel):
    """The answers, in the order of the rows."""

    model: str
    version: Version
    environment: str
    logged: Logged
    predictions: list[PredictionView]


class RowFaultView(BaseModel):
    """What is wrong with one feature of a row, or with the row where `at` is empty."""

    at: str
    message: str


class RowProblemView(BaseModel):
    """Why a row has no answer."""

    reason: str = Field(
        description="`invalid_row`, `model_failed`, or a reason of the model's own."
    )
    errors: list[RowFaultView]


class RowView(BaseModel):
    """What came of one row: an answer with its id, or a problem."""

    id: str | None
    answer: dict[str, Any] | None
    flags: list[str]
    problem: RowProblemView | None
    version: MadeBy = None
    role: Role = None


class PredictBatchView(BaseModel):
    """What came of each row, in order."""

    model: str
    version: Version
    environment: str
    logged: Logged
    answered: int
    refused: int
    predictions: list[RowView]


@router.post(
    "",
    response_model=PredictView,
    responses=documented(400, 404, 408, 413, 415, 422),
    openapi_extra=bodies.described(PredictRequest),
)
async def predict(request: Request, _: Operator, service: Served) -> Response:
    """Answer a row, or a few, with the deployed version of a model: all of them, or none.

    Features are named: their order means nothing. 422 names each one that is missing, unknown, of
    the wrong type or no finite number. A value outside of the range that the model was trained on
    is answered, with a flag.
    """
    limits = service.settings.service
    asked, _body = await bodies.parsed(request, PredictRequest, limits.body_bytes)
    if asked.features is not None:
        served = service.desk.live.find(asked.model, predicts=True)
        named = request.state.request_id
        answered = await service.gathering.predict(served, asked.features, asked.entity, named)
    else:
        rows = asked.rows or []
        answered = await _answered(request, service, asked.model, rows, asked.entities, whole=True)
    for place, one in enumerate(answered.answers):
        if one.refusal is not None:
            at = "body.features" if asked.features is not None else f"body.rows.{place}"
            raise refused(one.refusal, at)
    pairs = zip(answered.ids, answered.answers, strict=True)
    told = [{"id": made, "answer": one.answer, "flags": one.flags} for made, one in pairs]
    logged = await stored(service, answered.number, asked.durable)
    return _response(answered, logged, {"predictions": told})


@router.post(
    "/batch",
    response_model=PredictBatchView,
    responses=documented(400, 404, 408, 413, 415, 422),
    openapi_extra=bodies.described(PredictBatchRequest),
)
async def predict_batch(request: Request, _: Operator, service: Served) -> Response:
    """Answer many rows, each for itself: one that cannot be answered says why in its place."""
    limits = service.settings.service
    asked, _body = await bodies.parsed(request, PredictBatchRequest, limits.body_bytes)
    answered = await _answered(
        request, service, asked.model, asked.rows, asked.entities, whole=False
    )
    good = sum(map(bool, answered.ids))
    pairs = zip(answered.ids, answered.answers, strict=True)
    told = [
        {"id": made, "answer": one.answer, "flags": one.flags, "problem": None}
        if one.refusal is None
        else {"id": None, "answer": None, "flags": one.flags, "problem": _problem(one.refusal)}
        for made, one in pairs
    ]
    logged = await stored(service, answered.number, asked.durable)
    more = {"answered": good, "refused": len(told) - good, "predictions": told}
    return _response(answered, logged, more)


async def _answered(
    request: Request,
    service: Service,
    model: str,
    rows: list[Row],
    entities: list[str],
    *,
    whole: bool,
) -> Answered:
    limit = service.settings.service.prediction_rows
    if len(rows) > limit:
        detail = f"{len(rows):,} rows; at most {limit:,} are answered at once"
        raise Problem(413, "batch_too_large", detail)
    desk = service.desk
    served = desk.live.find(model, predicts=True)

    named = [request.state.request_id] * len(rows)

    def work() -> Answered:
        return desk.predict(served, rows, entities, request_ids=named, whole=whole)

    if desk.seconds(served, len(rows)) <= AT_ONCE:
        return work()
    return await run_in_threadpool(work)


async def stored(service: Service, number: int, durable: bool) -> str:
    """Return how the answers up to a number are logged; wait for it where that was asked for."""
    if not durable:
        return "queued"
    done = await run_in_threadpool(service.desk.log.wait, number, STORING)
    return "stored" if done else "queued"


def refused(refusal: Refusal, at: str) -> Problem:
    """Return the problem that a refusal is; ``at`` is where the row stands in the request."""
    status = 500 if refusal.reason == MODEL_FAILED else 422
    errors = [
        {"at": f"{at}.{one.at}" if one.at else at, "message": one.message} for one in refusal.faults
    ]
    return Problem(status, refusal.reason, str(refusal), errors=errors)


def _problem(refusal: Refusal) -> dict[str, Any]:
    return {"reason": refusal.reason, "errors": [one._asdict() for one in refusal.faults]}


def _response(answered: Answered, logged: str, more: dict[str, Any]) -> Response:
    served = answered.served
    held = {
        "model": served.model,
        "version": _made_by(answered, more["predictions"]) if answered.by else served.version,
        "environment": served.environment,
        "logged": logged,
        **more,
    }
    return Response(orjson.dumps(held), media_type=bodies.JSON)


def _made_by(answered: Answered, told: list[dict[str, Any]]) -> int:
    """Name the version that made each answer, in its place; return the one to name for all."""
    champion = answered.served.version
    for one, by in zip(told, answered.by, strict=True):
        one["version"] = by.version
        one["role"] = CHAMPION if by.version == champion else CHALLENGER
    made = {by.version for by in answered.by}
    return made.pop() if len(made) == 1 else champion
