"""What the routes work with, put together once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Literal, cast

from fastapi import Depends, Request
from pydantic import Field

from pipewarden.app.api.edge.access import Access
from pipewarden.app.api.edge.problems import Problem
from pipewarden.app.api.metrics import Metrics
from pipewarden.app.api.watch.outside import uses_celery
from pipewarden.app.api.watch.probing import Probes
from pipewarden.app.api.work.choosing import NotOffered, chosen, taking_documents
from pipewarden.app.api.work.gathering import Gathering
from pipewarden.app.api.work.handing import Handing
from pipewarden.app.api.work.pool import Pool
from pipewarden.engine.pipeline import Pipeline
from pipewarden.errors import MissingExtra
from pipewarden.jobs.loading import load_pipeline, registered
from pipewarden.jobs.queue.submission import Origin
from pipewarden.jobs.workspace import Workspace
from pipewarden.models.serving.desk import Desk
from pipewarden.settings import Settings

#: What a request may ask to have its job's items worked on by.
Executor = Annotated[
    Literal["processes", "celery"] | None,
    Field(
        description="What works on the items: worker processes of the service's machine, or Celery "
        "workers where the service has a broker. Left out: as the service is set."
    ),
]


@dataclass(slots=True, kw_only=True)
class Service:
    """One replica of the service.

    Parameters
    ----------
    offered
        Name → reference of each pipeline that a request may name.
    """

    workspace: Workspace
    offered: Mapping[str, str]
    access: Access
    metrics: Metrics
    pool: Pool
    handing: Handing
    probes: Probes
    desk: Desk
    gathering: Gathering

    @property
    def settings(self) -> Settings:
        """The settings of the core."""
        return self.workspace.settings

    def pipeline(
        self, name: str, overrides: Mapping[str, object], *, documents: bool = False
    ) -> tuple[str, Pipeline]:
        """Return the reference of an offered pipeline, and the pipeline.

        Parameters
        ----------
        documents
            Whether the request brings documents, so that where it names no pipeline, it means the
            only one that takes them.

        Raises
        ------
        Problem
            422: it is not offered.
        InvalidSettings
            An override does not hold.
        """
        from pipewarden.settings import merged

        held = self.settings

        def candidates() -> tuple[str, ...]:
            return taking_documents(self.offered, held) if documents else tuple(self.offered)

        try:
            name = chosen(name, self.offered, candidates)
        except NotOffered as error:
            raise Problem(422, "unknown_pipeline", str(error)) from error
        section = merged(held.pipelines.get(name, {}), overrides) if overrides else None
        return self.offered[name], load_pipeline(self.offered[name], held, section)

    def executor(self, asked: str | None) -> str:
        """Return what a job's items are worked on by.

        Raises
        ------
        Problem
            422: it was asked for Celery workers, and no broker is set.
        MissingExtra
            Celery is not installed.
        """
        if asked is None or asked == self.settings.executor:
            return self.settings.executor
        if asked == "celery":
            require_celery(self.settings)
        return asked


def require_celery(settings: Settings) -> None:
    """Refuse Celery workers where this service cannot reach any.

    Raises
    ------
    Problem
        422: no broker is set.
    MissingExtra
        Celery is not installed.
    """
    if not uses_celery(settings):
        raise Problem(
            422,
            "executor_not_configured",
            "this service has no broker, so no Celery worker can be asked",
            next_step="set celery.broker_url, start 'pipewarden worker', and restart the service",
        )
    if find_spec("celery") is None:
        raise MissingExtra("The executor celery", "celery")


def offered(settings: Settings) -> dict[str, str]:
    """Return name → reference of the pipelines that the service offers."""
    references = settings.service.pipelines or tuple(registered())
    return {reference.rpartition(":")[2]: reference for reference in references}


async def service_of(request: Request) -> Service:
    """Return the service that a request reached; were it not async, each would cost a thread."""
    return cast("Service", request.app.state.service)


def origin_of(request: Request, actor: str) -> Origin:
    """Return where a job that this request submits comes from."""
    state = request.state
    return Origin(actor=actor, request_id=state.request_id, traceparent=state.traceparent)


Served = Annotated[Service, Depends(service_of)]
