"""The ledger: appended in one chain, refused to everybody else."""

from __future__ import annotations

import pytest
from sqlalchemy import exc, text

from pipewarden.core.audit import audit
from pipewarden.core.chain import Act, Anchor
from pipewarden.errors import LedgerTampered
from pipewarden.store.state import ledger


def act(subject="run-1", action="run.started", **also):
    return Act(actor="ada", action=action, subject=subject, **also)


@pytest.fixture
def filled(database, later):
    with database.write() as conn:
        ledger.append(conn, [act(), act("run-1/a", "item.quarantined")], later(0))
        return ledger.append(conn, [act("run-10"), act("run_1")], later(1))


def test_entries_come_back_as_they_were_hashed(database, later):
    details = {"ü": [1, 2.5, None, True], "big": 2**80, "nul": "\x00", "half": "\udc80", "e": 1e300}
    with database.write() as conn:
        ledger.append(conn, [act(reason="nul \x00, half \udc80", details=details)], later(0))
    with database.read() as conn:
        (entry,) = ledger.entries(conn)
    assert entry.expected_hash() == entry.hash
    assert entry.details == details
    assert entry.ts == later(0).isoformat()


def test_the_head_is_where_the_chain_ends(database, filled):
    with database.read() as conn:
        entries = list(ledger.entries(conn))
        assert ledger.head(conn) == filled == Anchor(entries[-1].seq, entries[-1].hash)
    assert audit(entries, [filled]).holds


def test_appending_nothing_changes_nothing(database, filled, later):
    with database.write() as conn:
        assert ledger.append(conn, [], later(2)) == filled


def test_entries_are_found_by_action_and_by_subject_with_what_lies_below(database, filled):
    with database.read() as conn:

        def found(**filters):
            return [entry.seq for entry in ledger.entries(conn, **filters)]

        assert found() == [1, 2, 3, 4]
        assert found(subject="run-1") == [1, 2]
        assert found(subject="run_1") == [4]
        assert found(action="item.quarantined") == [2]
        assert found(after=2, limit=1) == [3]


STATEMENTS = {
    "update": "UPDATE ledger SET reason = 'forged' WHERE seq = 1",
    "delete": "DELETE FROM ledger WHERE seq = 4",
    "delete_all": "DELETE FROM ledger",
    "head_delete": "DELETE FROM ledger_head",
    "head_back": "UPDATE ledger_head SET entries = 2",
    "head_hash": "UPDATE ledger_head SET hash = 'forged'",
}
ON_SQLITE = {
    "replace": "INSERT OR REPLACE INTO ledger SELECT seq, ts, 'eve', action, subject, reason, "
    "details, prev_hash, hash FROM ledger WHERE seq = 1",
    "skip": "INSERT INTO ledger SELECT 99, ts, actor, action, subject, reason, details, "
    "prev_hash, hash FROM ledger WHERE seq = 1",
}
ON_POSTGRESQL = {
    "truncate": "TRUNCATE ledger",
    "truncate_head": "TRUNCATE ledger_head",
    "upsert": "INSERT INTO ledger SELECT * FROM ledger WHERE seq = 1 "
    "ON CONFLICT (seq) DO UPDATE SET actor = 'eve'",
}


def test_whatever_would_change_the_ledger_is_refused(database, filled):
    own = ON_SQLITE if database.dialect == "sqlite" else ON_POSTGRESQL
    for name, statement in {**STATEMENTS, **own}.items():
        refused = pytest.raises(exc.DBAPIError, match="append-only")
        with refused, database.write() as conn:
            conn.execute(text(statement))
            pytest.fail(f"{name} was let through")
    with database.read() as conn:
        assert audit(ledger.entries(conn), [filled]).holds


def test_an_append_refuses_a_chain_that_does_not_end_where_its_head_says(database, filled, later):
    with database.write() as conn:
        conn.execute(text("UPDATE ledger_head SET entries = 9"))
    with pytest.raises(LedgerTampered) as refused, database.write() as conn:
        ledger.append(conn, [act()], later(2))
    assert refused.value.next_step == "pipewarden audit verify"
