"""An incident: one thing that is wrong, from the first bad figure to the last good one.

::

    (none) ── bad ──> PENDING ── bad, held long enough ──> OPEN ── acknowledged ──> ACKNOWLEDGED
                         │                                   │                          │
                         └─ good ─> WITHDRAWN                └── m good in a row ──> RESOLVED

A figure that could not be had moves nothing: it neither raises nor resolves, and it does not break
a row of good ones. That it is missing is an incident of its own, where a rule asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pipewarden.core.monitoring.alerts.conditions import Look
from pipewarden.core.monitoring.alerts.rules import Rule, Severity
from pipewarden.core.monitoring.observations import Observation, SubjectKind


class IncidentState(StrEnum):
    """Where an incident is in its life."""

    #: The condition holds, and not for long enough yet: nobody was told.
    PENDING = "pending"
    OPEN = "open"
    #: Somebody cares for it: no reminders, no escalation.
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    #: It was over before it held for long enough; nobody was told.
    WITHDRAWN = "withdrawn"

    @property
    def lasting(self) -> bool:
        """Whether it is not over; of one fingerprint at most one incident lasts."""
        return self in LASTING

    @property
    def told(self) -> bool:
        """Whether it is an alert that people are to know of, and not over."""
        return self in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


LASTING = frozenset({IncidentState.PENDING, IncidentState.OPEN, IncidentState.ACKNOWLEDGED})


class Change(StrEnum):
    """What an observation does to an incident."""

    #: The condition began to hold; it must hold for longer before it is told.
    BEGUN = "begun"
    RAISED = "raised"
    #: It is still bad: counted, not told again.
    REPEATED = "repeated"
    #: A graver rule holds by now.
    WORSENED = "worsened"
    #: One good figure, and not enough of them yet.
    EASED = "eased"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One thing that is wrong; all times are UTC.

    Parameters
    ----------
    id
        0 before it is stored.
    revision
        Grows with every change; a change of an older revision is refused.
    count, good
        Bad observations in all, and good ones since the last bad.
    value, limit, reason
        Of the last bad observation: the figure, what it is beyond, and why in words.
    check_id
        The check, or the job, of the last bad observation.
    started_at, seen_at
        The first bad observation, and the last observation of any outcome.
    told_at
        When the first message of it was planned; None: nobody was to be told yet.
    level, level_at
        How far it was escalated, and since when.
    reminded_at
        When it was last told again.
    """

    id: int = 0
    revision: int = 0
    fingerprint: str
    state: IncidentState
    severity: Severity
    rule: str
    condition: str
    kind: SubjectKind
    subject: str
    environment: str
    metric: str
    feature: str
    missing: bool
    version: int | None
    window: str
    value: float | None
    limit: float | None
    sample: int | None
    reason: str
    owner: str
    runbook: str
    check_id: str
    count: int
    good: int
    level: int = 0
    started_at: datetime
    seen_at: datetime
    bad_at: datetime
    raised_at: datetime | None = None
    told_at: datetime | None = None
    level_at: datetime | None = None
    reminded_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_reason: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    resolved_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One observation, and what the rules make of it.

    Parameters
    ----------
    rule
        The rule that finds it bad; of a good or unknown one any rule that looked.
    limit
        What the figure is beyond.
    """

    seen: Observation
    fingerprint: str
    look: Look
    rule: Rule
    limit: float | None = None


def folded(held: Incident | None, sighting: Sighting) -> tuple[Incident, Change] | None:
    """Return the incident after one more observation, and what changed; None: nothing did.

    Parameters
    ----------
    held
        The last incident of the fingerprint, over or not.
    sighting
        One that is not later than what was seen before changes nothing, so that a check that is
        read twice, or by two monitors, counts once.
    """
    if held is not None and sighting.seen.at <= held.seen_at:
        return None
    if sighting.look is Look.UNKNOWN:
        return None
    if sighting.look is Look.BAD:
        return _bad(held if held is not None and held.state.lasting else None, sighting)
    if held is None or not held.state.lasting:
        return None
    return _good(held, sighting)


def _bad(held: Incident | None, sighting: Sighting) -> tuple[Incident, Change]:
    seen, rule = sighting.seen, sighting.rule
    if held is None:
        begun = _begun(sighting)
        if rule.holds_for:
            return begun, Change.BEGUN
        return replace(begun, state=IncidentState.OPEN, raised_at=seen.at), Change.RAISED
    graver = rule.severity.graver_than(held.severity)
    known = _figures(sighting) if graver or rule.severity is held.severity else _seen(sighting)
    now = replace(held, **known, count=held.count + 1, good=0, seen_at=seen.at, bad_at=seen.at)  # type: ignore[arg-type]
    if held.state is IncidentState.PENDING:
        if seen.at - held.started_at < rule.holds_for:
            return now, Change.REPEATED
        return replace(now, state=IncidentState.OPEN, raised_at=seen.at), Change.RAISED
    if not graver:
        return now, Change.REPEATED
    # It begins anew for those whom the graver plan names; who acknowledged the lesser one knows
    # nothing of this.
    worse = replace(now, state=IncidentState.OPEN, level=0, level_at=None, told_at=None)
    return replace(worse, reminded_at=None), Change.WORSENED


def _good(held: Incident, sighting: Sighting) -> tuple[Incident, Change]:
    at = sighting.seen.at
    eased = replace(held, good=held.good + 1, seen_at=at)
    if held.state is IncidentState.PENDING:
        over = replace(eased, state=IncidentState.WITHDRAWN, resolved_at=at)
        return replace(over, resolved_reason="it did not hold for long enough"), Change.WITHDRAWN
    if eased.good < sighting.rule.resolve_after:
        return eased, Change.EASED
    row = "1 good observation" if eased.good == 1 else f"{eased.good} good observations in a row"
    return resolved(eased, at, by="pipewarden", reason=row), Change.RESOLVED


def resolved(held: Incident, at: datetime, *, by: str, reason: str) -> Incident:
    """Return the incident, over.

    Parameters
    ----------
    by
        A person, or ``pipewarden`` where the figures themselves say so.
    """
    over = replace(held, state=IncidentState.RESOLVED, resolved_at=at)
    return replace(over, resolved_by=by, resolved_reason=reason)


def acknowledged(held: Incident, at: datetime, *, by: str, reason: str) -> Incident:
    """Return the incident that somebody cares for by now."""
    return replace(
        held,
        state=IncidentState.ACKNOWLEDGED,
        acknowledged_at=at,
        acknowledged_by=by,
        acknowledged_reason=reason,
    )


def _begun(sighting: Sighting) -> Incident:
    seen = sighting.seen
    return Incident(
        fingerprint=sighting.fingerprint,
        state=IncidentState.PENDING,
        kind=seen.kind,
        subject=seen.subject,
        environment=seen.environment,
        metric=seen.metric,
        feature=seen.feature,
        missing=sighting.rule.condition.missing,
        count=1,
        good=0,
        started_at=seen.at,
        seen_at=seen.at,
        bad_at=seen.at,
        **_figures(sighting),  # type: ignore[arg-type]
    )


def _figures(sighting: Sighting) -> dict[str, object]:
    rule = sighting.rule
    return {
        **_seen(sighting),
        "severity": rule.severity,
        "rule": rule.name,
        "condition": rule.condition.text,
        "limit": sighting.limit,
        "owner": rule.owner,
        "runbook": rule.runbook,
    }


def _seen(sighting: Sighting) -> dict[str, object]:
    names = ("version", "window", "value", "sample", "reason", "check_id")
    return {name: getattr(sighting.seen, name) for name in names}
