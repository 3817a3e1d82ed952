"""What was decided about models that went wrong, what was done, and what came of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_OPEN_STATES = (
    "'decided', 'collecting', 'retraining', 'evaluating', 'gating', 'trying', 'awaiting', "
    "'promoting', 'verifying', 'rolling_back'"
)
_ENDED_STATES = (
    "'kept', 'rolled_back', 'rejected', 'declined', 'vetoed', 'overtaken', 'failed', 'timed_out'"
)
_OPEN = sa.text(f"state IN ({_OPEN_STATES})")


def upgrade() -> None:
    """Add the tables; nothing was healed before."""
    op.create_table(
        "healings",
        sa.Column("id", _SERIAL, nullable=False),
        *map(_name, ("model", "environment", "state", "trigger", "action")),
        sa.Column("champion", sa.Integer, nullable=False),
        sa.Column("candidate", sa.Integer),
        _name("key"),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("decision", "facts")),
        *map(_name, ("reason", "actor")),
        sa.Column("times", sa.Integer, nullable=False),
        *map(_time, ("opened_at", "last_at", "entered_at")),
        _time("ended_at", nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        _name("error"),
        _time("paused_at", nullable=True),
        *map(_name, ("paused_by", "lease_owner")),
        sa.Column("lease_token", sa.BigInteger, nullable=False),
        _time("lease_expires_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_healings"),
        sa.CheckConstraint(f"state IN ({_OPEN_STATES}, {_ENDED_STATES})", name="ck_healings_state"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_healings_open",
        "healings",
        ["model", "environment"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index("ix_healings_model_environment_id", "healings", ["model", "environment", "id"])
    op.create_index("ix_healings_state_id", "healings", ["state", "id"])
    op.create_table(
        "healing_holds",
        *map(_name, ("model", "environment")),
        _time("paused_at", nullable=True),
        *map(_name, ("paused_by", "reason")),
        _time("reset_at", nullable=True),
        sa.PrimaryKeyConstraint("model", "environment", name="pk_healing_holds"),
    )


def _name(column: str) -> sa.Column[Any]:
    return sa.Column(column, _NAME, nullable=False)


def _time(column: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(column, _TIME, nullable=nullable)
