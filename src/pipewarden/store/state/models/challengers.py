"""Challengers: which version answered beside which champion, and what came of it.

At most one runs for a model in an environment, which a unique index holds, whoever races whom; and
it ends once, by compare-and-set, whoever ends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipewarden.core.chain import Act
from pipewarden.core.models.challengers import (
    CHALLENGER,
    CHALLENGER_TRANSITIONS,
    Challenger,
    ChallengerMode,
    ChallengerState,
)
from pipewarden.core.models.comparisons import ComparisonPlan, Figures
from pipewarden.errors import Conflict, IllegalTransition, UnknownName
from pipewarden.store.state.models import versions
from pipewarden.store.state.models.schema import challenger_figures, challengers, predictions
from pipewarden.store.state.outbox import OutboxEvent
from pipewarden.store.state.schema import insert_new


def start(conn: Connection, challenger: Challenger) -> Challenger:
    """Write a challenger that runs from now on; return it with its id.

    Raises
    ------
    Conflict
        Another one runs for the model in the environment; the transaction is void.
    """
    values = {n: getattr(challenger, n) for n in Challenger.__slots__ if n not in ("id", "plan")}
    values["plan"] = challenger.plan.as_document()
    where = f"{challenger.model} in {challenger.environment}"
    try:
        made = conn.execute(insert(challengers).values(**values)).inserted_primary_key
    except IntegrityError as error:
        raise Conflict(
            f"another challenger of {where} runs already",
            left_behind="nothing was changed",
            next_step="pipewarden challenge list; pipewarden challenge stop",
        ) from error
    assert made is not None
    return get(conn, made[0])


def end(
    conn: Connection,
    challenger_id: int,
    state: ChallengerState,
    *,
    at: datetime,
    by: str,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
) -> Challenger:
    """End a challenger that runs; return it as it is then.

    Parameters
    ----------
    evidence
        What the end rests on; None leaves what is there.

    Raises
    ------
    UnknownName
        There is no such challenger.
    IllegalTransition
        It ended before.
    """
    held = get(conn, challenger_id)
    values: dict[str, Any] = {
        "state": state,
        "ended_at": at,
        "ended_by": by,
        "ended_reason": reason,
        "evidence": held.evidence if evidence is None else evidence,
    }
    allowed = [before for before, after in CHALLENGER_TRANSITIONS.items() if state in after]
    change = update(challengers).where(
        challengers.c.id == challenger_id, challengers.c.state.in_(allowed)
    )
    if conn.execute(change.values(**values)).rowcount == 0:
        raise IllegalTransition(
            f"challenger {challenger_id}, {held.model}@{held.version}, is {held.state}, which "
            f"cannot become {state}",
            left_behind="nothing was changed",
            next_step=f"pipewarden challenge status {challenger_id}",
        )
    return get(conn, challenger_id)


def note(conn: Connection, challenger_id: int, evidence: Mapping[str, Any]) -> None:
    """Keep what the last judgement of a running challenger rests on."""
    change = update(challengers).where(
        challengers.c.id == challenger_id, challengers.c.state == ChallengerState.RUNNING
    )
    conn.execute(change.values(evidence=evidence))


def get(conn: Connection, challenger_id: int) -> Challenger:
    """Return one challenger.

    Raises
    ------
    UnknownName
        There is none of this number.
    """
    found = _listed(conn, challengers.c.id == challenger_id)
    if not found:
        raise UnknownName(
            f"there is no challenger {challenger_id}", next_step="pipewarden challenge list"
        )
    return found[0]


def running(
    conn: Connection, model: str | None = None, environment: str | None = None
) -> list[Challenger]:
    """Return the challengers that run, the newest first."""
    return listed(conn, model=model, environment=environment, state=ChallengerState.RUNNING)


def listed(
    conn: Connection,
    *,
    model: str | None = None,
    environment: str | None = None,
    state: ChallengerState | None = None,
    limit: int | None = None,
) -> list[Challenger]:
    """Return challengers, the newest first."""
    wanted = {"model": model, "environment": environment, "state": state}
    where = [challengers.c[name] == value for name, value in wanted.items() if value is not None]
    return _listed(conn, *where, limit=limit)


def last_begun(
    conn: Connection, model: str, version: int, environment: str, at: datetime
) -> Challenger | None:
    """Return the newest challenger of a version that had begun at a time (UTC)."""
    held = challengers.c
    of = (held.model == model, held.version == version, held.environment == environment)
    return next(iter(_listed(conn, *of, held.started_at <= at, limit=1)), None)


def generation(conn: Connection) -> tuple[int, int]:
    """Return a pair that changes whenever a challenger begins or ends: cheap to poll."""
    row = conn.execute(select(func.count(), func.count(challengers.c.ended_at))).one()
    return int(row[0]), int(row[1])


def count(conn: Connection, challenger_id: int, counted: Figures) -> None:
    """Add what a serving process counted."""
    empty = {name: getattr(Figures(), name) for name in Figures.__slots__}
    conn.execute(insert_new(conn, challenger_figures), [{"challenger": challenger_id, **empty}])
    added = {
        name: challenger_figures.c[name] + getattr(counted, name) for name in Figures.__slots__
    }
    conn.execute(
        update(challenger_figures)
        .where(challenger_figures.c.challenger == challenger_id)
        .values(**added)
    )


def figures_of(conn: Connection, challenger_id: int) -> Figures:
    """Return all that was counted of a challenger."""
    query = select(*(challenger_figures.c[name] for name in Figures.__slots__)).where(
        challenger_figures.c.challenger == challenger_id
    )
    row = conn.execute(query).mappings().one_or_none()
    return Figures() if row is None else Figures(**row)


def answers(conn: Connection, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return what was answered in some predictions, by their ids; those not logged are not there.

    Parameters
    ----------
    ids
        Some hundreds at once.
    """
    held = predictions.c
    query = select(held.id, held.answer).where(held.id.in_(ids))
    return {row[0]: row[1] for row in conn.execute(query)}


def recent(
    conn: Connection, challenger: Challenger, role: str, limit: int
) -> list[Mapping[str, Any]]:
    """Return the newest answers of a role since a challenger began."""
    held = predictions.c
    version = challenger.version if role == CHALLENGER else challenger.champion
    query = (
        select(held.answer)
        .where(
            held.model == challenger.model,
            held.version == version,
            held.at >= challenger.started_at,
            held.role == role,
            held.environment == challenger.environment,
        )
        .order_by(held.at.desc())
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def act_of(challenger: Challenger, action: str, *, actor: str, reason: str) -> Act:
    """Return what the ledger learns of a challenger: ``started``, or the state it ended in."""
    return Act(
        actor=actor,
        action=f"challenger.{action}",
        subject=versions.subject(challenger.model, challenger.version),
        reason=reason,
        details={
            "challenger": challenger.id,
            "environment": challenger.environment,
            "champion": challenger.champion,
            "mode": str(challenger.mode),
            "share": challenger.share,
            "plan": challenger.plan.as_document(),
        },
    )


def event_of(challenger: Challenger, fate: str, *, at: datetime) -> OutboxEvent:
    """Return what the world learns of a challenger: ``started`` or ``ended``."""
    return OutboxEvent(
        type=f"io.pipewarden.challenger.{fate}",
        subject=versions.subject(challenger.model, challenger.version),
        data={
            "challenger": challenger.id,
            "model": challenger.model,
            "version": challenger.version,
            "champion": challenger.champion,
            "environment": challenger.environment,
            "mode": str(challenger.mode),
            "share": challenger.share,
            "state": str(challenger.state),
            "actor": challenger.actor if challenger.running else challenger.ended_by,
            "reason": challenger.reason if challenger.running else challenger.ended_reason,
        },
        at=at,
        id=f"challenger/{challenger.id}/{fate}",
    )


def _listed(
    conn: Connection, *where: ColumnElement[bool], limit: int | None = None
) -> list[Challenger]:
    query = select(challengers).where(*where).order_by(challengers.c.id.desc()).limit(limit)
    return [_challenger(row) for row in conn.execute(query).mappings()]


def _challenger(row: Mapping[Any, Any]) -> Challenger:
    typed = {
        "mode": ChallengerMode(row["mode"]),
        "state": ChallengerState(row["state"]),
        "plan": ComparisonPlan.of_document(row["plan"]),
    }
    return Challenger(**{**row, **typed})
