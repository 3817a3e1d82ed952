"""Where the relay stands with each event target, and the lease that keeps relays apart.

One relay at a time works for a target. Taking the lease raises its token, and what is written under
an older token is refused, so a relay that was only asleep cannot move the cursor back.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from pipewarden.errors import Fenced, Locked
from pipewarden.store.state.schema import event_targets


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """What is known of one target.

    Parameters
    ----------
    cursor
        Every event up to this number is delivered, not for this target, waiting or dead.
    delivered
        How many deliveries it has confirmed in all; a repeat counts again.
    failures
        How many tries failed since the last that did not.
    retry_at
        Before then it is left alone; None: it is not.
    last_error, last_error_at, last_success_at
        What it answered last, and when; an error stays to be read after a success.
    lease_owner, lease_token, lease_expires_at
        The relay that works for it.
    """

    name: str
    cursor: int = 0
    delivered: int = 0
    failures: int = 0
    retry_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    last_success_at: datetime | None = None
    lease_owner: str | None = None
    lease_token: int = 0
    lease_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLease:
    """The right to send to a target, until it expires or is taken over."""

    target: str
    owner: str
    token: int
    expires_at: datetime


def get(conn: Connection, name: str) -> TargetState:
    """Return what is known of a target; of a new one the beginning."""
    query = select(event_targets).where(event_targets.c.name == name)
    row = conn.execute(query).mappings().one_or_none()
    return TargetState(name=name) if row is None else TargetState(**dict(row))


def known(conn: Connection) -> dict[str, TargetState]:
    """Return every target that was ever sent to, by name."""
    query = select(event_targets).order_by(event_targets.c.name)
    return {row["name"]: TargetState(**dict(row)) for row in conn.execute(query).mappings().all()}


def claim(
    conn: Connection, name: str, *, owner: str, at: datetime, ttl_seconds: float
) -> TargetLease:
    """Take the right to send to a target, free, one's own, or left behind by a relay that is gone.

    Parameters
    ----------
    owner
        This relay, such as ``host:pid:random``.
    at
        Now; aware.
    ttl_seconds
        For how long it lasts unless it is renewed.

    Raises
    ------
    Locked
        Another relay holds it, and its lease has not expired.
    """
    state = get(conn, name)
    held_by_other = state.lease_owner is not None and state.lease_owner != owner
    if held_by_other and state.lease_expires_at is not None and state.lease_expires_at > at:
        raise Locked(
            f"the event target {name} is served by {state.lease_owner} until "
            f"{state.lease_expires_at.isoformat(timespec='seconds')} unless it goes on",
            left_behind="nothing was sent",
            next_step="leave it to that relay, or try again after that time",
        )
    lease = TargetLease(
        target=name,
        owner=owner,
        token=state.lease_token + 1,
        expires_at=at + timedelta(seconds=ttl_seconds),
    )
    held = {
        "lease_owner": owner,
        "lease_token": lease.token,
        "lease_expires_at": lease.expires_at,
    }
    change = update(event_targets).where(
        event_targets.c.name == name, event_targets.c.lease_token == state.lease_token
    )
    if conn.execute(change.values(held)).rowcount == 0:
        new = {field.name: getattr(state, field.name) for field in fields(state)}
        conn.execute(insert(event_targets).values(new | held))
    return lease


def record(conn: Connection, lease: TargetLease, **values: Any) -> None:
    """Write columns of `TargetState` under a lease.

    Raises
    ------
    Fenced
        The lease is another's by now: stop sending.
    """
    change = update(event_targets).where(*_holding(lease)).values(values)
    if conn.execute(change).rowcount == 0:
        raise Fenced(
            f"the event target {lease.target} was taken over by another relay",
            left_behind="what was sent since may be sent again, under the same event ids",
        )


def renew(conn: Connection, lease: TargetLease, *, at: datetime, ttl_seconds: float) -> TargetLease:
    """Prolong a lease; see `record` for what it raises."""
    expires_at = at + timedelta(seconds=ttl_seconds)
    record(conn, lease, lease_expires_at=expires_at)
    return TargetLease(
        target=lease.target, owner=lease.owner, token=lease.token, expires_at=expires_at
    )


def release(conn: Connection, lease: TargetLease) -> None:
    """Give a lease back; harmless when it is another's by now."""
    change = update(event_targets).where(*_holding(lease))
    conn.execute(change.values(lease_owner=None, lease_expires_at=None))


def _holding(lease: TargetLease) -> tuple[ColumnElement[bool], ...]:
    return (event_targets.c.name == lease.target, event_targets.c.lease_token == lease.token)
