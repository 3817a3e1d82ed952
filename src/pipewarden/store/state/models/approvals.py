"""Approvals: signatures linked to a version and an environment; written once, never changed."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from pipewarden.core.chain import Act
from pipewarden.core.models.deployments import Approval
from pipewarden.store.state.models import past, versions
from pipewarden.store.state.models.schema import approvals


def sign(conn: Connection, approval: Approval) -> None:
    """Write a signature."""
    values = {name: getattr(approval, name) for name in Approval.__slots__}
    conn.execute(insert(approvals).values(**values))


def of_version(
    conn: Connection, model: str, version: int, environment: str | None = None
) -> list[Approval]:
    """Return the signatures of a version, the oldest first."""
    query = select(approvals).where(approvals.c.model == model, approvals.c.version == version)
    if environment is not None:
        query = query.where(approvals.c.environment == environment)
    rows = conn.execute(query.order_by(approvals.c.id)).mappings()
    return [Approval(**{name: row[name] for name in Approval.__slots__}) for row in rows]


def stands(conn: Connection, model: str, version: int, environment: str) -> bool:
    """Whether somebody signed for a version since it was last taken back from an environment."""
    held = of_version(conn, model, version, environment)
    since = past.last_taken_back(conn, model, version, environment)
    return any(since is None or approval.at > since for approval in held)


def act_of(approval: Approval, object_hash: str) -> Act:
    """Return what the ledger learns of a signature: it is linked to the very document.

    21 CFR 11.70: a signature cannot be cut out of its record, or moved to another.
    """
    return Act(
        actor=approval.signer,
        action="model.approved",
        subject=versions.subject(approval.model, approval.version),
        reason=approval.meaning,
        details={
            "environment": approval.environment,
            "key": approval.key_id,
            "object": object_hash,
        },
    )
