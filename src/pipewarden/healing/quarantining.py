"""A version that did harm, or was taught by broken data, must not be deployed again by chance."""

from __future__ import annotations

from pipewarden.core.chain import Act
from pipewarden.core.healing.states import Healing
from pipewarden.healing.context import HealingContext
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.models import versions
from pipewarden.store.state.outbox import OutboxEvent


def quarantine(context: HealingContext, healing: Healing, number: int, reason: str) -> None:
    """Let a version be deployed no more, unless somebody releases it; once."""
    at = context.now()
    name = versions.subject(healing.model, number)
    with context.database.write() as conn:
        if not versions.quarantine(conn, healing.model, number, reason=reason):
            return
        act = Act(
            actor=context.actor,
            action="model.quarantined",
            subject=name,
            reason=reason,
            details={"healing": healing.id},
        )
        ledger.append(conn, [act], at)
        told = OutboxEvent(
            type="io.pipewarden.model.quarantined",
            subject=name,
            data={
                "model": healing.model,
                "version": number,
                "healing": healing.id,
                "reason": reason,
            },
            at=at,
            id=f"{healing.name}/quarantined/{number}",
        )
        outbox.append(conn, [told])
    context.models.tell([healing.model])
