"""What is wrong, since when, and who was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_STATES = "'pending', 'open', 'acknowledged', 'resolved', 'withdrawn'"
_LASTING = sa.text("state IN ('pending', 'open', 'acknowledged')")


def upgrade() -> None:
    """Add the tables; nobody was told of anything before."""
    _incidents()
    _notices()
    op.create_table(
        "alert_mutes",
        _id(),
        sa.Column("incident", sa.BigInteger),
        *_names("rule", "subject", "metric"),
        *_times("since", "until"),
        *_names("actor", "reason"),
        sa.Column("ended_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_alert_mutes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_mutes_until", "alert_mutes", ["until"])
    op.create_table(
        "alert_channels",
        *_names("name"),
        *_counts("failures"),
        sa.Column("retry_at", _TIME),
        *_names("error"),
        sa.Column("failed_at", _TIME),
        sa.Column("sent_at", _TIME),
        sa.PrimaryKeyConstraint("name", name="pk_alert_channels"),
    )
    op.create_table(
        "alert_cursors",
        *_names("name"),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_alert_cursors"),
    )


def _incidents() -> None:
    op.create_table(
        "incidents",
        _id(),
        *_counts("revision"),
        *_names("fingerprint", "state", "severity", "rule", "condition", "kind", "subject"),
        *_names("environment", "metric", "feature"),
        *_counts("missing"),
        sa.Column("version", sa.Integer),
        *_names("window"),
        sa.Column("value", sa.Float),
        sa.Column("limit", sa.Float),
        sa.Column("sample", sa.Integer),
        *_names("reason", "owner", "runbook", "check_id"),
        *_counts("count", "good", "level"),
        *_times("started_at", "seen_at", "bad_at"),
        *(sa.Column(n, _TIME) for n in ("raised_at", "told_at", "level_at", "reminded_at")),
        sa.Column("acknowledged_at", _TIME),
        *_names("acknowledged_by", "acknowledged_reason"),
        sa.Column("resolved_at", _TIME),
        *_names("resolved_by", "resolved_reason"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        sa.CheckConstraint(f"state IN ({_STATES})", name="ck_incidents_state"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_incidents_lasting",
        "incidents",
        ["fingerprint"],
        unique=True,
        sqlite_where=_LASTING,
        postgresql_where=_LASTING,
    )
    op.create_index("ix_incidents_fingerprint_id", "incidents", ["fingerprint", "id"])
    op.create_index("ix_incidents_state_id", "incidents", ["state", "id"])


def _notices() -> None:
    same = ("incident", "purpose", "occasion", "channel")
    op.create_table(
        "alert_notices",
        _id(),
        sa.Column("incident", sa.BigInteger, nullable=False),
        *_names("purpose", "occasion", "channel", "batch", "instead_of", "state"),
        *_times("created_at", "due_at"),
        *_counts("tries", "losses"),
        sa.Column("lease_owner", _NAME),
        sa.Column("lease_expires_at", _TIME),
        sa.Column("sent_at", _TIME),
        *_names("error"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_notices"),
        sa.ForeignKeyConstraint(
            ["incident"], ["incidents.id"], name="fk_alert_notices_incident_incidents"
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'failed', 'overtaken')", name="ck_alert_notices_state"
        ),
        sa.UniqueConstraint(*same, name=f"uq_alert_notices_{'_'.join(same)}"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_notices_state_due_at", "alert_notices", ["state", "due_at"])


def _id() -> sa.Column[int]:
    return sa.Column("id", _SERIAL, nullable=False)


def _names(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _NAME, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _TIME, nullable=False) for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]
