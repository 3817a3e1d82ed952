"""What jobs wait for, as the processes that wait know it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the table; nothing is waited for where nobody has said so."""
    op.create_table(
        "breakers",
        sa.Column("owner", _NAME, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("job_id", _NAME, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("retry_at", _TIME),
        sa.Column("since", _TIME),
        sa.Column("told_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name="pk_breakers"),
    )
