"""Series continued by a deployed model."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge import bodies
from pipewarden.app.api.edge.access import Operator
from pipewarden.app.api.edge.problems import documented
from pipewarden.app.api.routes.prediction import Durable, Logged, refused, stored
from pipewarden.app.api.service import Served
from pipewarden.models.serving.answering import Refusal

router = APIRouter(prefix="/forecast", tags=["models"])


class ForecastRequest(BaseModel):
    """Which series to continue, how far, and how sure."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(default="", description="The model's name, such as `sales/9780140449136`.")
    unique_id: str = Field(
        default="",
        description="Or the series' name: an ISBN may hold hyphens. Both may be left out where one "
        "series has a model.",
    )
    horizon: int = Field(ge=1, le=520, description="Steps after the end of the series.")
    level: float = Field(
        default=95.0,
        gt=0,
        lt=100,
        description="Of the interval, in percent; a family may take less (sales: 1 to 99.5).",
    )
    durable: Durable = False

    @model_validator(mode="after")
    def _not_both(self) -> ForecastRequest:
        if self.model and self.unique_id:
            raise ValueError("give 'model' or 'unique_id', not both")
        return self


class StepView(BaseModel):
    """One step: what is expected, and the bounds of the interval, `lo_<level>` and `hi_<level>`."""

    model_config = ConfigDict(extra="allow")

    step: int
    ds: str | int
    y_hat: float


class ForecastView(BaseModel):
    """A forecast."""

    id: str = Field(description="A UUIDv7, to be traced by.")
    model: str
    version: int
    environment: str
    horizon: int
    level: float
    logged: Logged
    steps: list[StepView]


@router.post(
    "",
    response_model=ForecastView,
    responses=documented(400, 404, 408, 413, 415, 422),
    openapi_extra=bodies.described(ForecastRequest),
)
async def forecast(request: Request, _: Operator, service: Served) -> Response:
    """Continue a series with the deployed version of its model."""
    limit = service.settings.service.body_bytes
    asked, _body = await bodies.parsed(request, ForecastRequest, limit)
    desk = service.desk
    if asked.unique_id:
        served = desk.live.of_series(asked.unique_id)
    else:
        served = desk.live.find(asked.model, predicts=False)
    made = await run_in_threadpool(
        desk.forecast,
        served,
        asked.horizon,
        asked.level,
        request_id=request.state.request_id,
    )
    if isinstance(made, Refusal):
        raise refused(made, "body")
    held: dict[str, Any] = {
        "id": made.id,
        "model": served.model,
        "version": served.version,
        "environment": served.environment,
        "horizon": asked.horizon,
        "level": asked.level,
        "logged": await stored(service, made.number, asked.durable),
        "steps": made.steps,
    }
    return Response(orjson.dumps(held), media_type=bodies.JSON)
