"""The sheet of one check: makes observations, and holds each figure against its limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipewarden.core.monitoring.metrics import METRICS, Worse
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """From where on a figure is worth a look, and from where on it is too much."""

    warn: float | None = None
    breach: float | None = None

    def of(self, metric: str, value: float) -> tuple[ObservationStatus, float | None]:
        """Return what is made of a value, and the bound that it was held against."""
        if self.breach is not None and beyond(metric, value, self.breach):
            return ObservationStatus.BREACH, self.breach
        if self.warn is not None and beyond(metric, value, self.warn):
            return ObservationStatus.WARN, self.warn
        nearest = self.warn if self.warn is not None else self.breach
        return ObservationStatus.OK, nearest


def beyond(metric: str, value: float, bound: float) -> bool:
    """Whether a value lies on the bad side of a bound, which itself is allowed."""
    match METRICS[metric].worse:
        case Worse.ABOVE:
            return value > bound
        case Worse.BELOW:
            return value < bound
        case Worse.AWAY:
            return abs(value) > bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What all observations of one check share.

    Parameters
    ----------
    limits
        Metric and subject → what is held against it.
    """

    check_id: str
    at: datetime
    limits: Callable[[str, str], Limit]

    def figure(
        self, metric: str, subject: str, value: float, *, feature: str = "", **also: Any
    ) -> Observation:
        """Return an observation of a figure; one that is not finite is not computable."""
        if not math.isfinite(value):
            return self.unknown(metric, subject, f"it is {value}", feature=feature, **also)
        status, bound = self.limits(metric, subject).of(metric, value)
        reason = str(also.pop("reason", ""))
        if status is not ObservationStatus.OK and not reason:
            reason = in_words(metric, value, bound)
        return Observation(
            check_id=self.check_id,
            at=self.at,
            kind=_kind(metric),
            subject=subject,
            metric=metric,
            feature=feature,
            status=status,
            value=value,
            threshold=bound,
            reason=reason,
            **also,
        )

    def unknown(
        self, metric: str, subject: str, reason: str, *, feature: str = "", **also: Any
    ) -> Observation:
        """Return an observation of a figure that could not be had, and why."""
        return Observation(
            check_id=self.check_id,
            at=self.at,
            kind=_kind(metric),
            subject=subject,
            metric=metric,
            feature=feature,
            status=ObservationStatus.NOT_COMPUTABLE,
            reason=reason,
            **also,
        )


def in_words(metric: str, value: float, bound: float | None) -> str:
    """Return why a value is worth a look: ``0.4 is more than 0.2``."""
    held, unit = METRICS[metric], METRICS[metric].unit
    compared = "less" if held.worse is Worse.BELOW else "more"
    amount = f"{value:.4g}" + ("" if unit == "1" else f" {unit}")
    return f"{amount} is {compared} than {bound:.4g}"


def _kind(metric: str) -> SubjectKind:
    kind = METRICS[metric].kind
    assert kind is not None, f"{metric} is of any kind: its observation needs one of its own"
    return kind
