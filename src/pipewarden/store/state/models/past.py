"""What served in the past, as far as it decides what may serve next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from pipewarden.core.models.deployments import DeploymentKind, DeploymentState
from pipewarden.store.state.models.schema import deployments


@dataclass(frozen=True, slots=True, kw_only=True)
class Stint:
    """What is needed of a deployment that served once, or does, to choose what to go back to."""

    id: int
    model: str
    version: int
    kind: DeploymentKind
    state: DeploymentState
    verified: bool


def last_promotion(conn: Connection, model: str, environment: str) -> datetime | None:
    """Return when a version was last deployed that was not taken back; None: never."""
    query = select(func.max(deployments.c.started_at)).where(
        deployments.c.model == model,
        deployments.c.environment == environment,
        deployments.c.kind == DeploymentKind.DEPLOY,
        deployments.c.state != DeploymentState.ROLLED_BACK,
    )
    return conn.execute(query).scalar()


def last_taken_back(
    conn: Connection, model: str, version: int, environment: str
) -> datetime | None:
    """Return when a version was last rolled back; None: never."""
    query = select(func.max(deployments.c.ended_at)).where(
        deployments.c.model == model,
        deployments.c.environment == environment,
        deployments.c.version == version,
        deployments.c.state == DeploymentState.ROLLED_BACK,
    )
    return conn.execute(query).scalar()


def stints(conn: Connection, environment: str, model: str | None = None) -> list[Stint]:
    """Return what ever served in an environment, of one model or of all, the newest first."""
    t = deployments.c
    columns = (t.id, t.model, t.version, t.kind, t.state, t.verified_at.is_not(None))
    query = select(*columns).where(t.environment == environment, t.started_at.is_not(None))
    if model is not None:
        query = query.where(t.model == model)
    return [
        Stint(
            id=row[0],
            model=row[1],
            version=row[2],
            kind=DeploymentKind(row[3]),
            state=DeploymentState(row[4]),
            verified=bool(row[5]),
        )
        for row in conn.execute(query.order_by(t.id.desc()))
    ]
