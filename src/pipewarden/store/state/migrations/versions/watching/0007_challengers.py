"""Which versions answer beside the one that is deployed, and what came of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_RUNNING = sa.text("state = 'running'")


def upgrade() -> None:
    """Add the tables; nothing answered beside a champion before."""
    op.create_table(
        "challengers",
        sa.Column("id", _SERIAL, nullable=False),
        *map(_name, ("model", "environment")),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("champion", sa.Integer, nullable=False),
        _name("mode"),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        *map(_name, ("state", "actor", "reason")),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        *map(_name, ("ended_by", "ended_reason")),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_challengers"),
        sa.ForeignKeyConstraint(
            ["model", "version"],
            ["model_versions.model", "model_versions.version"],
            name="fk_challengers_model_version_model_versions",
        ),
        sa.CheckConstraint(
            "state IN ('running', 'won', 'lost', 'undecided', 'harmed', 'stopped', 'overtaken')",
            name="ck_challengers_state",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_challengers_running",
        "challengers",
        ["model", "environment"],
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )
    op.create_index("ix_challengers_model_id", "challengers", ["model", "id"])
    _figures()


def _figures() -> None:
    op.create_table(
        "challenger_figures",
        sa.Column("challenger", _SERIAL, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("asked", "failed")),
        sa.Column("skipped", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("champion_rows", sa.BigInteger, nullable=False),
        sa.Column("champion_seconds", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("challenger", name="pk_challenger_figures"),
        sa.ForeignKeyConstraint(
            ["challenger"],
            ["challengers.id"],
            name="fk_challenger_figures_challenger_challengers",
        ),
    )


def _name(column: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(column, _NAME, **{"nullable": False, **options})
