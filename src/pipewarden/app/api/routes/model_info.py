"""Which models answer here: their versions, how good they are, who deployed them, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from pipewarden.app.api.edge.access import Viewer
from pipewarden.app.api.edge.problems import documented
from pipewarden.app.api.service import Served, Service
from pipewarden.core.models.challengers import Challenger, ChallengerMode
from pipewarden.core.models.deployments import DeploymentKind, DeploymentState, VersionStatus
from pipewarden.models.serving import answering
from pipewarden.models.serving.beside.running import Beside
from pipewarden.store.state.models import approvals, deployments, versions

router = APIRouter(prefix="/model", tags=["models"])


class InputView(BaseModel):
    """One feature that a model takes."""

    name: str
    type: str
    required: bool
    minimum: float | None
    maximum: float | None


class DeployedView(BaseModel):
    """The deployment that made the version answer."""

    id: int
    kind: DeploymentKind
    state: DeploymentState
    by: str
    reason: str
    at: datetime | None = Field(description="Since when it answers.")
    verified_at: datetime | None


class ApprovalView(BaseModel):
    """Who signed for the version, and what the signature means."""

    signer: str
    meaning: str
    environment: str
    at: datetime


class ChallengerView(BaseModel):
    """The version that is tried beside the one that answers."""

    id: int
    version: int
    mode: ChallengerMode = Field(description="`shadow`: nobody gets its answers; `canary`.")
    share: float = Field(description="Of the entities that it is asked about, 0 to 1.")
    by: str
    reason: str
    at: datetime = Field(description="Since when.")


class ModelView(BaseModel):
    """A model that answers."""

    model: str
    version: int
    family: str
    answers: str = Field(description="`/predict` or `/forecast`.")
    status: VersionStatus
    verdict: str = Field(description="Of its training gate.")
    metrics: dict[str, float]
    dataset: str = Field(description="Fingerprint of what it was trained on.")
    object_hash: str = Field(description="Of the model document.")
    run_id: str
    trained_at: datetime
    parent: int | None
    inputs: list[InputView] | None
    deployment: DeployedView
    approvals: list[ApprovalView]
    challenger: ChallengerView | None
    lineage: str = Field(description="Where its lineage is.")


class ModelInfoView(BaseModel):
    """Some of the models that answer, in order of their names, and how many there are in all."""

    environment: str
    models: list[ModelView]
    total: int
    limit: int
    offset: int


@router.get("/info", response_model=ModelInfoView, responses=documented(404, 422))
async def info(
    request: Request,
    _: Viewer,
    service: Served,
    model: Annotated[str, Query(description="Only this one.")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> ModelInfoView:
    """Return the models that answer now."""
    live = service.desk.live
    found = [live.named(model)] if model else live.served()
    prefix = str(request.scope.get("root_path", ""))
    page = found[offset : offset + limit]
    return ModelInfoView(
        environment=live.environment,
        models=await run_in_threadpool(_described, service, page, prefix),
        total=len(found),
        limit=limit,
        offset=offset,
    )


def _described(service: Service, page: Sequence[answering.Served], prefix: str) -> list[ModelView]:
    beside = service.desk.live.challengers
    with service.workspace.database.read() as conn:
        return [_view(conn, one, beside.of(one), prefix) for one in page]


def _view(conn: Any, served: answering.Served, beside: Beside | None, prefix: str) -> ModelView:
    version = versions.get(conn, served.model, served.version)
    deployment = deployments.get(conn, served.deployment)
    signed = approvals.of_version(conn, served.model, served.version)
    inputs = served.signature.inputs
    names = ("model", "version", "family", "status", "verdict", "dataset", "object_hash", "run_id")
    return ModelView(
        **{name: getattr(version, name) for name in (*names, "parent")},
        answers="/predict" if served.predicts else "/forecast",
        metrics=dict(version.metrics),
        trained_at=version.created_at,
        inputs=None if inputs is None else [
            InputView(**{name: getattr(one, name) for name in InputView.model_fields})
            for one in inputs
        ],
        deployment=DeployedView(
            **{name: getattr(deployment, name) for name in ("id", "kind", "state", "reason")},
            by=deployment.actor,
            at=deployment.started_at,
            verified_at=deployment.verified_at,
        ),
        approvals=[
            ApprovalView(**{name: getattr(one, name) for name in ApprovalView.model_fields})
            for one in signed
        ],
        challenger=None if beside is None else _challenger(beside.challenger),
        lineage=f"{prefix}/lineage?of={quote(f'{served.model}@{served.version}', safe='')}",
    )  # fmt: skip


def _challenger(held: Challenger) -> ChallengerView:
    names = ("id", "version", "mode", "share", "reason")
    return ChallengerView(
        **{name: getattr(held, name) for name in names}, by=held.actor, at=held.started_at
    )
