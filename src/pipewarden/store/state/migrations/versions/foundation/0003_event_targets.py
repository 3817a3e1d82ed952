"""Where the relay stands with each event target, and the events that a target does not have."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Make the two tables, empty: a target begins with the oldest event that is still held."""
    op.create_table(
        "event_targets",
        _name("name"),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("retry_at", _TIME),
        _name("last_error"),
        sa.Column("last_error_at", _TIME),
        sa.Column("last_success_at", _TIME),
        _name("lease_owner", nullable=True),
        sa.Column("lease_token", sa.BigInteger, nullable=False),
        sa.Column("lease_expires_at", _TIME),
        sa.PrimaryKeyConstraint("name", name="pk_event_targets"),
    )
    op.create_table(
        "undelivered_events",
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        _name("target"),
        _name("subject"),
        _name("state"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", _TIME),
        _name("reason"),
        _name("error"),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("seq", "target", name="pk_undelivered_events"),
        sa.ForeignKeyConstraint(["seq"], ["outbox.seq"], name="fk_undelivered_events_seq_outbox"),
        sa.CheckConstraint("state IN ('waiting', 'dead')", name="ck_undelivered_events_state"),
    )
    for columns in (["target", "state", "seq"], ["target", "state", "subject", "seq"]):
        op.create_index(f"ix_undelivered_events_{'_'.join(columns)}", "undelivered_events", columns)


def _name(column: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(column, _NAME, **{"nullable": False, **options})
