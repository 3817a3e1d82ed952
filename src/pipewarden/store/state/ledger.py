"""The ledger in the database: appended under a lock, read in order, never changed.

``seq`` and the hashes are made here, under the lock of the head row, so that concurrent appends
form one chain. The head row repeats the last entry; an append that finds them apart refuses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from pipewarden.core.canonical import canonical_json
from pipewarden.core.chain import Act, Anchor, LedgerEntry, link
from pipewarden.errors import LedgerTampered
from pipewarden.store.state.column_types import storable
from pipewarden.store.state.schema import ledger, ledger_head


def append(conn: Connection, acts: Sequence[Act], at: datetime) -> Anchor:
    """Append acts that happened now; return the new head.

    Parameters
    ----------
    conn
        The open write transaction of the change that the acts witness.
    at
        When it happened; aware.

    Raises
    ------
    LedgerTampered
        The chain does not end where its head says: somebody changed it.
    """
    return append_dated(conn, [(act, at.isoformat()) for act in acts])


def append_dated(conn: Connection, acts: Iterable[tuple[Act, str]]) -> Anchor:
    """Append acts, each with its own time (UTC, ISO-8601); see `append`."""
    anchor = _locked_head(conn)
    rows = []
    for act, ts in acts:
        entry = link(anchor, _storable(act), ts)
        anchor = Anchor(entry.seq, entry.hash)
        rows.append(
            {
                "seq": entry.seq,
                "ts": entry.ts,
                "actor": entry.actor,
                "action": entry.action,
                "subject": entry.subject,
                "reason": entry.reason,
                "details": json.dumps(dict(entry.details)),
                "prev_hash": entry.prev_hash,
                "hash": entry.hash,
            }
        )
    if rows:
        conn.execute(insert(ledger), rows)
        conn.execute(update(ledger_head).values(entries=anchor.count, hash=anchor.hash))
    return anchor


def _storable(act: Act) -> Act:
    """Return the act as the database will give it back, since that is what must be hashed."""
    return replace(
        act,
        actor=storable(act.actor),
        action=storable(act.action),
        subject=storable(act.subject),
        reason=storable(act.reason),
        details=json.loads(canonical_json(dict(act.details))),
    )


def _locked_head(conn: Connection) -> Anchor:
    # The head row, locked until the transaction ends, and what the chain itself ends with.
    stated = conn.execute(select(ledger_head).with_for_update()).one_or_none()
    last = conn.execute(
        select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)
    ).one_or_none()
    found = Anchor(last.seq, last.hash) if last is not None else None
    if stated is not None and (found or stated.entries == 0):
        anchor = Anchor(stated.entries, stated.hash)
        if found is None or found == anchor:
            return anchor
    raise LedgerTampered(
        f"the ledger ends at entry {found.count if found else 0}, and its head row says "
        f"{stated.entries if stated is not None else 'nothing'}: it was changed from outside",
        left_behind="nothing was appended, and the change that it should witness was not made",
        next_step="pipewarden audit verify",
    )


def head(conn: Connection) -> Anchor:
    """Return the head that the head row states, to be recorded outside the chain.

    Raises
    ------
    LedgerTampered
        The head row is gone.
    """
    # The head row, unlocked.
    stated = conn.execute(select(ledger_head)).one_or_none()
    if stated is None:
        raise LedgerTampered("the ledger's head row is gone", next_step="pipewarden audit verify")
    return Anchor(stated.entries, stated.hash)


def entries(
    conn: Connection,
    *,
    after: int = 0,
    action: str | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> Iterator[LedgerEntry]:
    """Yield entries in order, as they are stored, without holding them all.

    Parameters
    ----------
    after
        Only entries with a greater ``seq``.
    action
        Only this action.
    subject
        Only this subject and what lies below it: a run's id finds its items too.
    limit
        At most so many.
    """
    query = select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq)
    if action is not None:
        query = query.where(ledger.c.action == action)
    if subject is not None:
        below = ledger.c.subject.startswith(subject + "/", autoescape=True)
        query = query.where(or_(ledger.c.subject == subject, below))
    if limit is not None:
        query = query.limit(limit)
    result = conn.execute(query.execution_options(yield_per=1000))
    for row in result:
        yield _entry(row)


def last(conn: Connection, subject: str, action: str) -> LedgerEntry | None:
    """Return the last entry of an action on just this subject; None where there is none."""
    query = select(ledger).where(ledger.c.subject == subject, ledger.c.action == action)
    row = conn.execute(query.order_by(ledger.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else _entry(row)


def _entry(row: Any) -> LedgerEntry:
    """Return the row as it is: whoever tampered with it may have left anything, but not a crash."""
    seq, ts, actor, action, subject, reason, details, prev_hash, own_hash = row
    return LedgerEntry(
        seq=seq,
        ts=_text(ts),
        actor=_text(actor),
        action=_text(action),
        subject=_text(subject),
        reason=_text(reason),
        details=_details(details),
        prev_hash=_text(prev_hash),
        hash=_text(own_hash),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _details(stored: Any) -> dict[str, Any]:
    try:
        details = json.loads(stored, parse_constant=_refuse)
    except (ValueError, TypeError, RecursionError):
        details = None
    return details if isinstance(details, dict) else {"unreadable": _text(stored)}


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")
