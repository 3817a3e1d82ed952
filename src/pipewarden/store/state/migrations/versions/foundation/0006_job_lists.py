"""Indexes that filter jobs and have them in the order of a list: nothing is left to sort."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_FILTERS = (("status",), ("pipeline",), ("source",), ("pipeline", "status"))


def upgrade() -> None:
    """Let each index end with the id, which decides between jobs of one moment."""
    for name in ("status", "pipeline", "source"):
        op.drop_index(f"ix_jobs_{name}_created_at", table_name="jobs")
    for names in _FILTERS:
        columns = [*names, "created_at", "id"]
        op.create_index(f"ix_jobs_{'_'.join(columns)}", "jobs", columns)
