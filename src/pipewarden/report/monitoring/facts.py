"""The facts of a check, as its page and its JSON have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.core.monitoring.observations import Observation, ObservationStatus

SCHEMA_VERSION = 1
#: Worst first.
ORDER = (
    ObservationStatus.BREACH,
    ObservationStatus.WARN,
    ObservationStatus.NOT_COMPUTABLE,
    ObservationStatus.OK,
)
#: Subject, environment, metric, feature and window of a figure.
Key = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFacts:
    """How everything that is watched stood at a check.

    Parameters
    ----------
    standing
        Of every figure the newest observation.
    past
        Time and value of the figures before, the oldest first.
    failures
        Part → why it could not be looked at.
    """

    check_id: str
    at: datetime
    standing: Sequence[Observation]
    past: Mapping[Key, Sequence[tuple[datetime, float]]] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[ObservationStatus, int]:
        """How many figures are in each status, the worst first."""
        counted = Counter(one.status for one in self.standing)
        return {status: counted[status] for status in ORDER}

    def of(self, status: ObservationStatus) -> list[Observation]:
        """Return the figures in a status."""
        return [one for one in self.standing if one.status is status]


def key_of(one: Observation) -> Key:
    """Return which figure an observation is of."""
    return (one.subject, one.environment, one.metric, one.feature, one.window)


def as_document(facts: CheckFacts) -> dict[str, Any]:
    """Return the report as plain values, which JSON can hold."""
    return {
        "schema_version": SCHEMA_VERSION,
        "check_id": facts.check_id,
        "at": facts.at.isoformat(),
        "counts": {str(status): number for status, number in facts.counts.items()},
        "failures": dict(facts.failures),
        "observations": [observed(one) for one in facts.standing],
    }


def observed(one: Observation) -> dict[str, Any]:
    """Return one observation as plain values, with what its metric means."""
    held = {name: getattr(one, name) for name in Observation.__slots__}
    plain = {"at": one.at.isoformat(), "kind": str(one.kind), "status": str(one.status)}
    unit = METRICS[one.metric].unit if one.metric in METRICS else ""
    return {**held, **plain, "unit": unit, "evidence": dict(one.evidence)}
