"""Deployments: which version served where, from when to when.

Every change is compare-and-set, and the unique index on what serves makes a second serving version
of one model and environment impossible, whoever races whom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, or_, select, update

from pipewarden.core.chain import Act
from pipewarden.core.models.deployments import (
    DEPLOYMENT_TRANSITIONS,
    Deployment,
    DeploymentKind,
    DeploymentState,
)
from pipewarden.errors import Conflict, IllegalTransition, UnknownName
from pipewarden.store.state.models import versions
from pipewarden.store.state.models.schema import deployments
from pipewarden.store.state.outbox import OutboxEvent

_SERVING = [state for state in DeploymentState if state.serving]


def request(conn: Connection, deployment: Deployment) -> Deployment:
    """Write a deployment that does not serve yet, AWAITING; return it with its id."""
    values = {n: getattr(deployment, n) for n in Deployment.__slots__ if n != "id"}
    made = conn.execute(insert(deployments).values(**values)).inserted_primary_key
    assert made is not None
    return get(conn, made[0])


def begin(
    conn: Connection, deployment_id: int, *, at: datetime, ended: DeploymentState, reason: str = ""
) -> None:
    """Let an AWAITING deployment serve from now on, in the place of what serves now.

    Parameters
    ----------
    ended
        What becomes of the deployment that served: SUPERSEDED or ROLLED_BACK.
    reason
        Why that one ended; by default that this one began.

    Raises
    ------
    IllegalTransition
        It does not wait: it was withdrawn, or serves already.
    """
    new = get(conn, deployment_id)
    before = serving(conn, new.model, new.environment)
    if before is not None:
        change_state(conn, before.id, ended, at=at, reason=reason or f"deployment {new.id}")
    change_state(conn, new.id, DeploymentState.CURRENT, at=at)
    replaced = None if before is None else before.id
    conn.execute(update(deployments).where(deployments.c.id == new.id).values(replaced=replaced))


def take_over(
    conn: Connection, new: Sequence[Deployment], *, at: datetime, reason: str
) -> list[Deployment]:
    """Let deployments of many models serve from now on, what served before rolled back.

    The same as `request` and `begin` of each, in a few statements for all of them.

    Parameters
    ----------
    new
        At most one a model; each names what it replaces.
    reason
        Why those that serve now end.

    Raises
    ------
    Conflict
        What one of them replaces does not serve any more; nothing holds.
    """
    if not new:
        return []
    ended = [one.replaced for one in new if one.replaced is not None]
    change = update(deployments).where(
        deployments.c.id.in_(ended), deployments.c.state.in_(_SERVING)
    )
    values = {"state": DeploymentState.ROLLED_BACK, "ended_at": at, "ended_reason": reason}
    if conn.execute(change.values(**values)).rowcount != len(ended):
        raise Conflict(
            "another deployment began meanwhile",
            left_behind="nothing was changed",
            next_step="pipewarden models history, then the command again",
        )
    names = [name for name in Deployment.__slots__ if name != "id"]
    rows = [
        {name: getattr(one, name) for name in names}
        | {"state": DeploymentState.CURRENT, "started_at": at}
        for one in new
    ]
    made = insert(deployments).returning(deployments.c.id, sort_by_parameter_order=True)
    ids = list(conn.execute(made, rows).scalars())
    return [
        Deployment(id=number, **{**row, "state": DeploymentState.CURRENT})
        for number, row in zip(ids, rows, strict=True)
    ]


def verify(conn: Connection, found: Mapping[int, Mapping[str, Any]], *, at: datetime) -> set[int]:
    """Move those of the deployments to VERIFIED that are CURRENT still; return which.

    Parameters
    ----------
    found
        Deployment → its whole evidence, what the trial found included.
    """
    current = deployments.c.state == DeploymentState.CURRENT
    query = select(deployments.c.id).where(deployments.c.id.in_(list(found)), current)
    ids = set(conn.execute(query).scalars())
    if ids:
        change = (
            update(deployments)
            .where(deployments.c.id == bindparam("of"), current)
            .values(state=DeploymentState.VERIFIED, verified_at=at, evidence=bindparam("evidence_"))
        )
        conn.execute(change, [{"of": n, "evidence_": found[n]} for n in sorted(ids)])
    return ids


def withdraw(
    conn: Connection, model: str, environment: str, *, at: datetime, reason: str
) -> list[Deployment]:
    """End what waits for an approval; return it."""
    waiting = [one for one in awaiting(conn, model) if one.environment == environment]
    for one in waiting:
        change_state(conn, one.id, DeploymentState.WITHDRAWN, at=at, reason=reason)
    return waiting


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
    conn: Connection,
    *,
    model: str | None = None,
    environment: str | None = None,
    version: int | None = None,
    limit: int = 100,
) -> list[Deployment]:
    """Return deployments, the newest first; ``version`` is one of ``model``'s."""
    where: list[ColumnElement[bool]] = []
    if model is not None:
        where.append(deployments.c.model == model)
    if environment is not None:
        where.append(deployments.c.environment == environment)
    if version is not None:
        where.append(deployments.c.version == version)
    return _listed(conn, *where, limit=limit)


def times_deployed(conn: Connection, model: str, version: int) -> int:
    """Return how often a version was deployed, anywhere."""
    query = select(func.count()).where(
        deployments.c.model == model, deployments.c.version == version
    )
    return int(conn.execute(query).scalar_one())


def last_begun(
    conn: Connection, model: str, version: int, environment: str, at: datetime
) -> Deployment | None:
    """Return the newest deployment of a version that had begun at a time (UTC)."""
    where = [
        *_of(model, environment),
        deployments.c.version == version,
        deployments.c.started_at <= at,
    ]
    return next(iter(_listed(conn, *where, limit=1)), None)


def at_time(
    conn: Connection, at: datetime, *, model: str | None = None, environment: str | None = None
) -> list[Deployment]:
    """Return what served at a time (UTC), in order of the models' names."""
    where = [
        deployments.c.started_at <= at,
        or_(deployments.c.ended_at.is_(None), deployments.c.ended_at > at),
    ]
    if model is not None:
        where.append(deployments.c.model == model)
    if environment is not None:
        where.append(deployments.c.environment == environment)
    return sorted(_listed(conn, *where), key=lambda one: (one.model, one.environment))


def unverified(conn: Connection, environment: str | None = None) -> list[Deployment]:
    """Return what serves and was not found good yet, the oldest first."""
    where: list[ColumnElement[bool]] = [deployments.c.state == DeploymentState.CURRENT]
    if environment is not None:
        where.append(deployments.c.environment == environment)
    return _listed(conn, *where)[::-1]


def act_of(deployment: Deployment, action: str, *, actor: str, reason: str, **details: Any) -> Act:
    """Return what the ledger learns of a deployment.

    Parameters
    ----------
    action
        The verb: ``deployed``, ``verified``, ``rolled_back`` and so on.
    """
    facts = {"environment": deployment.environment, "deployment": deployment.id or None}
    return Act(
        actor=actor,
        action=f"model.{action}",
        subject=versions.subject(deployment.model, deployment.version),
        reason=reason,
        details={name: value for name, value in (facts | details).items() if value is not None},
    )


def event_of(deployment: Deployment, fate: str, *, at: datetime, **data: Any) -> OutboxEvent:
    """Return what the world learns of a deployment: ``deployed``, ``promoted``, ``rolled_back``."""
    return OutboxEvent(
        type=f"io.pipewarden.model.{fate}",
        subject=versions.subject(deployment.model, deployment.version),
        data={
            "model": deployment.model,
            "version": deployment.version,
            "environment": deployment.environment,
            "deployment": deployment.id,
            "kind": str(deployment.kind),
            "actor": deployment.actor,
            "reason": deployment.reason,
            **data,
        },
        at=at,
        id=f"deployment/{deployment.id}/{fate}",
    )


def generation(conn: Connection) -> tuple[int, int]:
    """Return a pair that changes whenever anything begins or ends to serve: cheap to poll."""
    row = conn.execute(
        select(func.count(deployments.c.started_at), func.count(deployments.c.ended_at))
    ).one()
    return int(row[0]), int(row[1])


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
