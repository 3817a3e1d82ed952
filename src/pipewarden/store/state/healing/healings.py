"""Healings: opened once, moved by compare-and-set under a lease, and kept for good.

Of two healers that look at one model at once, one opens a healing; of two that go on with one, one
holds its lease. What a healer writes after another took its lease over is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from pipewarden.core.chain import Act
from pipewarden.core.healing.deciding import Decision
from pipewarden.core.healing.states import (
    HEALING_TRANSITIONS,
    Healing,
    HealingState,
)
from pipewarden.errors import Fenced, IllegalTransition
from pipewarden.store.state.healing.leases import claim, holding, release
from pipewarden.store.state.healing.rows import OPEN, all_open, get, history, latest, opened
from pipewarden.store.state.healing.schema import healings
from pipewarden.store.state.outbox import OutboxEvent

__all__ = [
    "act_of",
    "all_open",
    "claim",
    "event_of",
    "failed",
    "get",
    "go_on",
    "history",
    "hold",
    "keep",
    "latest",
    "move",
    "opened",
    "record",
    "release",
]


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
    change = update(healings).where(t.id == healing.id, t.paused_at.is_(None), t.state.in_(OPEN))
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
    change = update(healings).where(*holding(healing), healings.c.state == healing.state)
    if conn.execute(change.values(**values)).rowcount != 1:
        held = get(conn, healing.id)
        raise Fenced(
            f"{held.name} of {held.model} is {held.state} by now, in the hands of "
            f"{held.lease_owner or 'nobody'}: another healer or a person was quicker",
            left_behind="their change holds",
            next_step=f"pipewarden heal status --model {held.model}",
        )
    return get(conn, healing.id)


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
