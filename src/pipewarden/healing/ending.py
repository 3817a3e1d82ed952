"""The end of a healing: what it says of the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.healing.context import HealingContext
from pipewarden.healing.deciding.looking import lost_in_a_row
from pipewarden.store.state.healing import healings, holds
from pipewarden.store.state.monitoring import observations

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOST = "healing.lost_in_a_row"


def ended(conn: Connection, context: HealingContext, healing: Healing) -> None:
    """Observe how many healings in a row did not help; too many open the breaker, and alert."""
    if not (healing.state.lost or healing.state is HealingState.KEPT):
        return
    limit = context.policy(healing.model).breaker
    acted = healings.history(
        conn, model=healing.model, environment=healing.environment, acted=True, limit=50
    )
    said = holds.of(conn, healing.model, healing.environment)
    lost = lost_in_a_row(acted, [one.reset_at for one in said])
    status = ObservationStatus.OK
    reason = ""
    if lost:
        status = ObservationStatus.BREACH if lost >= limit else ObservationStatus.WARN
        reason = f"{healing.name} ended {healing.state}: {healing.reason}"
    assert healing.ended_at is not None
    one = Observation(
        check_id=healing.name,
        at=healing.ended_at,
        kind=SubjectKind.MODEL,
        subject=healing.model,
        environment=healing.environment,
        version=healing.candidate,
        metric=LOST,
        status=status,
        value=float(lost),
        threshold=float(limit),
        reason=reason,
    )
    observations.append(conn, [one])
