"""The first schema: jobs, items, ledger, outbox, manifests in the database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")

#: By dialect: table, trigger and when it refuses.
_SQLITE = (
    ("ledger", "ledger_no_update", "BEFORE UPDATE", ""),
    ("ledger", "ledger_no_delete", "BEFORE DELETE", ""),
    (
        "ledger",
        "ledger_in_order",
        "BEFORE INSERT",
        "WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger) ",
    ),
    ("ledger_head", "ledger_head_no_delete", "BEFORE DELETE", ""),
    ("ledger_head", "ledger_head_forward", "BEFORE UPDATE", "WHEN NEW.entries <= OLD.entries "),
)
_POSTGRESQL = (
    ("ledger", "ledger_no_update", "BEFORE UPDATE", "FOR EACH STATEMENT"),
    ("ledger", "ledger_no_delete", "BEFORE DELETE", "FOR EACH STATEMENT"),
    ("ledger", "ledger_no_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT"),
    ("ledger_head", "ledger_head_no_delete", "BEFORE DELETE", "FOR EACH STATEMENT"),
    ("ledger_head", "ledger_head_no_truncate", "BEFORE TRUNCATE", "FOR EACH STATEMENT"),
    (
        "ledger_head",
        "ledger_head_forward",
        "BEFORE UPDATE",
        "FOR EACH ROW WHEN (NEW.entries <= OLD.entries)",
    ),
)
_REFUSE = (
    "CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = '23001'; END$$"
)


def upgrade() -> None:
    """Make every table, then the triggers that keep the ledger append-only, then its empty head."""
    _jobs()
    _job_events()
    _items()
    _ledger()
    _outbox()
    _manifests()


def _name(column: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(column, _NAME, **{"nullable": False, **options})


def _count(column: str) -> sa.Column[Any]:
    return sa.Column(column, sa.BigInteger, nullable=False)


def _jobs() -> None:
    op.create_table(
        "jobs",
        _name("id"),
        _name("pipeline"),
        _name("source"),
        _name("status"),
        _name("parent_id", nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        _name("created_by"),
        sa.Column("started_at", _TIME),
        sa.Column("finished_at", _TIME),
        sa.Column("options", sa.Text, nullable=False),
        _name("error"),
        _name("pause_actor", nullable=True),
        sa.Column("pause_at", _TIME),
        _name("pause_reason", nullable=True),
        _name("cancel_actor", nullable=True),
        sa.Column("cancel_at", _TIME),
        _name("cancel_reason", nullable=True),
        _name("lease_owner", nullable=True),
        _count("lease_token"),
        sa.Column("lease_expires_at", _TIME),
        sa.Column("heartbeat_at", _TIME),
        *(
            _count(name)
            for name in ("seen", "skipped", "published", "quarantined", "deferred", "warned")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint(
            "status IN ('QUEUED', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED')",
            name="ck_jobs_status",
        ),
    )
    op.create_index("ix_jobs_created_at_id", "jobs", ["created_at", "id"])
    op.create_index("ix_jobs_status_created_at", "jobs", ["status", "created_at"])


def _job_events() -> None:
    op.create_table(
        "job_events",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        _name("job_id"),
        sa.Column("at", _TIME, nullable=False),
        _name("actor"),
        _name("event"),
        _name("from_status", nullable=True),
        _name("to_status", nullable=True),
        _name("reason"),
        sa.PrimaryKeyConstraint("id", name="pk_job_events"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_events_job_id_jobs"),
    )
    op.create_index("ix_job_events_job_id_id", "job_events", ["job_id", "id"])


def _items() -> None:
    op.create_table(
        "items",
        _name("job_id"),
        _name("key"),
        _name("outcome"),
        _name("reason"),
        _name("message"),
        _name("verdict"),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        _name("output_path"),
        _name("quarantine_path"),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("misses", sa.Text, nullable=False),
        _name("at"),
        sa.PrimaryKeyConstraint("job_id", "key", name="pk_items"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_items_job_id_jobs"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_items_job_id_outcome_key", "items", ["job_id", "outcome", "key"])


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("seq", _SERIAL, autoincrement=False, nullable=False),
        _name("ts"),
        _name("actor"),
        _name("action"),
        _name("subject"),
        _name("reason"),
        sa.Column("details", sa.Text, nullable=False),
        _name("prev_hash"),
        _name("hash"),
        sa.PrimaryKeyConstraint("seq", name="pk_ledger"),
    )
    op.create_index("ix_ledger_subject_seq", "ledger", ["subject", "seq"])
    op.create_index("ix_ledger_action_seq", "ledger", ["action", "seq"])
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        _count("entries"),
        _name("hash"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_head"),
        sa.CheckConstraint("id = 1", name="ck_ledger_head_one_row"),
    )
    genesis = "sha256:" + "0" * 64
    op.execute(f"INSERT INTO ledger_head (id, entries, hash) VALUES (1, 0, '{genesis}')")  # noqa: S608
    _guard_ledger()


def _guard_ledger() -> None:
    if op.get_bind().dialect.name == "sqlite":
        refuse = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for table, name, moment, when in _SQLITE:
            op.execute(f"CREATE TRIGGER {name} {moment} ON {table} {when}{refuse}")
        return
    op.execute(_REFUSE)
    for table, name, moment, when in _POSTGRESQL:
        op.execute(
            f"CREATE TRIGGER {name} {moment} ON {table} {when} EXECUTE FUNCTION ledger_refuse()"
        )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        _name("specversion"),
        _name("id"),
        _name("source"),
        _name("type"),
        _name("subject"),
        sa.Column("time", _TIME, nullable=False),
        _name("datacontenttype"),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sa.UniqueConstraint("source", "id", name="uq_outbox_source_id"),
        sqlite_autoincrement=True,
    )


def _manifests() -> None:
    op.create_table(
        "manifest_cursors",
        _name("manifest"),
        _name("run_id"),
        _count("seq"),
        sa.PrimaryKeyConstraint("manifest", "run_id", name="pk_manifest_cursors"),
    )
    op.create_table(
        "manifest_entries",
        _name("source"),
        _name("key"),
        _name("status"),
        sa.Column("entry", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("source", "key", name="pk_manifest_entries"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "manifest_stats",
        _name("source"),
        _name("key"),
        sa.Column("row", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("source", "key", name="pk_manifest_stats"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "manifest_run_configs",
        _name("source"),
        _name("run_id"),
        sa.Column("snapshot", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("source", "run_id", name="pk_manifest_run_configs"),
    )
