"""Notices: each one thing to be told of one incident on one channel, and whether it was told.

A notice is written in the transaction of what it tells. Sending takes a lease first and notes the
outcome afterwards; whoever dies in between leaves a lease that runs out, and the notice is sent
once more. A second such death gives it up: a message is repeated at most once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    func,
    insert,
    or_,
    select,
    update,
)

from pipewarden.core.monitoring.alerts.schedule import Purpose
from pipewarden.core.outages.breaker import Breaker
from pipewarden.store.state.column_types import Name, Time
from pipewarden.store.state.schema import metadata, serial

#: How many senders may die while they send one notice before it is given up.
_LOSSES = 2


class NoticeState(StrEnum):
    """What became of a notice."""

    WAITING = "waiting"
    SENT = "sent"
    #: Given up.
    FAILED = "failed"
    #: The incident was over, or acknowledged, before it could be sent.
    OVERTAKEN = "overtaken"


_states = ", ".join(f"'{state}'" for state in NoticeState)

alert_notices = Table(
    "alert_notices",
    metadata,
    Column("id", serial, primary_key=True),
    Column("incident", BigInteger, ForeignKey("incidents.id"), nullable=False),
    *(Column(name, Name, nullable=False) for name in ("purpose", "occasion", "channel")),
    *(Column(name, Name, nullable=False) for name in ("batch", "instead_of", "state")),
    *(Column(name, Time, nullable=False) for name in ("created_at", "due_at")),
    *(Column(name, Integer, nullable=False) for name in ("tries", "losses")),
    Column("lease_owner", Name),
    Column("lease_expires_at", Time),
    Column("sent_at", Time),
    Column("error", Name, nullable=False),
    CheckConstraint(f"state IN ({_states})", name="state"),
    UniqueConstraint("incident", "purpose", "occasion", "channel"),
    Index(None, "state", "due_at"),
    sqlite_autoincrement=True,
)

#: How each channel has been lately.
alert_channels = Table(
    "alert_channels",
    metadata,
    Column("name", Name, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("retry_at", Time),
    Column("error", Name, nullable=False),
    Column("failed_at", Time),
    Column("sent_at", Time),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to be told of one incident on one channel; all times are UTC.

    Parameters
    ----------
    batch
        What is sent together: all notices of one channel with the same batch are one message.
    instead_of
        The channel whose place this one takes; empty: its own.
    tries, losses
        How often sending failed, and how often the sender did not live to say.
    """

    id: int = 0
    incident: int
    purpose: Purpose
    occasion: str
    channel: str
    batch: str
    instead_of: str = ""
    state: NoticeState = NoticeState.WAITING
    created_at: datetime
    due_at: datetime
    tries: int = 0
    losses: int = 0
    lease_owner: str | None = None
    lease_expires_at: datetime | None = None
    sent_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """How a channel has been lately; of a new one the beginning."""

    name: str
    failures: int = 0
    retry_at: datetime | None = None
    error: str = ""
    failed_at: datetime | None = None
    sent_at: datetime | None = None

    @property
    def breaker(self) -> Breaker:
        """When it may be tried."""
        return Breaker(self.failures, self.retry_at)


def plan(conn: Connection, new: Sequence[Notice]) -> int:
    """Write notices that were not planned before; return how many."""
    written = 0
    for notice in new:
        same = [
            alert_notices.c[name] == getattr(notice, name)
            for name in ("incident", "purpose", "occasion", "channel")
        ]
        if conn.execute(select(alert_notices.c.id).where(*same)).first() is None:
            values = {name: getattr(notice, name) for name in Notice.__slots__ if name != "id"}
            conn.execute(insert(alert_notices).values(**values))
            written += 1
    return written


def overtake(conn: Connection, incident: int, purposes: Collection[Purpose]) -> None:
    """Give up what waits to be sent of an incident and is in nobody's hands."""
    waiting = (
        alert_notices.c.incident == incident,
        alert_notices.c.purpose.in_(list(purposes)),
        alert_notices.c.state == NoticeState.WAITING,
        alert_notices.c.lease_owner.is_(None),
    )
    conn.execute(update(alert_notices).where(*waiting).values(state=NoticeState.OVERTAKEN))


def of_incident(conn: Connection, incident: int) -> list[Notice]:
    """Return every notice of an incident, in the order in which they were planned."""
    query = select(alert_notices).where(alert_notices.c.incident == incident)
    return _notices(conn, query.order_by(alert_notices.c.id))


def waiting(conn: Connection) -> list[Notice]:
    """Return every notice that is to be sent, now or later, the oldest first."""
    query = select(alert_notices).where(alert_notices.c.state == NoticeState.WAITING)
    return _notices(conn, query.order_by(alert_notices.c.id))


def claim(
    conn: Connection, channel: str, *, owner: str, at: datetime, ttl_seconds: float
) -> list[Notice]:
    """Take the oldest batch that a channel is to be sent now; return it, or nothing.

    What another took and did not live to report is taken once more, and then given up.

    Parameters
    ----------
    owner
        Who sends; of each claim another.
    """
    held = alert_notices.c
    mine = (held.channel == channel, held.state == NoticeState.WAITING)
    _count_losses(conn, mine, at)
    free = (*mine, held.due_at <= at, held.lease_owner.is_(None))
    first = conn.execute(select(held.batch).where(*free).order_by(held.id).limit(1)).scalar()
    if first is None:
        return []
    batch = (*free, held.batch == first)
    lease = {"lease_owner": owner, "lease_expires_at": at + timedelta(seconds=ttl_seconds)}
    conn.execute(update(alert_notices).where(*batch).values(lease))
    taken = select(alert_notices).where(held.lease_owner == owner).order_by(held.id)
    return _notices(conn, taken)


def _count_losses(conn: Connection, mine: Sequence[Any], at: datetime) -> None:
    held = alert_notices.c
    lost = (*mine, held.lease_owner.is_not(None), held.lease_expires_at <= at)
    free = {"lease_owner": None, "lease_expires_at": None, "losses": held.losses + 1}
    conn.execute(update(alert_notices).where(*lost).values(free))
    error = "whoever sent it died twice before saying whether it went out"
    given_up = {"state": NoticeState.FAILED, "error": error}
    conn.execute(update(alert_notices).where(*mine, held.losses >= _LOSSES).values(given_up))


def note_sent(conn: Connection, owner: str, at: datetime) -> int:
    """Take note that the batch of a claim was sent; return of how many notices it still was."""
    mine = (alert_notices.c.lease_owner == owner, alert_notices.c.state == NoticeState.WAITING)
    sent = {"state": NoticeState.SENT, "sent_at": at, "error": "", **_FREE}
    return conn.execute(update(alert_notices).where(*mine).values(sent)).rowcount


def note_failed(conn: Connection, owner: str, error: str, *, attempts: int) -> None:
    """Take note that the batch of a claim was not sent.

    Parameters
    ----------
    attempts
        After so many tries a notice is given up.
    """
    held = alert_notices.c
    mine = (held.lease_owner == owner, held.state == NoticeState.WAITING)
    last = (*mine, held.tries + 1 >= attempts)
    failed = {"tries": held.tries + 1, "error": error, **_FREE}
    conn.execute(update(alert_notices).where(*last).values(state=NoticeState.FAILED, **failed))
    conn.execute(update(alert_notices).where(*mine).values(failed))


_FREE: dict[str, Any] = {"lease_owner": None, "lease_expires_at": None}


def channels(conn: Connection) -> dict[str, ChannelState]:
    """Return every channel that was ever sent to, by name."""
    query = select(alert_channels).order_by(alert_channels.c.name)
    return {row["name"]: ChannelState(**dict(row)) for row in conn.execute(query).mappings()}


def note_channel(conn: Connection, state: ChannelState) -> None:
    """Write how a channel is."""
    values = {name: getattr(state, name) for name in ChannelState.__slots__}
    there = update(alert_channels).where(alert_channels.c.name == state.name).values(**values)
    if conn.execute(there).rowcount == 0:
        conn.execute(insert(alert_channels).values(**values))


def backlog(conn: Connection, at: datetime) -> dict[str, int]:
    """Return how many notices that are due each channel has not been sent."""
    held = alert_notices.c
    query = select(held.channel, func.count()).where(
        held.state == NoticeState.WAITING, held.due_at <= at
    )
    return {row[0]: row[1] for row in conn.execute(query.group_by(held.channel))}


def drop_unknown(conn: Connection, known: Sequence[str], at: datetime) -> None:
    """Give up what waits for a channel that the settings do not have any more."""
    held = alert_notices.c
    gone = (held.state == NoticeState.WAITING, held.due_at <= at, held.channel.not_in(known))
    error = "the settings have no such channel any more"
    change = {"state": NoticeState.FAILED, "error": error, **_FREE}
    conn.execute(update(alert_notices).where(*gone).values(change))


def stuck(conn: Connection, tries: int, *, at: datetime, since: datetime) -> list[Notice]:
    """Return what another channel is to tell, and none was asked to yet, the oldest first.

    That is what was given up, and what is due and was tried so often, or whose channel was.

    Parameters
    ----------
    tries
        How many failed tries of the notice, or of its channel in a row, are enough.
    since
        Nothing that was planned before this.
    """
    held, other = alert_notices.c, alert_notices.alias("other")
    down = select(alert_channels.c.name).where(alert_channels.c.failures >= tries)
    often = (held.state == NoticeState.WAITING) & or_(held.tries >= tries, held.channel.in_(down))
    same = [other.c[name] == held[name] for name in ("incident", "purpose", "occasion")]
    asked = select(other.c.id).where(*same, other.c.instead_of == held.channel).exists()
    query = select(alert_notices).where(
        or_(often, held.state == NoticeState.FAILED),
        held.due_at <= at,
        held.created_at >= since,
        ~asked,
    )
    return _notices(conn, query.order_by(held.id))


def _notices(conn: Connection, query: Any) -> list[Notice]:
    return [
        Notice(
            **{
                **row,
                "purpose": Purpose(row["purpose"]),
                "state": NoticeState(row["state"]),
            }
        )
        for row in conn.execute(query).mappings()
    ]
