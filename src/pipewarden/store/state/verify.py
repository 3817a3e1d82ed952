"""Verification of the ledger as the database holds it: chain, anchors, head row, triggers.

Apart from what writes the ledger, so that a fault in the one is not a fault in the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sqlalchemy import Connection, select

from pipewarden.core.audit import Audit, Fault, FaultKind, audit
from pipewarden.core.chain import EMPTY, Anchor, LedgerEntry
from pipewarden.store.state import ledger
from pipewarden.store.state.schema import LEDGER_TRIGGERS, ledger_head


def verify_ledger(conn: Connection, anchors: Iterable[Anchor] = ()) -> Audit:
    """Verify the whole ledger, against itself and against heads recorded outside the database.

    Parameters
    ----------
    conn
        A read transaction.
    anchors
        Heads recorded elsewhere: in reports, in a copy kept by an auditor.
    """
    held = list(anchors)
    chain = _Chain(conn)
    found = audit(chain, held)
    faults = (*found.faults, *_head_faults(conn, chain.last, held), *_trigger_faults(conn))
    return replace(found, faults=faults)


class _Chain:
    """The stored chain, read anew each time it is iterated; ``last`` is where it ended."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.last = EMPTY

    def __iter__(self) -> Iterator[LedgerEntry]:
        for entry in ledger.entries(self._conn):
            self.last = Anchor(entry.seq, entry.hash)
            yield entry


def _head_faults(conn: Connection, last: Anchor, anchors: list[Anchor]) -> Iterator[Fault]:
    # What the head row says.
    row = conn.execute(select(ledger_head)).one_or_none()
    if row is None:
        message = "the head row of the ledger was removed"
        yield Fault(FaultKind.HEAD_ALTERED, last.count, message)
        return
    head = Anchor(row.entries, row.hash)
    if head == last:
        return
    says = f"the head row says that the ledger ends at entry {head.count} with the hash {head.hash}"
    ends = f"it ends at entry {last.count} with {last.hash}"
    if head.count > last.count and not any(a.count > last.count for a in anchors):
        message = f"{says}, but {ends}: the tail was cut off, or the head row altered"
        yield Fault(FaultKind.CUT, last.count, message)
    elif not any((a.count, a.hash) == (head.count, head.hash) for a in anchors):
        yield Fault(FaultKind.HEAD_ALTERED, head.count, f"{says}, but {ends}")


def _trigger_faults(conn: Connection) -> Iterator[Fault]:
    present = _sqlite_triggers if conn.dialect.name == "sqlite" else _postgresql_triggers
    found = present(conn)
    for name, wanted in LEDGER_TRIGGERS[conn.dialect.name].items():
        if name not in found:
            message = f"the trigger {name}, which keeps the ledger append-only, is gone"
            yield Fault(FaultKind.UNGUARDED, 0, message)
        elif found[name] != wanted:
            message = f"the trigger {name}, which keeps the ledger append-only, was changed"
            yield Fault(FaultKind.UNGUARDED, 0, message)


def _sqlite_triggers(conn: Connection) -> dict[str, str]:
    """Return what each trigger does, by name, as it was written."""
    # Every trigger of the file, with the statement that made it.
    rows = conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return {name: _words(sql).removeprefix(f"CREATE TRIGGER {name} ") for name, sql in rows}


def _postgresql_triggers(conn: Connection) -> dict[str, str]:
    """Return what each enabled trigger of the ledger's tables does, by name."""
    # Those enabled for ordinary sessions or always, with the body of the function they call.
    rows = conn.exec_driver_sql(
        "SELECT t.tgname, pg_get_triggerdef(t.oid, true), p.prosrc "
        "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid IN (to_regclass('ledger'), to_regclass('ledger_head')) "
        "AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')"
    )
    return {name: _words(f"{sql} AS {body}").split(f" {name} ", 1)[1] for name, sql, body in rows}


def _words(text: str) -> str:
    return " ".join(text.split())
