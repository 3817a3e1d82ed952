"""What the service needs: queued jobs, API keys, idempotency keys, rate windows, runners."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the columns and tables; jobs of before were never queued."""
    for name, kind, default in (
        ("queued", sa.Integer, "0"),
        ("losses", sa.Integer, "0"),
        ("losses_at", sa.BigInteger, "0"),
        ("request_id", _NAME, ""),
        ("traceparent", _NAME, ""),
    ):
        op.add_column("jobs", sa.Column(name, kind, nullable=False, server_default=default))
    op.create_index("ix_jobs_pipeline_created_at", "jobs", ["pipeline", "created_at"])
    op.create_index("ix_jobs_source_created_at", "jobs", ["source", "created_at"])
    _keys()
    _runners()


def _keys() -> None:
    op.create_table(
        "api_keys",
        *map(_name, ("id", "name", "scope", "hash")),
        _time("created_at"),
        _name("created_by"),
        _time("revoked_at", nullable=True),
        _name("revoked_by", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.CheckConstraint("scope IN ('viewer', 'operator', 'approver')", name="ck_api_keys_scope"),
    )
    op.create_table(
        "idempotency_keys",
        *map(_name, ("owner", "key", "fingerprint")),
        sa.Column("status", sa.Integer),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        _time("at"),
        _time("expires_at"),
        sa.PrimaryKeyConstraint("owner", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])


def _runners() -> None:
    op.create_table(
        "rate_windows",
        _name("owner"),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner", name="pk_rate_windows"),
    )
    op.create_table(
        "runners",
        _name("owner"),
        _time("started_at"),
        _time("heartbeat_at"),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("running", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("owner", name="pk_runners"),
    )


def _name(column: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(column, _NAME, **{"nullable": False, **options})


def _time(column: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(column, _TIME, **{"nullable": False, **options})
