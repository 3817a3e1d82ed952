"""What jobs wait for: the breakers of the processes that run them, so that others can show them.

A row stands here only while its dependency does not answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from pipewarden.core.outages.breaker import Breaker
from pipewarden.store.state.schema import breakers, insert_or_replace

#: The owner of what every process shares, and nobody's end makes untrue.
SHARED = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRow:
    """A dependency that does not answer somebody.

    Parameters
    ----------
    owner
        Who says so, ``host:pid:start``; or `SHARED`.
    name
        Such as ``broker``.
    job_id
        The job that waits for it; empty for none.
    failures, retry_at
        Tries that failed in a row, and when the next is due.
    since
        When it first did not answer.
    told_at
        When this was last said; all times are UTC.
    """

    owner: str
    name: str
    job_id: str = ""
    failures: int
    retry_at: datetime | None
    since: datetime | None
    told_at: datetime

    @property
    def breaker(self) -> Breaker:
        """The breaker as a value."""
        return Breaker(self.failures, self.retry_at)


def tell(conn: Connection, owner: str, rows: Iterable[BreakerRow]) -> None:
    """Let these be all that does not answer an owner."""
    conn.execute(delete(breakers).where(breakers.c.owner == owner))
    told = [{name: getattr(row, name) for name in BreakerRow.__slots__} for row in rows]
    if told:
        conn.execute(insert_or_replace(conn, breakers), told)


def forget(conn: Connection, before: datetime) -> None:
    """Forget what owners last said before a time; what is shared stays."""
    conn.execute(delete(breakers).where(breakers.c.owner != SHARED, breakers.c.told_at < before))


def known(conn: Connection) -> list[BreakerRow]:
    """Return what does not answer somebody, by name, owner after owner."""
    query = select(breakers).order_by(breakers.c.name, breakers.c.owner)
    return [BreakerRow(**row) for row in conn.execute(query).mappings()]
