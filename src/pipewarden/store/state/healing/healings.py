"""Healings: opened once, moved by compare-and-set under a lease, and kept for good.

Of two healers that look at one model at once, one opens a healing; of two that go on with one, one
holds its lease. What a healer writes after another took its lease over is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from pipewarden.core.chain import Act
from pipewarden.core.healing.deciding import Decision
from pipewarden.core.healing.states import (
    ENDS,
    HEALING_TRANSITIONS,
    Action,
    Healing,
    HealingState,
    Trigger,
)
from pipewarden.errors import Fenced, IllegalTransition, Locked, UnknownName
from pipewarden.store.state.healing.schema import healings
from pipewarden.store.state.outbox import OutboxEvent

_OPEN = sorted(set(HealingState) - ENDS)


def record(
    conn: Connection,
    decision: Decision,
    *,
    model: str,
    environment: str,
    champion: int,
    actor: str,
    at: datetime,
    candidate: int | None = None,
) -> tuple[Healing, bool]:
    """Write a decision; return its healing, and whether it is new.

    A decision not to act that is the same as the last one is counted there. To act on a model that
    is being healed already is no new healing.
    """
    key = decision.key
    if not decision.acts:
        last = latest(conn, model, environment)
        if last is not None and last.state is HealingState.DECLINED and _key(conn, last.id) == key:
            values = {"times": last.times + 1, "last_at": at}
            conn.execute(update(healings).where(healings.c.id == last.id).values(**values))
            return get(conn, last.id), False
    held = opened(conn, model, environment)
    if decision.acts and held is not None:
        return held, False
    values = {
        "model": model,
        "environment": environment,
        "state": HealingState.DECIDED if decision.acts else HealingState.DECLINED,
        "trigger": decision.trigger,
        "action": decision.action,
        "champion": champion,
        "candidate": candidate,
        "key": key,
        "decision": {**decision.evidence, "reasons": _plain(decision)},
        "facts": {},
        "reason": decision.words,
        "actor": actor,
        "times": 1,
        **dict.fromkeys(("opened_at", "last_at", "entered_at"), at),
        "ended_at": None if decision.acts else at,
        **dict.fromkeys(("attempts", "lease_token"), 0),
        **dict.fromkeys(("error", "paused_by", "lease_owner"), ""),
    }
    made = conn.execute(insert(healings).values(**values)).inserted_primary_key
    assert made is not None
    return get(conn, made[0]), True


def _plain(decision: Decision) -> list[dict[str, str]]:
    return [{"code": one.code, "words": one.words} for one in decision.reasons]


def _key(conn: Connection, healing_id: int) -> str:
    query = select(healings.c.key).where(healings.c.id == healing_id)
    return str(conn.execute(query).scalar_one())


def get(conn: Connection, healing_id: int) -> Healing:
    """Return one healing.

    Raises
    ------
    UnknownName
        There is none of this number.
    """
    found = _listed(conn, healings.c.id == healing_id)
    if not found:
        raise UnknownName(f"there is no healing {healing_id}", next_step="pipewarden heal status")
    return found[0]


def opened(conn: Connection, model: str, environment: str) -> Healing | None:
    """Return the healing of a model that goes on, or None."""
    found = _listed(conn, *_of(model, environment), healings.c.state.in_(_OPEN))
    return found[0] if found else None


def all_open(conn: Connection) -> list[Healing]:
    """Return every healing that goes on, the oldest first."""
    return _listed(conn, healings.c.state.in_(_OPEN))[::-1]


def latest(conn: Connection, model: str, environment: str) -> Healing | None:
    """Return the newest decision about a model; None where there was none."""
    return next(iter(_listed(conn, *_of(model, environment), limit=1)), None)


def history(
    conn: Connection,
    *,
    model: str | None = None,
    environment: str | None = None,
    acted: bool = False,
    since: datetime | None = None,
    limit: int | None = 100,
) -> list[Healing]:
    """Return healings, the newest first.

    Parameters
    ----------
    acted
        Only those of decisions to act.
    since
        Only those that were opened at this time or later.
    """
    where: list[ColumnElement[bool]] = []
    if model is not None:
        where.append(healings.c.model == model)
    if environment is not None:
        where.append(healings.c.environment == environment)
    if acted:
        where.append(healings.c.state != HealingState.DECLINED)
    if since is not None:
        where.append(healings.c.opened_at >= since)
    return _listed(conn, *where, limit=limit)


# ── the lease ────────────────────────────────────────────────────────────────────────────────────


def claim(
    conn: Connection,
    healing_id: int,
    *,
    owner: str,
    at: datetime,
    seconds: float,
    steal_from: str = "",
) -> Healing:
    """Take the right to go on with a healing; return it with the lease.

    Parameters
    ----------
    owner
        This healer; one that holds the lease already renews it, and its fence grows.
    steal_from
        An owner that the caller knows to be dead; its lease need not have expired.

    Raises
    ------
    Locked
        Another healer holds it.
    IllegalTransition
        It has ended.
    """
    t = healings.c
    mine = t.lease_owner.in_({"", owner, steal_from})
    free = or_(mine, t.lease_expires_at.is_(None), t.lease_expires_at <= at)
    change = update(healings).where(t.id == healing_id, t.state.in_(_OPEN), free)
    values = {
        "lease_owner": owner,
        "lease_token": t.lease_token + 1,
        "lease_expires_at": at + timedelta(seconds=seconds),
    }
    if conn.execute(change.values(**values)).rowcount == 1:
        return get(conn, healing_id)
    held = get(conn, healing_id)
    if held.state.ended:
        raise IllegalTransition(
            f"{held.name} of {held.model} is {held.state}: nothing is left to do",
            next_step=f"pipewarden heal explain --model {held.model}",
        )
    raise Locked(
        f"{held.name} of {held.model} is in the hands of {held.lease_owner} until "
        f"{held.lease_expires_at}",
        left_behind="nothing was changed",
        next_step="wait; whoever it is, another goes on after that time",
    )


def release(conn: Connection, healing: Healing) -> None:
    """Give the lease back; harmless where another holds it by now."""
    change = update(healings).where(*_holding(healing))
    conn.execute(change.values(lease_owner="", lease_expires_at=None))


# ── changes ──────────────────────────────────────────────────────────────────────────────────────


def move(
    conn: Connection,
    healing: Healing,
    state: HealingState,
    *,
    at: datetime,
    reason: str,
    candidate: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Healing:
    """Bring a healing into another state; return it as it is then.

    Raises
    ------
    IllegalTransition
        Its state does not allow it.
    Fenced
        Another healer took it over, or somebody changed it meanwhile; nothing holds.
    """
    if state not in HEALING_TRANSITIONS[healing.state]:
        raise IllegalTransition(
            f"{healing.name} of {healing.model} is {healing.state}, which cannot become {state}",
            left_behind="nothing was changed",
            next_step=f"pipewarden heal explain --model {healing.model}",
        )
    values: dict[str, Any] = {
        "state": state,
        "reason": reason,
        "entered_at": at,
        "ended_at": at if state.ended else None,
        "attempts": 0,
        "error": "",
        "facts": {**healing.facts, **(facts or {})},
    }
    if candidate is not None:
        values["candidate"] = candidate
    return _changed(conn, healing, values)


def keep(conn: Connection, healing: Healing, facts: Mapping[str, Any]) -> Healing:
    """Write what a step found or made, without a change of state.

    Raises
    ------
    Fenced
        As `move`.
    """
    return _changed(conn, healing, {"facts": {**healing.facts, **facts}})


def failed(conn: Connection, healing: Healing, error: str) -> Healing:
    """Count that the step of the present state failed.

    Raises
    ------
    Fenced
        As `move`.
    """
    values = {"attempts": healing.attempts + 1, "error": error[:1000]}
    return _changed(conn, healing, values)


def hold(conn: Connection, healing: Healing, *, at: datetime, actor: str) -> Healing:
    """Pause a healing that goes on, whoever holds its lease; what is paused already stays so."""
    t = healings.c
    change = update(healings).where(t.id == healing.id, t.paused_at.is_(None), t.state.in_(_OPEN))
    conn.execute(change.values(paused_at=at, paused_by=actor))
    return get(conn, healing.id)


def go_on(conn: Connection, healing: Healing, *, at: datetime) -> Healing:
    """Let a paused healing go on; the time of its pause does not count for its state."""
    if healing.paused_at is None:
        return healing
    t = healings.c
    values = {
        "paused_at": None,
        "paused_by": "",
        "entered_at": healing.entered_at + (at - healing.paused_at),
    }
    change = update(healings).where(t.id == healing.id, t.paused_at == healing.paused_at)
    conn.execute(change.values(**values))
    return get(conn, healing.id)


def _changed(conn: Connection, healing: Healing, values: Mapping[str, Any]) -> Healing:
    change = update(healings).where(*_holding(healing), healings.c.state == healing.state)
    if conn.execute(change.values(**values)).rowcount != 1:
        held = get(conn, healing.id)
        raise Fenced(
            f"{held.name} of {held.model} is {held.state} by now, in the hands of "
            f"{held.lease_owner or 'nobody'}: another healer or a person was quicker",
            left_behind="their change holds",
            next_step=f"pipewarden heal status --model {held.model}",
        )
    return get(conn, healing.id)


def _holding(healing: Healing) -> tuple[ColumnElement[bool], ...]:
    t = healings.c
    return (t.id == healing.id, t.lease_token == healing.lease_token)


# ── what is told of it ───────────────────────────────────────────────────────────────────────────


def act_of(healing: Healing, action: str, *, actor: str, **details: Any) -> Act:
    """Return what the ledger learns of a healing.

    Parameters
    ----------
    action
        The verb: a state, or ``paused`` and the like.
    """
    facts = {
        "model": healing.model,
        "environment": healing.environment,
        "trigger": str(healing.trigger),
        "action": str(healing.action),
        "champion": healing.champion,
        "candidate": healing.candidate,
        **details,
    }
    return Act(
        actor=actor,
        action=f"healing.{action}",
        subject=healing.name,
        reason=healing.reason,
        details={name: value for name, value in facts.items() if value is not None},
    )


def event_of(healing: Healing, *, at: datetime) -> OutboxEvent:
    """Return what the world learns of the state that a healing has come into."""
    return OutboxEvent(
        type=f"io.pipewarden.healing.{healing.state}",
        subject=healing.model,
        data={
            "healing": healing.id,
            "model": healing.model,
            "environment": healing.environment,
            "trigger": str(healing.trigger),
            "action": str(healing.action),
            "champion": healing.champion,
            "candidate": healing.candidate,
            "reason": healing.reason,
        },
        at=at,
        id=f"{healing.name}/{healing.state}/{healing.lease_token}",
    )


def _of(model: str, environment: str) -> tuple[ColumnElement[bool], ...]:
    return (healings.c.model == model, healings.c.environment == environment)


def _listed(
    conn: Connection, *where: ColumnElement[bool], limit: int | None = None
) -> list[Healing]:
    query = select(healings).where(*where).order_by(healings.c.id.desc()).limit(limit)
    return [_healing(row) for row in conn.execute(query).mappings()]


def _healing(row: Mapping[Any, Any]) -> Healing:
    held = {name: row[name] for name in Healing.__slots__}
    return Healing(
        **{
            **held,
            "state": HealingState(held["state"]),
            "trigger": Trigger(held["trigger"]),
            "action": Action(held["action"]),
        }
    )
