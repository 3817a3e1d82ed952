"""What became true of predictions, as it arrived; and the way to predictions by environment."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_AGAIN = sa.text("reports > 1")


def upgrade() -> None:
    """Add the tables; nothing was reported before."""
    op.drop_index("ix_predictions_model_at", "predictions")
    _index("predictions", "model", "environment", "at", "version", "role")
    _labels()
    op.create_table(
        "label_conflicts",
        sa.Column("id", _SERIAL, nullable=False),
        _name("prediction_id"),
        sa.Column("value", sa.Text, nullable=False),
        _time("at"),
        _time("received_at"),
        _name("source"),
        sa.PrimaryKeyConstraint("id", name="pk_label_conflicts"),
        sqlite_autoincrement=True,
    )
    _index("label_conflicts", "prediction_id")


def _labels() -> None:
    op.create_table(
        "labels",
        _name("prediction_id"),
        sa.Column("value", sa.Text, nullable=False),
        _time("at"),
        _time("received_at"),
        _name("source"),
        sa.Column("reports", sa.Integer, nullable=False),
        sa.Column("conflicts", sa.Integer, nullable=False),
        *map(_name, ("model", "environment")),
        sa.Column("version", sa.Integer, nullable=False),
        _name("role"),
        _time("predicted_at", nullable=True),
        sa.PrimaryKeyConstraint("prediction_id", name="pk_labels"),
        sqlite_with_rowid=False,
    )
    _index("labels", "model", "environment", "predicted_at", "version", "role")
    _index("labels", "model", "environment", "received_at")
    op.create_index(
        "ix_labels_again",
        "labels",
        ["model", "environment", "predicted_at", "version", "role", "reports", "conflicts"],
        sqlite_where=_AGAIN,
        postgresql_where=_AGAIN,
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _name(column: str) -> sa.Column[Any]:
    return sa.Column(column, _NAME, nullable=False)


def _time(column: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(column, _TIME, nullable=nullable)
