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
    event,
    text,
)

from pipewarden.core.jobs import JobStatus
from pipewarden.store.state.column_types import Json, Name, Time

#: An integer that counts up by itself: SQLite knows only INTEGER for that.
serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_WHERE = "where"


def only_where(condition: str) -> dict[str, str]:
    """Return what makes an index one of the rows of a condition only, as its ``info``.

    Its arguments ``sqlite_where`` and ``postgresql_where`` would load both dialects, with all their
    drivers, in every process that knows the table.
    """
    return {_WHERE: condition}


@event.listens_for(metadata, "before_create")
def _conditions(target: MetaData, conn: Connection, **_: Any) -> None:
    for table in target.tables.values():
        for index in table.indexes:
            if condition := index.info.get(_WHERE):
                index.dialect_kwargs[f"{conn.dialect.name}_where"] = text(condition)


_statuses = ", ".join(f"'{status}'" for status in JobStatus)

#: One row a run. ``lease_token`` only grows: it is the fence. A ``queued`` job is for any runner
#: service to take; its ``losses`` are the runners it lost in a row without an item decided between,
#: ``losses_at`` how many items were decided at the last. A QUEUED job's lease is a reservation.
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
    Column("queued", Integer, nullable=False, server_default="0"),
    Column("losses", Integer, nullable=False, server_default="0"),
    Column("losses_at", BigInteger, nullable=False, server_default="0"),
    Column("request_id", Name, nullable=False, server_default=""),
    Column("traceparent", Name, nullable=False, server_default=""),
    CheckConstraint(f"status IN ({_statuses})", name="status"),
    Index(None, "created_at", "id"),
    Index(None, "status", "created_at", "id"),
    Index(None, "pipeline", "created_at", "id"),
    Index(None, "source", "created_at", "id"),
    Index(None, "pipeline", "status", "created_at", "id"),
)

#: Every change of status and every request, written with the change itself.
job_events = Table(
    "job_events",
    metadata,
    Column("id", serial, primary_key=True),
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
    Column("cpu_seconds", Float(53), nullable=False, server_default="0"),
    Column("check_seconds", Float(53), nullable=False, server_default="0"),
    Column("output_bytes", BigInteger, nullable=False, server_default="0"),
    Column("object_bytes", BigInteger, nullable=False, server_default="0"),
    Column("stages", Json, nullable=False, server_default="{}"),
    Index(None, "job_id", "outcome", "key"),
    sqlite_with_rowid=False,
)

#: The hash chain. ``ts`` and ``details`` are the very text that was hashed.
ledger = Table(
    "ledger",
    metadata,
    Column("seq", serial, primary_key=True, autoincrement=False),
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
    Column("seq", serial, primary_key=True),
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

#: Where the relay stands with each event target: all up to ``cursor`` is sent, waits or is dead.
#: ``lease_token`` only grows: it is the fence between relays.
event_targets = Table(
    "event_targets",
    metadata,
    Column("name", Name, primary_key=True),
    Column("cursor", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("retry_at", Time),
    Column("last_error", Name, nullable=False),
    Column("last_error_at", Time),
    Column("last_success_at", Time),
    Column("lease_owner", Name),
    Column("lease_token", BigInteger, nullable=False),
    Column("lease_expires_at", Time),
)

#: Events behind a target's cursor that it does not have: to be sent (again), or dead.
undelivered_events = Table(
    "undelivered_events",
    metadata,
    Column("seq", BigInteger, ForeignKey("outbox.seq"), primary_key=True, autoincrement=False),
    Column("target", Name, primary_key=True),
    Column("subject", Name, nullable=False),
    Column("state", Name, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retry_at", Time),
    Column("reason", Name, nullable=False),
    Column("error", Name, nullable=False),
    Column("at", Time, nullable=False),
    CheckConstraint("state IN ('waiting', 'dead')", name="state"),
    Index(None, "target", "state", "seq"),
    Index(None, "target", "state", "subject", "seq"),
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

#: Files that outputs are appended to: how many of their bytes are committed, which run writes now
#: (empty when none does), and the signature that vouches for the file since (JSON, or empty).
line_files = Table(
    "line_files",
    metadata,
    Column("path", Name, primary_key=True),
    Column("committed", BigInteger, nullable=False),
    Column("writer", Name, nullable=False),
    Column("signature", Text, nullable=False),
)

#: Who may use the service: the SHA-256 of each key's secret, never the secret.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Name, primary_key=True),
    Column("name", Name, nullable=False),
    Column("scope", Name, nullable=False),
    Column("hash", Name, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("created_by", Name, nullable=False),
    Column("revoked_at", Time),
    Column("revoked_by", Name),
    CheckConstraint("scope IN ('viewer', 'operator', 'approver')", name="scope"),
)

#: Requests that name an idempotency key, and once they are done what was answered.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("fingerprint", Name, nullable=False),
    Column("status", Integer),
    Column("headers", Json, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Index(None, "expires_at"),
)

#: How many requests of each owner were let through in the present window of time.
rate_windows = Table(
    "rate_windows",
    metadata,
    Column("owner", Name, primary_key=True),
    Column("starts_at", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
)

#: The services that take queued jobs, each with the time it was last heard of.
runners = Table(
    "runners",
    metadata,
    Column("owner", Name, primary_key=True),
    Column("started_at", Time, nullable=False),
    Column("heartbeat_at", Time, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("running", Integer, nullable=False),
)

#: What does not answer the processes that run jobs; see `service.breakers`.
breakers = Table(
    "breakers",
    metadata,
    Column("owner", Name, primary_key=True),
    Column("name", Name, primary_key=True),
    Column("job_id", Name, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("retry_at", Time),
    Column("since", Time),
    Column("told_at", Time, nullable=False),
)


def insert_or_replace(conn: Connection, table: Table) -> Any:
    """Return the statement that writes a row, or replaces the one with its primary key."""
    return _insert(conn.dialect.name, table, replacing=True)


def insert_new(conn: Connection, table: Table) -> Any:
    """Return the statement that writes a row, unless there is one with its primary key."""
    return _insert(conn.dialect.name, table, replacing=False)


@cache  # every batch of a run needs it, and building it takes longer than the database does
def _insert(dialect: str, table: Table, *, replacing: bool) -> Any:
    if dialect == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    statement = insert(table)
    key = [column.name for column in table.primary_key]
    if not replacing:
        return statement.on_conflict_do_nothing(index_elements=key)
    return statement.on_conflict_do_update(
        index_elements=key,
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
