"""How long the stages of every item took, where its pipeline tells them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of items decided before, no stage is known."""
    op.add_column("items", sa.Column("stages", sa.Text, nullable=False, server_default="{}"))
