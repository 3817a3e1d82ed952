"""The tables of the state database, the same on SQLite and PostgreSQL.

Times are aware UTC datetimes on both sides. JSON is text, so that it streams and comes back the
same from both databases. Names and keys sort bytewise on both. The migrations beside this module
create these tables; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from pipewarden.core.jobs import JobStatus


def storable(text: str) -> str:
    """Return the text with what no database takes spelled out: NUL and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "\\x00")
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Name(TypeDecorator[str]):
    """Text that sorts bytewise on both databases and never fails to be stored."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the bytewise collation; SQLite has no other."""
        return dialect.type_descriptor(
            Text(collation="C" if dialect.name == "postgresql" else None)
        )

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Make the text storable."""
        return None if value is None else storable(value)


class Time(TypeDecorator[datetime]):
    """An aware UTC datetime: ISO-8601 text of one width on SQLite, timestamptz on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(DateTime(timezone=True) if native else Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times; text of one width compares as the times do."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time cannot be stored: {value!r}")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        return (
            value if dialect.name == "postgresql" else datetime.fromisoformat(value)
        ).astimezone(UTC)


class Json(TypeDecorator[Any]):
    """Plain values as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Encode; NaN becomes null, because JSON has none."""
        return None if value is None else encode_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Decode."""
        return None if value is None else orjson.loads(value)


def encode_json(value: Any) -> str:
    """Return JSON text of plain values; whatever JSON has no form for is written as its ``str``."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # lone surrogates, integers over 64 bits: rare, and the standard library can
        import json

        return json.dumps(value, default=str)


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

_REFUSE = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"

#: What keeps the ledger append-only: the body that each trigger must have, by dialect and name.
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
        "ledger_no_update": "BEFORE UPDATE ON ledger FOR EACH STATEMENT",
        "ledger_no_delete": "BEFORE DELETE ON ledger FOR EACH STATEMENT",
        "ledger_no_truncate": "BEFORE TRUNCATE ON ledger FOR EACH STATEMENT",
        "ledger_head_no_delete": "BEFORE DELETE ON ledger_head FOR EACH STATEMENT",
        "ledger_head_no_truncate": "BEFORE TRUNCATE ON ledger_head FOR EACH STATEMENT",
        "ledger_head_forward": "BEFORE UPDATE ON ledger_head FOR EACH ROW "
        "WHEN (NEW.entries <= OLD.entries)",
    },
}
