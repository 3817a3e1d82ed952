"""The outbox: what is to be told to the world, written in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from pipewarden.store.state.schema import outbox

#: The CloudEvents ``source`` of every event: the context in which ``id`` is unique.
SOURCE = "/pipewarden"


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
    return [
        (
            row.seq,
            OutboxEvent(type=row.type, subject=row.subject, data=row.data, at=row.time, id=row.id),
        )
        for row in conn.execute(query)
    ]
