"""Rounds of checks: one at a time, and what each of them found in few numbers.

A round that is open holds a lease. Whoever stores what it found closes it in the same transaction,
which only the holder of the lease can: of two monitors, one is heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Table, insert, select, update

from pipewarden.errors import Fenced, Locked, UnknownName
from pipewarden.store.state.column_types import Json, Name, Time
from pipewarden.store.state.schema import metadata

#: Every check that ever began; of those that run at present there is at most one.
check_rounds = Table(
    "check_rounds",
    metadata,
    Column("check_id", Name, primary_key=True),
    Column("at", Time, nullable=False),
    Column("owner", Name, nullable=False),
    Column("actor", Name, nullable=False),
    Column("lease_expires_at", Time, nullable=False),
    Column("running", Integer),
    Column("finished_at", Time),
    Column("counts", Json, nullable=False),
    Column("failures", Json, nullable=False),
    Index("ix_check_rounds_running", "running", unique=True),
    Index(None, "at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRound:
    """One check of all that is watched.

    Parameters
    ----------
    owner
        ``host:pid:start`` of the process that ran it.
    running
        1 while it runs, else None.
    finished_at
        When its observations were stored; None of one that runs, or never came to that.
    counts
        Observations by status.
    failures
        Part → why it could not be checked.
    """

    check_id: str
    at: datetime
    owner: str
    actor: str
    lease_expires_at: datetime
    running: int | None = None
    finished_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)


def begin(
    conn: Connection,
    check_id: str,
    *,
    owner: str,
    actor: str,
    at: datetime,
    lease_seconds: float,
    not_since: datetime | None = None,
) -> bool:
    """Begin a check, unless there is one.

    Parameters
    ----------
    lease_seconds
        After which it counts as dead unless it has ended.
    not_since
        Begin only if no check has begun at this time or later.

    Returns
    -------
    bool
        False, and nothing is written, when a check has begun since.

    Raises
    ------
    Locked
        Another check runs.
    """
    newest = latest(conn)
    if not_since is not None and newest is not None and newest.at >= not_since:
        return False
    running = _running(conn)
    if running is not None and running.lease_expires_at > at:
        raise Locked(
            f"a check is being run by {running.owner} since {running.at:%Y-%m-%d %H:%M:%S} UTC",
            left_behind="nothing was checked",
            next_step=f"wait for it; it counts as dead at {running.lease_expires_at:%H:%M:%S} UTC",
        )
    if running is not None:
        give_up(conn, running.check_id, {"check": f"{running.owner} did not end it in time"})
    values = {
        "check_id": check_id,
        "at": at,
        "owner": owner,
        "actor": actor,
        "lease_expires_at": at + timedelta(seconds=lease_seconds),
        "running": 1,
        "counts": {},
        "failures": {},
    }
    conn.execute(insert(check_rounds).values(values))
    return True


def finish(
    conn: Connection,
    check_id: str,
    *,
    at: datetime,
    counts: Mapping[str, int],
    failures: Mapping[str, str],
) -> None:
    """Close a check whose observations are stored in this transaction.

    Raises
    ------
    Fenced
        It took so long that another check took its place; nothing of it may be stored.
    """
    change = update(check_rounds).where(
        check_rounds.c.check_id == check_id, check_rounds.c.running == 1
    )
    values: dict[str, Any] = {
        "running": None,
        "finished_at": at,
        "counts": dict(counts),
        "failures": dict(failures),
    }
    if conn.execute(change.values(values)).rowcount == 0:
        raise Fenced(
            f"the check {check_id} took longer than its lease, and another took its place",
            left_behind="nothing that it found is stored",
            next_step="raise monitoring.lease_seconds, or watch fewer models at once",
        )


def give_up(conn: Connection, check_id: str, failures: Mapping[str, str]) -> None:
    """Close a check that will store nothing; one that is closed stays as it is."""
    change = update(check_rounds).where(
        check_rounds.c.check_id == check_id, check_rounds.c.running == 1
    )
    conn.execute(change.values(running=None, failures=dict(failures)))


def latest(conn: Connection) -> CheckRound | None:
    """Return the check that began last, or None."""
    found = listed(conn, limit=1)
    return found[0] if found else None


def latest_finished(conn: Connection) -> CheckRound | None:
    """Return the check that began last of those that stored what they found, or None."""
    query = select(check_rounds).where(check_rounds.c.finished_at.is_not(None))
    newest = query.order_by(check_rounds.c.at.desc(), check_rounds.c.check_id.desc()).limit(1)
    row = conn.execute(newest).mappings().one_or_none()
    return None if row is None else CheckRound(**row)


def get(conn: Connection, check_id: str) -> CheckRound:
    """Return one check.

    Raises
    ------
    UnknownName
        There is none of this name.
    """
    query = select(check_rounds).where(check_rounds.c.check_id == check_id)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise UnknownName(f"there is no check {check_id!r}", next_step="pipewarden monitor digest")
    return CheckRound(**row)


def listed(
    conn: Connection, *, since: datetime | None = None, limit: int | None = None
) -> list[CheckRound]:
    """Return checks, the newest first."""
    query = select(check_rounds).order_by(check_rounds.c.at.desc(), check_rounds.c.check_id.desc())
    if since is not None:
        query = query.where(check_rounds.c.at >= since)
    return [CheckRound(**row) for row in conn.execute(query.limit(limit)).mappings()]


def _running(conn: Connection) -> CheckRound | None:
    query = select(check_rounds).where(check_rounds.c.running == 1)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else CheckRound(**row)
