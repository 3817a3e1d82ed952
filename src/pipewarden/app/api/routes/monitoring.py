"""What models answered elsewhere, what became true of answers, and how much of both there is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge import bodies
from pipewarden.app.api.edge.access import Operator, Viewer
from pipewarden.app.api.edge.problems import Problem, documented
from pipewarden.app.api.label_views import (
    CountedView,
    GivenPrediction,
    LabelsRequest,
    PredictionsRequest,
    RefusedView,
    StatisticsView,
    TakenLabelsView,
    TakenPredictionsView,
)
from pipewarden.app.api.service import Served, Service
from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.jobs.monitoring.labels.counting import statistics
from pipewarden.jobs.monitoring.labels.taking import Refused, take_labels, take_predictions
from pipewarden.jobs.serving.desk import prediction_ids
from pipewarden.store.state.models.predictions import Prediction

router = APIRouter(prefix="/monitoring", tags=["monitoring"])

#: Hours of a year and a day: nobody asks for more at once.
_MOST_HOURS = 8_784


def _described(model: type[BaseModel]) -> Any:
    """Return how OpenAPI describes a body; models within it stand where they are used."""
    held = bodies.described(model)
    content = held["requestBody"]["content"][bodies.JSON]
    schema = content["schema"]
    content["schema"] = _inlined(schema, schema.pop("$defs", {}))
    return held


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(each, definitions) for name, each in schema.items()}


@router.post(
    "/predictions",
    response_model=TakenPredictionsView,
    responses=documented(400, 408, 413, 415, 422),
    openapi_extra=_described(PredictionsRequest),
)
async def predictions(request: Request, _: Operator, service: Served) -> TakenPredictionsView:
    """Log predictions that were made elsewhere, so that they are watched like any.

    Each is of a registered version, and is stored when this is answered. It may be sent again under
    its id: what is logged already stays as it is. One of a batch that cannot be taken is named
    under `refused`; a single one is a problem.
    """
    limit = service.settings.service.body_bytes
    asked, _body = await bodies.parsed(request, PredictionsRequest, limit)
    rows = [asked.prediction] if asked.prediction else asked.predictions or []
    _check_number(service, len(rows))
    environment = service.settings.service.environment
    given = [_prediction(one, environment, request.state.request_id) for one in rows]
    ids = prediction_ids(service.workspace).take(sum(not one.id for one in given))
    taken = await run_in_threadpool(take_predictions, service.workspace, given, ids)
    _check_single(asked.prediction, taken.refused)
    return TakenPredictionsView(
        ids=[name or None for name in taken.ids],
        stored=taken.stored,
        repeated=taken.repeated,
        refused=_views(taken.refused),
    )


@router.post(
    "/labels",
    response_model=TakenLabelsView,
    responses=documented(400, 408, 413, 415, 422),
    openapi_extra=_described(LabelsRequest),
)
async def labels(request: Request, caller: Operator, service: Served) -> TakenLabelsView:
    """Report what became true of predictions: late, in any order, again, or otherwise than before.

    Of two labels of a prediction the one with the newer `at` holds; the other is kept. One for a
    prediction that is not logged waits for it.
    """
    limit = service.settings.service.body_bytes
    asked, _body = await bodies.parsed(request, LabelsRequest, limit)
    rows = [asked.label] if asked.label else asked.labels or []
    _check_number(service, len(rows))
    now = service.workspace.clock()
    reports = [
        LabelReport(prediction_id=one.prediction_id, value=one.label, at=one.at or now)
        for one in rows
    ]
    source = f"key:{caller.name}" if caller.name else "local"
    taken = await run_in_threadpool(take_labels, service.workspace, reports, source=source)
    _check_single(asked.label, taken.refused)
    told = taken.reported
    names = ("received", "new", "repeated", "conflicting", "labelled", "unknown")
    return TakenLabelsView(
        **{name: getattr(told, name) for name in names},
        replaced=len(told.replaced),
        refused=_views(taken.refused),
    )


@router.get("/stats", response_model=StatisticsView, responses=documented(422))
async def stats(
    _: Viewer,
    service: Served,
    hours: Annotated[
        float, Query(gt=0, le=_MOST_HOURS, description="Predictions of the last so many hours.")
    ] = 168,
    model: Annotated[str | None, Query(description="Only of this one.")] = None,
    environment: Annotated[str | None, Query(description="Only of this one.")] = None,
) -> StatisticsView:
    """Count predictions and labels by model, environment, version and role."""
    until = service.workspace.clock()
    held = await run_in_threadpool(
        statistics,
        service.workspace,
        since=until - timedelta(hours=hours),
        until=until,
        model=model,
        environment=environment,
    )
    return StatisticsView(
        since=held.since,
        until=held.until,
        unknown_labels=held.unknown,
        counted=[CountedView.of(one) for one in held.counted],
    )


def _prediction(one: GivenPrediction, environment: str, request_id: str) -> Prediction:
    return Prediction(
        id=one.id or "",
        at=one.at,
        model=one.model,
        version=one.version,
        environment=one.environment or environment,
        role=one.role,
        entity=one.entity,
        inputs=one.inputs,
        answer=one.answer,
        request_id=request_id,
    )


def _check_number(service: Service, number: int) -> None:
    limit = service.settings.service.prediction_rows
    if number > limit:
        detail = f"{number:,} rows; at most {limit:,} are taken at once"
        raise Problem(413, "batch_too_large", detail)


def _check_single(single: BaseModel | None, refused: Sequence[Refused]) -> None:
    if single is not None and refused:
        raise Problem(422, refused[0].reason, refused[0].message)


def _views(refused: Sequence[Refused]) -> list[RefusedView]:
    return [RefusedView(place=one.place, reason=one.reason, message=one.message) for one in refused]
