"""The outbox: what is to be told to the world, written in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from pipewarden.store.state.schema import outbox, undelivered_events

#: The CloudEvents ``source`` of every event: the context in which ``id`` is unique.
SOURCE = "/pipewarden"
#: What every type begins with; the relay may put another in its place.
TYPE_PREFIX = "io.pipewarden"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """One event to be relayed.

    Parameters
    ----------
    type
        Such as ``io.pipewarden.job.started``.
    subject
        A job's id, or ``<run id>/<item key>``.
    data
        Plain values; no document text.
    at
        When it happened; UTC.
    id
        Unique, and the same whenever the same fact is told, so that a receiver can tell a repeat.
    """

    type: str
    subject: str
    data: Mapping[str, Any]
    at: datetime
    id: str

    def as_cloud_event(self) -> dict[str, Any]:
        """Return the attributes and data under their CloudEvents 1.0 JSON names."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": SOURCE,
            "type": self.type,
            "subject": self.subject,
            "time": self.at.isoformat(),
            "datacontenttype": "application/json",
            "data": dict(self.data),
        }


def append(conn: Connection, events: Sequence[OutboxEvent]) -> None:
    """Write events, in order, to be relayed once the caller's transaction is committed."""
    if events:
        conn.execute(
            insert(outbox), [event.as_cloud_event() | {"time": event.at} for event in events]
        )


def page(conn: Connection, after: int = 0, limit: int = 100) -> list[tuple[int, OutboxEvent]]:
    """Return up to ``limit`` events that follow number ``after``, each with its number."""
    query = select(outbox).where(outbox.c.seq > after).order_by(outbox.c.seq).limit(limit)
    return [(row["seq"], from_row(row)) for row in conn.execute(query).mappings()]


def numbered(conn: Connection, seqs: Sequence[int]) -> list[tuple[int, OutboxEvent]]:
    """Return the events of these numbers, in order; what is no longer held is left out."""
    query = select(outbox).where(outbox.c.seq.in_(seqs)).order_by(outbox.c.seq)
    return [(row["seq"], from_row(row)) for row in conn.execute(query).mappings()]


def from_row(row: Mapping[Any, Any], prefix: str = "") -> OutboxEvent:
    """Return the event of a row whose columns are named with a prefix."""
    return OutboxEvent(
        type=row[f"{prefix}type"],
        subject=row[f"{prefix}subject"],
        data=row[f"{prefix}data"],
        at=row[f"{prefix}time"],
        id=row[f"{prefix}id"],
    )


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many events lie behind a cursor, and when the first of them happened."""

    events: int
    oldest_at: datetime | None


def newest(conn: Connection) -> int:
    """Return the number of the last event; 0 where there is none."""
    return conn.execute(select(func.max(outbox.c.seq))).scalar() or 0


def backlog(conn: Connection, after: int) -> Backlog:
    """Return what follows number ``after``."""
    behind = outbox.c.seq > after
    events = conn.execute(select(func.count()).select_from(outbox).where(behind)).scalar_one()
    first = select(outbox.c.time).where(behind).order_by(outbox.c.seq).limit(1)
    return Backlog(events, conn.execute(first).scalar())


def first_since(conn: Connection, at: datetime) -> int | None:
    """Return the lowest number of an event since a time; None: there is none."""
    return conn.execute(select(func.min(outbox.c.seq)).where(outbox.c.time >= at)).scalar()


def prunable(conn: Connection, *, through: int, before: datetime, limit: int = 1_000) -> list[int]:
    """Return the oldest events that nobody needs any more, up to ``limit`` of them.

    Parameters
    ----------
    through
        The lowest cursor of the enabled targets.
    before
        Only of events that happened earlier than so.
    """
    lacked = select(undelivered_events.c.seq).where(undelivered_events.c.seq == outbox.c.seq)
    oldest = (
        select(outbox.c.seq, outbox.c.time)
        .where(outbox.c.seq <= through, ~lacked.exists())
        .order_by(outbox.c.seq)
        .limit(limit)
    )
    return [row.seq for row in conn.execute(oldest) if row.time < before]


def remove(conn: Connection, seqs: Sequence[int]) -> int:
    """Delete events that no target lacks; return how many went."""
    lacked = select(undelivered_events.c.seq).where(undelivered_events.c.seq == outbox.c.seq)
    gone = delete(outbox).where(outbox.c.seq.in_(seqs), ~lacked.exists())
    return conn.execute(gone).rowcount
