"""The lease on a healing: one healer at a time, and none that can write after it was replaced."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, or_, update

from pipewarden.core.healing.states import Healing
from pipewarden.errors import IllegalTransition, Locked
from pipewarden.store.state.healing.rows import OPEN, get
from pipewarden.store.state.healing.schema import healings


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
    change = update(healings).where(t.id == healing_id, t.state.in_(OPEN), free)
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
    change = update(healings).where(*holding(healing))
    conn.execute(change.values(lease_owner="", lease_expires_at=None))


def holding(healing: Healing) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that nobody took the lease since it was read."""
    t = healings.c
    return (t.id == healing.id, t.lease_token == healing.lease_token)
