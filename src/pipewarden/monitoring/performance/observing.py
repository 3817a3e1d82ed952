"""Figures of performance as observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipewarden.core.monitoring.observations import Observation, SubjectKind
from pipewarden.monitoring.performance.dropping import Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What all figures of one window have in common.

    Parameters
    ----------
    window
        What they were measured over, in words; see `Observation`.
    beside
        What stands beside each of them, as evidence: label coverage and label age.
    """

    check_id: str
    at: datetime
    model: str
    environment: str
    version: int
    window: str
    beside: Mapping[str, Any] = field(default_factory=dict)


def observed(judged: Iterable[Judged], about: About) -> list[Observation]:
    """Return an observation of each figure, also of each that is not computable."""
    return [_observation(each, about) for each in judged]


def _observation(each: Judged, about: About) -> Observation:
    figure = each.figure
    ends = {"low": figure.low, "high": figure.high} if figure.low is not None else {}
    return Observation(
        check_id=about.check_id,
        at=about.at,
        kind=SubjectKind.MODEL,
        subject=about.model,
        environment=about.environment,
        version=about.version,
        metric=figure.metric,
        status=each.status,
        value=figure.value,
        threshold=each.threshold,
        sample=figure.rows,
        window=about.window,
        reason=each.reason,
        evidence={**about.beside, **ends, **figure.evidence, **each.evidence},
    )
