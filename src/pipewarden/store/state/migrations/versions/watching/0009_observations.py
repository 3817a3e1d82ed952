"""What was observed of models, pipelines and services, and what was made of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INDEXES = (
    ("check_id",),
    ("subject", "metric", "feature", "at"),
    ("metric", "at"),
    ("kind", "at"),
    ("at",),
)


def upgrade() -> None:
    """Add the tables; nothing was observed before."""
    op.create_table(
        "observations",
        sa.Column("id", _SERIAL, nullable=False),
        _name("check_id"),
        sa.Column("at", _TIME, nullable=False),
        *map(_name, ("kind", "subject", "metric", "status")),
        sa.Column("value", sa.Float),
        _name("environment"),
        sa.Column("version", sa.Integer),
        *map(_name, ("feature", "window")),
        sa.Column("threshold", sa.Float),
        sa.Column("sample", sa.Integer),
        _name("reason"),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_observations"),
        sqlite_autoincrement=True,
    )
    for names in _INDEXES:
        op.create_index(f"ix_observations_{'_'.join(names)}", "observations", list(names))
    _add_rounds()
    _add_limits()


def _add_rounds() -> None:
    op.create_table(
        "check_rounds",
        _name("check_id"),
        sa.Column("at", _TIME, nullable=False),
        *map(_name, ("owner", "actor")),
        sa.Column("lease_expires_at", _TIME, nullable=False),
        sa.Column("running", sa.Integer),
        sa.Column("finished_at", _TIME),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("failures", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("check_id", name="pk_check_rounds"),
    )
    op.create_index("ix_check_rounds_running", "check_rounds", ["running"], unique=True)
    op.create_index("ix_check_rounds_at", "check_rounds", ["at"])


def _add_limits() -> None:
    op.create_table(
        "metric_limits",
        sa.Column("id", _SERIAL, nullable=False),
        *map(_name, ("metric", "subject")),
        sa.Column("warn", sa.Float(53)),
        sa.Column("breach", sa.Float(53)),
        *map(_name, ("actor", "reason")),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_metric_limits"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_metric_limits_metric_subject_id", "metric_limits",
                    ["metric", "subject", "id"])  # fmt: skip


def _name(name: str) -> sa.Column[str]:
    return sa.Column(name, _NAME, nullable=False)
