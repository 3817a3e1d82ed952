"""What there is to know of alerts: those that last, those that are over, and how channels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipewarden.core.monitoring.alerts.incidents import Incident, IncidentState
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.alerts.schedule import Mute, muted_until
from pipewarden.core.outages.breaker import BreakerState
from pipewarden.monitoring.alerts.context import AlertContext
from pipewarden.monitoring.alerts.sending import PATIENCE
from pipewarden.store.state.monitoring.alerts import incidents, notices
from pipewarden.store.state.monitoring.alerts.notices import ChannelState, Notice

#: What people are to know of, and what is over.
PRESENT = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)
PAST = (IncidentState.RESOLVED, IncidentState.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One alert, and until when nobody is told of it; None: it is not muted."""

    incident: Incident
    muted_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some alerts as they are at a time, the gravest and newest first, and how many in all."""

    alerts: tuple[Listed, ...]
    total: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReport:
    """How a channel is.

    Parameters
    ----------
    waiting
        Notices that are due and not sent.
    """

    name: str
    state: BreakerState
    waiting: int
    failures: int
    error: str
    failed_at: datetime | None
    retry_at: datetime | None
    sent_at: datetime | None

    @property
    def fails(self) -> bool:
        """Whether its last try failed."""
        return self.failures > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One alert, and who was told of it, by which channel, when."""

    alert: Listed
    notices: tuple[Notice, ...]


def listed(
    context: AlertContext,
    states: Sequence[IncidentState] = PRESENT,
    *,
    severity: Severity | None = None,
    subject: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Page:
    """Return alerts of some states."""
    now = context.clock()
    with context.database.read() as conn:
        found, total = incidents.page(
            conn, states, severity=severity, subject=subject, limit=limit, offset=offset
        )
        quiet = incidents.mutes(conn, now)
    return Page(alerts=tuple(_listed(one, quiet, now) for one in found), total=total, at=now)


def shown(context: AlertContext, incident_id: int) -> Shown:
    """Return one alert with its notices.

    Raises
    ------
    UnknownName
        There is none of this number.
    """
    now = context.clock()
    with context.database.read() as conn:
        held = incidents.get(conn, incident_id)
        told = notices.of_incident(conn, incident_id)
        quiet = incidents.mutes(conn, now)
    return Shown(alert=_listed(held, quiet, now), notices=tuple(told))


def mutes_in_force(context: AlertContext) -> list[Mute]:
    """Return the mutes that hold now."""
    now = context.clock()
    with context.database.read() as conn:
        return [one for one in incidents.mutes(conn, now) if one.since <= now < one.end]


def channels(context: AlertContext) -> list[ChannelReport]:
    """Return how each channel of the settings has been lately."""
    now = context.clock()
    with context.database.read() as conn:
        known, behind = notices.channels(conn), notices.backlog(conn, now)
    return [
        _report(known.get(name, ChannelState(name=name)), behind.get(name, 0), now)
        for name in context.channels
    ]


def unsent_for(context: AlertContext) -> timedelta:
    """Return for how long the oldest notice that is due has waited: long, and nobody ticks."""
    now = context.clock()
    with context.database.read() as conn:
        due = [one.due_at for one in notices.waiting(conn) if one.due_at <= now]
    return now - min(due, default=now)


def _listed(held: Incident, mutes: Sequence[Mute], now: datetime) -> Listed:
    return Listed(incident=held, muted_until=muted_until(held, mutes, now))


def _report(held: ChannelState, waiting: int, now: datetime) -> ChannelReport:
    return ChannelReport(
        name=held.name,
        state=held.breaker.state(now, PATIENCE),
        waiting=waiting,
        failures=held.failures,
        error=held.error,
        failed_at=held.failed_at,
        retry_at=held.retry_at,
        sent_at=held.sent_at,
    )
