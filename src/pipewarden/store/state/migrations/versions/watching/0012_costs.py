"""What every run and healing took."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the table; of what ran before nothing is known, and its items took 0."""
    op.create_table(
        "costs",
        *(sa.Column(name, _NAME, nullable=False) for name in ("kind", "id", "pipeline", "model")),
        sa.Column("run_id", _NAME, nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        _number("attempts", sa.Integer),
        *(_number(name, sa.Float(53)) for name in ("cpu_seconds", "wall_seconds")),
        _number("memory_byte_seconds", sa.Float(53)),
        _number("memory_peak", sa.BigInteger),
        *(_number(name, sa.BigInteger) for name in ("items", "skipped", "quarantined")),
        *(_number(name, sa.Float(53)) for name in ("item_seconds", "check_seconds")),
        *(_number(name, sa.BigInteger) for name in ("output_bytes", "object_bytes")),
        sa.Column("database_bytes", sa.BigInteger),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_costs"),
        sa.CheckConstraint("kind IN ('run', 'healing')", name="ck_costs_kind"),
    )
    op.create_index("ix_costs_at", "costs", ["at"])
    for name, kind in (
        ("cpu_seconds", sa.Float(53)),
        ("check_seconds", sa.Float(53)),
        ("output_bytes", sa.BigInteger()),
        ("object_bytes", sa.BigInteger()),
    ):
        op.add_column("items", sa.Column(name, kind, nullable=False, server_default="0"))


def _number(column: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(column, kind, nullable=False)
