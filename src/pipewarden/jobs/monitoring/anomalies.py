"""Anomalies of a check: each figure beside its own past, told where it is unlike it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.observations import Observation, ObservationStatus
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.checks.sheet import Sheet
from pipewarden.monitoring.thresholds.anomalies import Unusual, fit, unusual
from pipewarden.store.state.monitoring import observations

if TYPE_CHECKING:
    from sqlalchemy import Connection

METRIC = "history.anomaly"
_BACK, _NUMBER = timedelta(days=60), 1_000


def marked(
    conn: Connection, workspace: Workspace, sheet: Sheet, found: Sequence[Observation]
) -> Iterator[Observation]:
    """Yield an observation of each figure that is worse than usual, or is so no more."""
    bound = workspace.settings.monitoring.anomaly_deviations
    lasting = observations.lasting(conn, METRIC, since=sheet.at - _BACK)
    for one in found:
        if one.value is None or not fit(one.metric):
            continue
        past = observations.values(conn, one, since=sheet.at - _BACK, limit=_NUMBER)
        held = unusual(one.metric, past, sheet.at, one.value)
        worse = held is not None and held.score >= bound
        place = (one.subject, one.environment, _feature(one), one.window)
        if held is not None and (worse or place in lasting):
            yield _told(sheet, one, held, bound)


def _feature(one: Observation) -> str:
    return f"{one.metric}/{one.feature}" if one.feature else one.metric


def _told(sheet: Sheet, one: Observation, held: Unusual, bound: float) -> Observation:
    worse = held.score >= bound
    course = " at this hour" if held.seasonal else ""
    words = f"{one.value:.4g} is unlike the {held.usual:.4g} that is usual{course}"
    return Observation(
        check_id=sheet.check_id,
        at=sheet.at,
        kind=one.kind,
        subject=one.subject,
        environment=one.environment,
        version=one.version,
        metric=METRIC,
        feature=_feature(one),
        window=one.window,
        status=ObservationStatus.WARN if worse else ObservationStatus.OK,
        value=held.score,
        threshold=bound,
        sample=held.past,
        reason=words if worse else "",
        evidence={"value": one.value, "usual": held.usual, "seasonal": held.seasonal},
    )
