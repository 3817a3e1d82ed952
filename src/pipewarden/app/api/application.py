"""The application: routes, layers, and what begins and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware

from pipewarden._version import __version__
from pipewarden.app.api.edge import problems
from pipewarden.app.api.edge.access import Access, is_loopback
from pipewarden.app.api.edge.problems import ProblemDetails
from pipewarden.app.api.edge.tracing import Tracing
from pipewarden.app.api.metrics import Metrics
from pipewarden.app.api.routes import (
    alerts,
    forecasting,
    health,
    lineage,
    model_info,
    monitoring,
    prediction,
    preprocess,
)
from pipewarden.app.api.routes.jobs import documents, runs, uploads
from pipewarden.app.api.service import Service, offered
from pipewarden.app.api.watch.probing import Probes
from pipewarden.app.api.work.gathering import Gathering
from pipewarden.app.api.work.handing import Handing
from pipewarden.app.api.work.pool import Pool
from pipewarden.app.background import Background
from pipewarden.jobs.serving.desk import desk_of
from pipewarden.jobs.workspace import Workspace

#: They are tried in order, so that what is asked most often stands first.
_ROUTES = (
    prediction, forecasting, preprocess, health, documents, uploads, runs, model_info, lineage,
    monitoring, alerts,
)  # fmt: skip
#: Seconds between two looks at how late the event loop is.
_BEAT = 0.1


def application(workspace: Workspace) -> FastAPI:
    """Return the application over a workspace; its address must have been checked before."""
    settings = workspace.settings.service
    names = offered(workspace.settings)
    pool, background = Pool(workspace.settings, names), Background(workspace, settings.jobs)
    desk = desk_of(workspace, settings.environment)
    service = Service(
        workspace=workspace,
        offered=names,
        access=Access(workspace, open_at_start=is_loopback(settings.host)),
        metrics=Metrics(),
        pool=pool,
        handing=Handing(workspace.settings, workspace.clock),
        probes=Probes(workspace, pool, background.failures, names, desk=desk),
        desk=desk,
        gathering=Gathering(desk),
    )
    service.metrics.watch(workspace, pool)
    app = FastAPI(
        title="pipewarden",
        version=__version__,
        summary="Documents processed now, and jobs that are never lost.",
        lifespan=partial(_lifespan, background=background),
        exception_handlers=problems.handlers(),
        redirect_slashes=False,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    for routes in _ROUTES:
        app.include_router(routes.router)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key"],
            expose_headers=["Location", "Retry-After", "X-Request-ID", "traceparent"],
        )
    app.add_middleware(Tracing, metrics=service.metrics)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """Return the description of the API: every error is a problem, also those of FastAPI's own."""
    if app.openapi_schema is None:
        held = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes
        )
        schemas = held["components"]["schemas"]
        problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs")
        schemas["ProblemDetails"] = problem
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        app.openapi_schema = held
    return app.openapi_schema


@asynccontextmanager
async def _lifespan(app: FastAPI, background: Background) -> AsyncIterator[None]:
    service: Service = app.state.service
    await service.pool.start()
    background.start()
    service.desk.start()
    beating = asyncio.create_task(_beat(service.metrics))
    try:
        yield
    finally:
        beating.cancel()
        await service.pool.stop()
        await service.handing.close()
        await run_in_threadpool(service.desk.close)
        await run_in_threadpool(background.stop)
        await service.probes.close()
        service.workspace.database.close()


async def _beat(metrics: Metrics) -> None:
    """Measure how late the event loop is."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _BEAT
        await asyncio.sleep(_BEAT)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))
