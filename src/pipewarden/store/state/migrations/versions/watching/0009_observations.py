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
_INDEXES = (("check_id",), ("subject", "metric", "feature", "at"), ("at",))


def upgrade() -> None:
    """Add the table; nothing was observed before."""
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


def _name(name: str) -> sa.Column[str]:
    return sa.Column(name, _NAME, nullable=False)
