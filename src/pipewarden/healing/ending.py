"""The end of a healing: what it says of the next one."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.healing.context import HealingContext
from pipewarden.healing.deciding.looking import lost_in_a_row
from pipewarden.models.context import in_words
from pipewarden.store.state.healing import healings, holds
from pipewarden.store.state.monitoring import observations

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

LOST = "healing.lost_in_a_row"
#: How far back is looked for what was lost.
_BACK = timedelta(days=400)


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
    one = _lost(healing.model, healing.environment, healing.name, healing.ended_at, lost, limit)
    one = replace(one, version=healing.candidate, status=status, reason=reason)
    observations.append(conn, [one])


def forgotten(
    conn: Connection, context: HealingContext, model: str, environment: str, at: datetime
) -> str:
    """Observe that what was lost counts no more; return the name of what was observed, or nothing.

    Parameters
    ----------
    model
        Empty: every model.
    """
    found = [
        _lost(subject, environment, f"healing/resumed/{at:%Y%m%d_%H%M%S_%f}", at, 0,
              context.policy(subject).breaker)
        for subject, where, _, _ in sorted(observations.lasting(conn, LOST, since=at - _BACK))
        if where == environment and model in ("", subject)
    ]  # fmt: skip
    observations.append(conn, found)
    return found[0].check_id if found else ""


def _lost(
    model: str, environment: str, check_id: str, at: datetime, lost: int, limit: int
) -> Observation:
    return Observation(
        check_id=check_id,
        at=at,
        kind=SubjectKind.MODEL,
        subject=model,
        environment=environment,
        metric=LOST,
        status=ObservationStatus.OK,
        value=float(lost),
        threshold=float(limit),
    )


def alerted(context: HealingContext, check_id: str) -> list[str]:
    """Let alerts see what was observed; return in words what failed, which stops nothing."""
    from pipewarden.jobs.monitoring.alerts import alerts_of
    from pipewarden.monitoring.alerts.watching import take

    try:
        take(alerts_of(context.workspace), check_id)
    except Exception as error:
        log.exception("alerts failed")
        return [f"alerts: {in_words(error)}"]
    return []
