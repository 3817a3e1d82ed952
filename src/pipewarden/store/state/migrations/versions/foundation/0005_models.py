"""What the life of models needs: versions, deployments, approvals, and a log of predictions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_SERVING = sa.text("state IN ('current', 'verified')")


def upgrade() -> None:
    """Add the tables; nothing was trained before."""
    _versions()
    _mirrored()
    _deployments()
    _predictions()


def _versions() -> None:
    op.create_table(
        "model_versions",
        _name("model"),
        sa.Column("version", sa.Integer, nullable=False),
        *map(_name, ("family", "status", "object_hash", "dataset", "verdict", "reason")),
        sa.Column("metrics", sa.Text, nullable=False),
        *map(_name, ("run_id", "item_key")),
        sa.Column("parent", sa.Integer),
        _time("created_at"),
        sa.PrimaryKeyConstraint("model", "version", name="pk_model_versions"),
        sa.CheckConstraint(
            "status IN ('deployable', 'quarantined', 'released')", name="ck_model_versions_status"
        ),
    )
    _index("model_versions", "object_hash")
    _index("model_versions", "run_id")
    _index("model_versions", "family", "created_at")


def _mirrored() -> None:
    op.create_table(
        "mirrored_versions",
        _name("model"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        _name("run_ref"),
        _time("at"),
        sa.PrimaryKeyConstraint("model", "version", name="pk_mirrored_versions"),
        _of_a_version("mirrored_versions"),
    )


def _deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("id", _SERIAL, nullable=False),
        *map(_name, ("model", "environment")),
        sa.Column("version", sa.Integer, nullable=False),
        *map(_name, ("kind", "state", "actor", "reason")),
        _time("created_at"),
        *(_time(column, nullable=True) for column in ("started_at", "verified_at", "ended_at")),
        _name("ended_reason"),
        sa.Column("replaced", sa.BigInteger),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
        _of_a_version("deployments"),
        sa.CheckConstraint(
            "state IN ('awaiting', 'current', 'verified', 'superseded', 'rolled_back', "
            "'withdrawn')",
            name="ck_deployments_state",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_deployments_serving",
        "deployments",
        ["model", "environment"],
        unique=True,
        sqlite_where=_SERVING,
        postgresql_where=_SERVING,
    )
    _index("deployments", "model", "environment", "id")
    op.create_table(
        "approvals",
        sa.Column("id", _SERIAL, nullable=False),
        _name("model"),
        sa.Column("version", sa.Integer, nullable=False),
        *map(_name, ("environment", "signer", "meaning", "key_id")),
        _time("at"),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        _of_a_version("approvals"),
    )
    _index("approvals", "model", "version", "environment")


def _predictions() -> None:
    op.create_table(
        "predictions",
        _name("id"),
        _time("at"),
        _name("model"),
        sa.Column("version", sa.Integer, nullable=False),
        *map(_name, ("environment", "role", "entity")),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        _name("request_id"),
        sa.PrimaryKeyConstraint("id", name="pk_predictions"),
        sqlite_with_rowid=False,
    )
    _index("predictions", "model", "at")
    _index("predictions", "model", "version", "at")


def _of_a_version(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["model", "version"],
        ["model_versions.model", "model_versions.version"],
        name=f"fk_{table}_model_version_model_versions",
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _name(column: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(column, _NAME, **{"nullable": False, **options})


def _time(column: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(column, _TIME, **{"nullable": False, **options})
