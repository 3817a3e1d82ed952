"""Files of lines that outputs are appended to, and how many of their bytes are committed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "line_files",
        sa.Column("path", _NAME, nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.Column("writer", _NAME, nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_line_files"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("line_files")
