"""How the service is: for people and watchers, for load balancers, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from pipewarden._version import __version__
from pipewarden.app.api.edge.access import Viewer
from pipewarden.app.api.edge.problems import documented
from pipewarden.app.api.service import Served
from pipewarden.app.api.views import HealthView, ReadyView
from pipewarden.app.api.watch.probing import worst

router = APIRouter(tags=["health"])


@router.get(
    "/health",
    response_model=HealthView,
    responses={503: {"model": HealthView, "description": "It cannot do its work."}},
)
async def health(service: Served) -> Response:
    """Try each thing that the service needs, and tell what it answered.

    200 also where something is degraded: what is spooled or waits is not lost.
    """
    probes = await service.probes.ask()
    state = worst(probes)
    view = HealthView(status=state, version=__version__, probes=probes)
    return JSONResponse(view.model_dump(mode="json"), status_code=503 if state == "down" else 200)


@router.get(
    "/ready",
    response_model=ReadyView,
    responses={503: {"model": ReadyView, "description": "Not yet, or not now."}},
)
async def ready(service: Served) -> Response:
    """Tell whether requests should be sent here: the database answers, what it uses is loaded."""
    waits = []
    if not (service.pool.ready or service.pool.resting):
        waits.append("document processes")
    if not await service.probes.database_answers():
        waits.append("database")
    if not service.desk.live.ready:
        waits.append("models")
    view = ReadyView(ready=not waits, waits_for=waits)
    return JSONResponse(view.model_dump(), status_code=503 if waits else 200)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        **documented(),
        200: {
            "description": "The text format of Prometheus.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
    },
)
async def metrics(_: Viewer, service: Served) -> Response:
    """Return the figures for Prometheus."""
    text = await run_in_threadpool(service.metrics.text)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
