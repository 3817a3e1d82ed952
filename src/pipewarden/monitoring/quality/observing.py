"""What an evaluation of data quality found, as observations."""

from __future__ import annotations

from datetime import datetime

from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.monitoring.quality.verdict import Fault, QualityResult, QualityVerdict


def observations(
    verdict: QualityVerdict,
    *,
    check_id: str,
    at: datetime,
    subject: str,
    environment: str = "",
    version: int | None = None,
    window: str = "",
) -> tuple[Observation, ...]:
    """Return a verdict as observations, one of each result.

    A new category is worth a look however rare: below its threshold it is a warning.
    """
    return tuple(
        Observation(
            check_id=check_id,
            at=at,
            kind=SubjectKind.MODEL,
            subject=subject,
            environment=environment,
            version=version,
            metric=f"quality.{result.fault.value}",
            feature=result.name,
            window=window,
            status=status,
            value=result.value,
            threshold=result.threshold,
            sample=result.sample,
            reason="" if status is ObservationStatus.OK else result.reason,
            evidence={"p_adjusted": result.p_adjusted, **result.told},
        )
        for result in verdict.results
        for status in [_status(result)]
    )


def _status(result: QualityResult) -> ObservationStatus:
    if result.value is None:
        return ObservationStatus.NOT_COMPUTABLE
    if result.bad:
        return ObservationStatus.BREACH
    new = result.fault is Fault.NEW_CATEGORY and result.value > 0
    return ObservationStatus.WARN if new else ObservationStatus.OK
