"""Events that a target does not have although its cursor has passed them: waiting, or dead.

A waiting event is sent (again) by the relay, and every later one of its subject waits behind it. A
dead one is kept with the reason until somebody has it tried again or discards it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, func, select, update

from pipewarden.store.state.outbox import OutboxEvent, from_row
from pipewarden.store.state.schema import insert_or_replace, outbox, undelivered_events

#: How many numbers one statement names: databases bound it.
_AT_ONCE = 500


class Fortune(StrEnum):
    """What becomes of an event that was not delivered."""

    WAITING = "waiting"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """One event that a target lacks.

    Parameters
    ----------
    seq
        Its number in the outbox.
    attempts
        How often it, and not the target as a whole, was found at fault.
    retry_at
        When it is tried again; None for a dead one.
    reason
        A short code: ``held`` behind another of its subject, ``failed``, ``replay``, ``invalid``,
        ``rejected``, ``too_large``, ``attempts``, or what the target says.
    error
        The sentence for a person.
    at
        When it came to this.
    """

    seq: int
    subject: str
    state: Fortune
    attempts: int = 0
    retry_at: datetime | None = None
    reason: str = ""
    error: str = ""
    at: datetime


def due(conn: Connection, target: str, now: datetime, limit: int) -> list[Undelivered]:
    """Return what may be sent to a target now, in order: the first ``limit`` events.

    A subject is due when its first waiting event is; then all of it is.
    """
    table, head = undelivered_events, undelivered_events.alias("head")
    first = (
        select(head.c.retry_at)
        .where(
            head.c.target == target,
            head.c.state == Fortune.WAITING,
            head.c.subject == table.c.subject,
        )
        .order_by(head.c.seq)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(*(column for column in table.c if column.name != "target"))
        .where(table.c.target == target, table.c.state == Fortune.WAITING, first <= now)
        .order_by(table.c.seq)
        .limit(limit)
    )
    return [
        Undelivered(**{**row, "state": Fortune(row["state"])})
        for row in conn.execute(query).mappings()
    ]


def waiting_of(conn: Connection, target: str, subjects: Iterable[str]) -> dict[str, int]:
    """Return how many events of each of some subjects wait for a target; none: left out."""
    table = undelivered_events
    query = (
        select(table.c.subject, func.count().label("held"))
        .where(
            table.c.target == target,
            table.c.state == Fortune.WAITING,
            table.c.subject.in_(sorted(set(subjects))),
        )
        .group_by(table.c.subject)
    )
    return {row.subject: row.held for row in conn.execute(query)}


def waiting_among(conn: Connection, target: str, seqs: Sequence[int]) -> set[int]:
    """Return which of some events wait for a target."""
    table = undelivered_events
    query = select(table.c.seq).where(
        table.c.target == target, table.c.state == Fortune.WAITING, table.c.seq.in_(seqs)
    )
    return set(conn.execute(query).scalars())


def dead(
    conn: Connection, target: str | None = None, *, limit: int = 100, offset: int = 0
) -> list[tuple[str, Undelivered, OutboxEvent]]:
    """Return dead events, oldest first, each with its target and itself."""
    table = undelivered_events
    query = (
        select(table, *(column.label(f"event_{column.name}") for column in outbox.c))
        .join(outbox, outbox.c.seq == table.c.seq)
        .where(table.c.state == Fortune.DEAD)
        .order_by(table.c.seq, table.c.target)
        .limit(limit)
        .offset(offset)
    )
    if target is not None:
        query = query.where(table.c.target == target)
    found = []
    for row in conn.execute(query).mappings():
        plain = {name: row[name] for name in Undelivered.__dataclass_fields__}
        letter = Undelivered(**{**plain, "state": Fortune.DEAD})
        found.append((row["target"], letter, from_row(row, "event_")))
    return found


def counts(conn: Connection) -> dict[tuple[str, Fortune], int]:
    """Return how many events wait or are dead, by target and fortune."""
    table = undelivered_events
    query = select(table.c.target, table.c.state, func.count()).group_by(
        table.c.target, table.c.state
    )
    return {(target, Fortune(state)): held for target, state, held in conn.execute(query)}


def waiting_since(conn: Connection) -> dict[str, datetime]:
    """Return of each target when the oldest event happened that waits for it."""
    table = undelivered_events
    query = (
        select(table.c.target, func.min(outbox.c.time).label("since"))
        .join(outbox, outbox.c.seq == table.c.seq)
        .where(table.c.state == Fortune.WAITING)
        .group_by(table.c.target)
    )
    return {row.target: row.since for row in conn.execute(query)}


def put(conn: Connection, target: str, letters: Sequence[Undelivered]) -> None:
    """Write what a target lacks; what was known of the same event is replaced."""
    if letters:
        statement = insert_or_replace(conn, undelivered_events)
        rows = [
            {
                "target": target,
                **{name: getattr(letter, name) for name in Undelivered.__dataclass_fields__},
            }
            for letter in letters
        ]
        conn.execute(statement, rows)


def remove(conn: Connection, target: str, seqs: Iterable[int]) -> None:
    """Forget events that the target has by now."""
    held = list(seqs)
    table = undelivered_events
    for start in range(0, len(held), _AT_ONCE):
        part = held[start : start + _AT_ONCE]
        conn.execute(delete(table).where(table.c.target == target, table.c.seq.in_(part)))


def revive(
    conn: Connection, at: datetime, *, target: str | None = None, seqs: Sequence[int] = ()
) -> int:
    """Let dead events be tried again as if for the first time; return how many.

    Parameters
    ----------
    at
        Now; aware.
    target, seqs
        Only of this target; only these numbers.
    """
    table = undelivered_events
    change = update(table).where(table.c.state == Fortune.DEAD)
    if target is not None:
        change = change.where(table.c.target == target)
    if seqs:
        change = change.where(table.c.seq.in_(seqs))
    values = {"state": Fortune.WAITING, "attempts": 0, "retry_at": at, "at": at}
    return conn.execute(change.values(values)).rowcount
