"""Deployments: which version served where, from when to when.

Every change is compare-and-set, and the unique index on what serves makes a second serving version
of one model and environment impossible, whoever races whom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from pipewarden.core.models.deployments import (
    DEPLOYMENT_TRANSITIONS,
    Deployment,
    DeploymentKind,
    DeploymentState,
)
from pipewarden.errors import IllegalTransition, UnknownName
from pipewarden.store.state.models.schema import deployments

_SERVING = [state for state in DeploymentState if state.serving]


def request(conn: Connection, deployment: Deployment) -> Deployment:
    """Write a deployment that does not serve yet, AWAITING; return it with its id."""
    values = {n: getattr(deployment, n) for n in Deployment.__slots__ if n != "id"}
    made = conn.execute(insert(deployments).values(**values)).inserted_primary_key
    assert made is not None
    return get(conn, made[0])


def begin(conn: Connection, deployment_id: int, *, at: datetime, ended: DeploymentState) -> None:
    """Let an AWAITING deployment serve from now on, in the place of what serves now.

    Parameters
    ----------
    ended
        What becomes of the deployment that served: SUPERSEDED or ROLLED_BACK.

    Raises
    ------
    IllegalTransition
        It does not wait: it was withdrawn, or serves already.
    """
    new = get(conn, deployment_id)
    before = serving(conn, new.model, new.environment)
    if before is not None:
        change_state(conn, before.id, ended, at=at, reason=f"deployment {new.id}")
    change_state(conn, new.id, DeploymentState.CURRENT, at=at)
    replaced = None if before is None else before.id
    conn.execute(update(deployments).where(deployments.c.id == new.id).values(replaced=replaced))


def change_state(
    conn: Connection,
    deployment_id: int,
    state: DeploymentState,
    *,
    at: datetime,
    reason: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> None:
    """Move a deployment to another state, if its present one allows it.

    Raises
    ------
    UnknownName
        There is no such deployment.
    IllegalTransition
        Its state does not allow it.
    """
    held = get(conn, deployment_id)
    values: dict[str, Any] = {"state": state}
    if state is DeploymentState.CURRENT:
        values["started_at"] = at
    elif state is DeploymentState.VERIFIED:
        values["verified_at"] = at
    else:
        values |= {"ended_at": at, "ended_reason": reason}
    if evidence is not None:
        values["evidence"] = {**held.evidence, **evidence}
    allowed = [before for before, after in DEPLOYMENT_TRANSITIONS.items() if state in after]
    change = update(deployments).where(
        deployments.c.id == deployment_id, deployments.c.state.in_(allowed)
    )
    if conn.execute(change.values(**values)).rowcount == 0:
        raise IllegalTransition(
            f"deployment {deployment_id} of {held.model}@{held.version} is {held.state}, "
            f"which cannot become {state}",
            next_step=f"pipewarden models history {held.model}",
        )


def get(conn: Connection, deployment_id: int) -> Deployment:
    """Return one deployment.

    Raises
    ------
    UnknownName
        There is none of this number.
    """
    found = _listed(conn, deployments.c.id == deployment_id)
    if not found:
        raise UnknownName(
            f"there is no deployment {deployment_id}", next_step="pipewarden models history"
        )
    return found[0]


def serving(conn: Connection, model: str, environment: str) -> Deployment | None:
    """Return the deployment whose version serves now, or None."""
    found = _listed(conn, *_of(model, environment), deployments.c.state.in_(_SERVING))
    return found[0] if found else None


def all_serving(conn: Connection, environment: str) -> list[Deployment]:
    """Return what serves in an environment, in order of the models' names."""
    query = (
        select(deployments)
        .where(deployments.c.environment == environment, deployments.c.state.in_(_SERVING))
        .order_by(deployments.c.model)
    )
    return [_deployment(row) for row in conn.execute(query).mappings()]


def awaiting(conn: Connection, model: str | None = None) -> list[Deployment]:
    """Return what waits for an approval, the oldest first."""
    where: list[ColumnElement[bool]] = [deployments.c.state == DeploymentState.AWAITING]
    if model is not None:
        where.append(deployments.c.model == model)
    return _listed(conn, *where)[::-1]


def history(
    conn: Connection, *, model: str | None = None, environment: str | None = None, limit: int = 100
) -> list[Deployment]:
    """Return deployments, the newest first."""
    where: list[ColumnElement[bool]] = []
    if model is not None:
        where.append(deployments.c.model == model)
    if environment is not None:
        where.append(deployments.c.environment == environment)
    return _listed(conn, *where, limit=limit)


def known_good(conn: Connection, model: str, environment: str, *, before: int) -> list[Deployment]:
    """Return the deployments that were verified before deployment ``before``, the newest first."""
    return _listed(
        conn,
        *_of(model, environment),
        deployments.c.id < before,
        deployments.c.verified_at.is_not(None),
    )


def generation(conn: Connection) -> tuple[int, int]:
    """Return a pair that changes whenever anything begins or ends to serve: cheap to poll."""
    row = conn.execute(
        select(func.count(deployments.c.started_at), func.count(deployments.c.ended_at))
    ).one()
    return int(row[0]), int(row[1])


def versions_in_use(conn: Connection, model: str) -> set[int]:
    """Return the versions that were ever deployed, or are about to be: none may be cleaned up."""
    query = select(deployments.c.version).where(deployments.c.model == model).distinct()
    return set(conn.execute(query).scalars())


def _of(model: str, environment: str) -> Sequence[ColumnElement[bool]]:
    return (deployments.c.model == model, deployments.c.environment == environment)


def _listed(
    conn: Connection, *where: ColumnElement[bool], limit: int | None = None
) -> list[Deployment]:
    query = select(deployments).where(*where).order_by(deployments.c.id.desc()).limit(limit)
    return [_deployment(row) for row in conn.execute(query).mappings()]


def _deployment(row: Mapping[Any, Any]) -> Deployment:
    kinds = {"kind": DeploymentKind(row["kind"]), "state": DeploymentState(row["state"])}
    return Deployment(**{**row, **kinds})
