"""The tables of the state database, the same on SQLite and PostgreSQL.

The migrations beside this module create these tables; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from pipewarden.core.jobs import JobStatus
from pipewarden.store.state.column_types import Json, Name, Time

#: An integer that counts up by itself: SQLite knows only INTEGER for that.
_Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_statuses = ", ".join(f"'{status}'" for status in JobStatus)

#: One row a run. ``lease_token`` only grows: it is the fence.
jobs = Table(
    "jobs",
    metadata,
    Column("id", Name, primary_key=True),
    Column("pipeline", Name, nullable=False),
    Column("source", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("parent_id", Name),
    Column("created_at", Time, nullable=False),
    Column("created_by", Name, nullable=False),
    Column("started_at", Time),
    Column("finished_at", Time),
    Column("options", Json, nullable=False),
    Column("error", Name, nullable=False),
    Column("pause_actor", Name),
    Column("pause_at", Time),
    Column("pause_reason", Name),
    Column("cancel_actor", Name),
    Column("cancel_at", Time),
    Column("cancel_reason", Name),
    Column("lease_owner", Name),
    Column("lease_token", BigInteger, nullable=False),
    Column("lease_expires_at", Time),
    Column("heartbeat_at", Time),
    Column("seen", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("published", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("deferred", BigInteger, nullable=False),
    Column("warned", BigInteger, nullable=False),
    CheckConstraint(f"status IN ({_statuses})", name="status"),
    Index(None, "created_at", "id"),
    Index(None, "status", "created_at"),
)

#: Every change of status and every request, written with the change itself.
job_events = Table(
    "job_events",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("job_id", Name, ForeignKey("jobs.id"), nullable=False),
    Column("at", Time, nullable=False),
    Column("actor", Name, nullable=False),
    Column("event", Name, nullable=False),
    Column("from_status", Name),
    Column("to_status", Name),
    Column("reason", Name, nullable=False),
    Index(None, "job_id", "id"),
)

#: The outcome of each decided item of each run; the latest decision of a run wins.
items = Table(
    "items",
    metadata,
    Column("job_id", Name, ForeignKey("jobs.id"), primary_key=True),
    Column("key", Name, primary_key=True),
    Column("outcome", Name, nullable=False),
    Column("reason", Name, nullable=False),
    Column("message", Name, nullable=False),
    Column("verdict", Name, nullable=False),
    Column("seconds", Float(53), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("output_path", Name, nullable=False),
    Column("quarantine_path", Name, nullable=False),
    Column("facts", Json, nullable=False),
    Column("misses", Json, nullable=False),
    Column("at", Name, nullable=False),
    Index(None, "job_id", "outcome", "key"),
    sqlite_with_rowid=False,
)

#: The hash chain. ``ts`` and ``details`` are the very text that was hashed.
ledger = Table(
    "ledger",
    metadata,
    Column("seq", _Serial, primary_key=True, autoincrement=False),
    Column("ts", Name, nullable=False),
    Column("actor", Name, nullable=False),
    Column("action", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("reason", Name, nullable=False),
    Column("details", Text, nullable=False),
    Column("prev_hash", Name, nullable=False),
    Column("hash", Name, nullable=False),
    Index(None, "subject", "seq"),
    Index(None, "action", "seq"),
)

#: One row: the head of the chain, and the lock that appends wait on.
ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entries", BigInteger, nullable=False),
    Column("hash", Name, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

#: CloudEvents 1.0, waiting to be relayed in order of ``seq``.
outbox = Table(
    "outbox",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("specversion", Name, nullable=False),
    Column("id", Name, nullable=False),
    Column("source", Name, nullable=False),
    Column("type", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("time", Time, nullable=False),
    Column("datacontenttype", Name, nullable=False),
    Column("data", Json, nullable=False),
    UniqueConstraint("source", "id"),
    sqlite_autoincrement=True,
)

#: Up to which record of a run a manifest has been applied; what makes applying exactly-once.
manifest_cursors = Table(
    "manifest_cursors",
    metadata,
    Column("manifest", Name, primary_key=True),
    Column("run_id", Name, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

#: The manifest of sources that keep theirs in the database: `Entry` as JSON text.
manifest_entries = Table(
    "manifest_entries",
    metadata,
    Column("source", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("status", Name, nullable=False),
    Column("entry", Text, nullable=False),
    sqlite_with_rowid=False,
)

#: Their stat cache: the signatures of input and output as a JSON array.
manifest_stats = Table(
    "manifest_stats",
    metadata,
    Column("source", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("row", Text, nullable=False),
    sqlite_with_rowid=False,
)

#: Their configuration snapshots by run.
manifest_run_configs = Table(
    "manifest_run_configs",
    metadata,
    Column("source", Name, primary_key=True),
    Column("run_id", Name, primary_key=True),
    Column("snapshot", Json, nullable=False),
)


def insert_or_replace(conn: Connection, table: Table) -> Any:
    """Return the statement that writes a row, or replaces the one with its primary key."""
    return _insert_or_replace(conn.dialect.name, table)


@cache  # every batch of a run needs it, and building it takes longer than the database does
def _insert_or_replace(dialect: str, table: Table) -> Any:
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=[column.name for column in table.primary_key],
        set_={c.name: statement.excluded[c.name] for c in table.c if not c.primary_key},
    )


_REFUSE = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
_CALL = (
    "EXECUTE FUNCTION ledger_refuse() AS "
    "BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = '23001'; END"
)

#: What keeps the ledger append-only: what each trigger must do, by dialect and name.
LEDGER_TRIGGERS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "ledger_no_update": f"BEFORE UPDATE ON ledger {_REFUSE}",
        "ledger_no_delete": f"BEFORE DELETE ON ledger {_REFUSE}",
        "ledger_in_order": "BEFORE INSERT ON ledger WHEN NEW.seq IS NOT "  # noqa: S608
        f"(SELECT coalesce(max(seq), 0) + 1 FROM ledger) {_REFUSE}",
        "ledger_head_no_delete": f"BEFORE DELETE ON ledger_head {_REFUSE}",
        "ledger_head_forward": "BEFORE UPDATE ON ledger_head "
        f"WHEN NEW.entries <= OLD.entries {_REFUSE}",
    },
    "postgresql": {
        "ledger_no_update": f"BEFORE UPDATE ON ledger FOR EACH STATEMENT {_CALL}",
        "ledger_no_delete": f"BEFORE DELETE ON ledger FOR EACH STATEMENT {_CALL}",
        "ledger_no_truncate": f"BEFORE TRUNCATE ON ledger FOR EACH STATEMENT {_CALL}",
        "ledger_head_no_delete": f"BEFORE DELETE ON ledger_head FOR EACH STATEMENT {_CALL}",
        "ledger_head_no_truncate": f"BEFORE TRUNCATE ON ledger_head FOR EACH STATEMENT {_CALL}",
        "ledger_head_forward": "BEFORE UPDATE ON ledger_head FOR EACH ROW "
        f"WHEN (new.entries <= old.entries) {_CALL}",
    },
}
