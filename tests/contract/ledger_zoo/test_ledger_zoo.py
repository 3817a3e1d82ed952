"""What can be done to a ledger behind its back, and that each is found and called by its name.

Every tampering is a function of the connection, made with raw SQL after the triggers are dropped.
``@caught_as`` says which faults an audit must report, by kind and entry, given one anchor.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from pipewarden.core.audit import FaultKind
from pipewarden.core.chain import GENESIS, Act, Anchor, LedgerEntry, link
from pipewarden.errors import LedgerTampered
from pipewarden.store.state import ledger
from pipewarden.store.state.schema import LEDGER_TRIGGERS, ledger as table
from pipewarden.store.state.verify import verify_ledger

ZOO = {}


def caught_as(*faults):
    def register(tampering):
        ZOO[tampering.__name__] = (tampering, sorted(faults))
        return tampering

    return register


# -- the tools of the trade ------------------------------------------------------------------------


def drop_triggers(conn, only=None):
    for name in LEDGER_TRIGGERS[conn.dialect.name]:
        if only in (None, name):
            on = "ledger_head" if "head" in name else "ledger"
            where = f" ON {on}" if conn.dialect.name == "postgresql" else ""
            conn.execute(text(f"DROP TRIGGER {name}{where}"))


def chain(conn):
    return list(ledger.entries(conn))


def rewrite(conn, entries, *, head=True):
    """Replace the whole ledger, and let the head row agree."""
    conn.execute(text("DELETE FROM ledger"))
    for entry in entries:
        row = {name: getattr(entry, name) for name in LedgerEntry.__slots__}
        conn.execute(table.insert().values(row | {"details": json.dumps(entry.details)}))
    if head:
        set_head(conn)


def set_head(conn):
    last = conn.execute(select(table).order_by(table.c.seq.desc()).limit(1)).one()
    conn.execute(
        text("UPDATE ledger_head SET entries = :n, hash = :h"), {"n": last.seq, "h": last.hash}
    )


def rehashed(entry):
    return replace(entry, hash=entry.expected_hash())


def relinked(entries, head=None):
    """The entries' acts as a chain of their own: what a forger with our code would write."""
    head = head or Anchor(0, GENESIS)
    made = []
    for entry in entries:
        act = Act(
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            reason=entry.reason,
            details=entry.details,
        )
        made.append(link(head, act, entry.ts))
        head = Anchor(made[-1].seq, made[-1].hash)
    return made


def forged(entries, after):
    """An entry properly linked to the one with number ``after``."""
    before = entries[after - 1]
    act = Act(actor="eve", action="item.released", subject="run-1/forged", reason="trust me")
    return link(Anchor(before.seq, before.hash), act, before.ts)


def renumbered(entries, by):
    return [replace(entry, seq=entry.seq + by) for entry in entries]


# -- the zoo ---------------------------------------------------------------------------------------


@caught_as(("altered", 5))
def altered_row(conn):
    conn.execute(text("UPDATE ledger SET reason = 'all good' WHERE seq = 5"))


@caught_as(("altered", 5))
def altered_actor(conn):
    conn.execute(text("UPDATE ledger SET actor = 'bob' WHERE seq = 5"))


@caught_as(("altered", 5))
def altered_time(conn):
    conn.execute(text("UPDATE ledger SET ts = '2020-01-01T00:00:00+00:00' WHERE seq = 5"))


@caught_as(("altered", 1))
def altered_first_row(conn):
    conn.execute(text("UPDATE ledger SET subject = 'run-2' WHERE seq = 1"))


@caught_as(("altered", 12))
def altered_last_row(conn):
    conn.execute(text("UPDATE ledger SET subject = 'run-2' WHERE seq = 12"))


@caught_as(("altered", 5))
def altered_details(conn):
    conn.execute(text("""UPDATE ledger SET details = '{"n": 6}' WHERE seq = 5"""))


@caught_as(("altered", 5))
def details_that_do_not_read(conn):
    conn.execute(text("UPDATE ledger SET details = '{{{' WHERE seq = 5"))


@caught_as(("altered", 5))
def details_that_are_no_mapping(conn):
    conn.execute(text("UPDATE ledger SET details = '[NaN]' WHERE seq = 5"))


@caught_as(("altered", 5))
def altered_hash(conn):
    conn.execute(text("UPDATE ledger SET hash = 'sha256:0' WHERE seq = 5"))


@caught_as(("altered", 3), ("altered", 7))
def altered_rows(conn):
    conn.execute(text("UPDATE ledger SET reason = 'all good' WHERE seq IN (3, 7)"))


@caught_as(("altered", 5))
def altered_row_rehashed(conn):
    entries = chain(conn)
    entries[4] = rehashed(replace(entries[4], reason="all good"))
    rewrite(conn, entries)


@caught_as(("rehashed", 12))
def altered_last_row_rehashed(conn):
    entries = chain(conn)
    entries[-1] = rehashed(replace(entries[-1], reason="all good"))
    rewrite(conn, entries)


@caught_as(("removed", 5))
def removed_row(conn):
    conn.execute(text("DELETE FROM ledger WHERE seq = 5"))


@caught_as(("removed", 1))
def removed_first_row(conn):
    conn.execute(text("DELETE FROM ledger WHERE seq = 1"))


@caught_as(("removed", 5))
def removed_neighbours(conn):
    conn.execute(text("DELETE FROM ledger WHERE seq IN (5, 6)"))


@caught_as(("removed", 5))
def removed_row_renumbered(conn):
    entries = chain(conn)
    rewrite(conn, entries[:4] + renumbered(entries[5:], -1))


@caught_as(("swapped", 5))
def swapped_rows(conn):
    entries = chain(conn)
    entries[4], entries[5] = replace(entries[5], seq=5), replace(entries[4], seq=6)
    rewrite(conn, entries)


@caught_as(("swapped", 3))
def swapped_distant_rows(conn):
    entries = chain(conn)
    entries[2], entries[9] = replace(entries[9], seq=3), replace(entries[2], seq=10)
    rewrite(conn, entries)


@caught_as(("inserted", 6))
def inserted_row(conn):
    """Linked to the one before it, the rest renumbered to make room."""
    entries = chain(conn)
    rewrite(conn, [*entries[:5], forged(entries, 5), *renumbered(entries[5:], 1)])


@caught_as(("inserted", 13))
def inserted_row_unlinked(conn):
    entries = chain(conn)
    stranger = rehashed(replace(forged(entries, 12), prev_hash="sha256:" + "9" * 64))
    rewrite(conn, [*entries, stranger])


@caught_as(("cut", 9))
def cut_tail(conn):
    conn.execute(text("DELETE FROM ledger WHERE seq > 9"))
    set_head(conn)


@caught_as(("cut", 0))
def emptied(conn):
    conn.execute(text("DELETE FROM ledger"))
    conn.execute(text("UPDATE ledger_head SET entries = 0, hash = :h"), {"h": GENESIS})


@caught_as(("cut", 9))
def cut_tail_without_the_head_row(conn):
    conn.execute(text("DELETE FROM ledger WHERE seq > 9"))


@caught_as(("rehashed", 12))
def rehashed_suffix(conn):
    entries = chain(conn)
    entries[4] = replace(entries[4], reason="all good")
    before = Anchor(entries[3].seq, entries[3].hash)
    rewrite(conn, entries[:4] + relinked(entries[4:], before))


@caught_as(("rehashed", 12))
def rehashed_whole(conn):
    entries = chain(conn)
    rewrite(conn, relinked([replace(entry, actor="bob") for entry in entries]))


@caught_as(("cut", 11))
def removed_row_and_rehashed_suffix(conn):
    entries = chain(conn)
    before = Anchor(entries[3].seq, entries[3].hash)
    rewrite(conn, entries[:4] + relinked(entries[5:], before))


@caught_as(("head_altered", 12))
def head_row_altered(conn):
    conn.execute(text("UPDATE ledger_head SET hash = 'sha256:0'"))


@caught_as(("head_altered", 7))
def head_row_set_back(conn):
    conn.execute(text("UPDATE ledger_head SET entries = 7"))


@caught_as(("head_altered", 12))
def head_row_removed(conn):
    conn.execute(text("DELETE FROM ledger_head"))


# -- each is found ---------------------------------------------------------------------------------


def tamper(database, name):
    tampering, expected = ZOO[name]
    with database.write() as conn:
        drop_triggers(conn)
        tampering(conn)
    return [(FaultKind(kind), seq) for kind, seq in expected]


@pytest.mark.parametrize("name", ZOO)
def test_a_tampered_ledger_is_found_and_its_fault_named(database, anchor, name):
    expected = tamper(database, name)
    with database.read() as conn:
        found = verify_ledger(conn, [anchor])
    assert not found.holds
    faults = [(f.kind, f.seq) for f in found.faults if f.kind is not FaultKind.UNGUARDED]
    assert sorted(faults) == expected, [fault.message for fault in found.faults]


@pytest.mark.parametrize("name", ZOO)
def test_dropped_triggers_are_found_whatever_else_was_done(database, anchor, name):
    tamper(database, name)
    with database.read() as conn:
        found = verify_ledger(conn, [anchor])
    named = {
        f.message.split()[2].rstrip(",") for f in found.faults if f.kind is FaultKind.UNGUARDED
    }
    assert named == set(LEDGER_TRIGGERS[database.dialect])


@pytest.mark.parametrize(
    "name", ["cut_tail", "rehashed_suffix", "head_row_altered", "altered_row", "removed_first_row"]
)
def test_an_old_anchor_does_not_accuse_what_came_after_it(database, name):
    with database.read() as conn:
        first = chain(conn)[1]
    expected = tamper(database, name)
    with database.read() as conn:
        found = verify_ledger(conn, [Anchor(2, first.hash, "an old report")])
    kinds = {fault.kind for fault in found.faults} - {FaultKind.UNGUARDED}
    if name in ("cut_tail", "rehashed_suffix"):
        # Nothing that is left can show it: this is why heads are anchored often.
        assert kinds == set()
    else:
        assert kinds == {kind for kind, _ in expected}


def test_without_any_anchor_the_head_row_still_shows_a_cut_tail(database):
    tamper(database, "cut_tail_without_the_head_row")
    with database.read() as conn:
        faults = verify_ledger(conn).faults
    assert [(f.kind, f.seq) for f in faults if f.kind is not FaultKind.UNGUARDED] == [
        (FaultKind.CUT, 9)
    ]


def test_a_single_dropped_trigger_is_named(database, anchor):
    for trigger in LEDGER_TRIGGERS[database.dialect]:
        with database.write() as conn, conn.begin_nested() as undone:
            drop_triggers(conn, trigger)
            (fault,) = verify_ledger(conn, [anchor]).faults
            undone.rollback()
        assert (fault.kind, trigger in fault.message) == (FaultKind.UNGUARDED, True)


HOLLOWED = {
    "sqlite": [
        "DROP TRIGGER ledger_no_delete",
        "CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT 1; END",
    ],
    "postgresql": [
        """
        CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN RETURN NULL; END'
        """
    ],
}
#: SQLite has no switch for one trigger; there a trigger that never fires comes nearest.
SWITCHED_OFF = {
    "sqlite": [
        "DROP TRIGGER ledger_no_delete",
        "CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger WHEN 0 BEGIN SELECT 1; END",
    ],
    "postgresql": ["ALTER TABLE ledger DISABLE TRIGGER ledger_no_delete"],
}


@pytest.mark.parametrize("disarmed", [HOLLOWED, SWITCHED_OFF], ids=["hollowed", "switched_off"])
def test_a_disarmed_trigger_is_named(database, anchor, disarmed):
    with database.write() as conn:
        for statement in disarmed[database.dialect]:
            conn.execute(text(statement))
    with database.read() as conn:
        faults = verify_ledger(conn, [anchor]).faults
    assert {fault.kind for fault in faults} == {FaultKind.UNGUARDED}
    assert any("ledger_no_delete" in fault.message for fault in faults)


def test_an_untouched_ledger_holds_against_every_earlier_head(database, anchor):
    with database.read() as conn:
        heads = [Anchor(entry.seq, entry.hash) for entry in chain(conn)]
        found = verify_ledger(conn, [*heads, anchor, Anchor(0, GENESIS)])
    assert found.holds
    assert (found.entries, found.head, found.anchors) == (12, anchor.hash, 14)


@pytest.mark.parametrize("name", [n for n in ZOO if n.startswith(("cut_tail_w", "head_row"))])
def test_nothing_is_appended_to_a_ledger_that_contradicts_its_head(database, name):
    tamper(database, name)
    act = Act(actor="ada", action="run.started", subject="run-2")
    with pytest.raises(LedgerTampered), database.write() as conn:
        ledger.append(conn, [act], datetime(2026, 4, 1, tzinfo=UTC))
