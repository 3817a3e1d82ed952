"""The clock of an incident: when it is told, told again, and told to the next level.

Nothing here asks the time: it is an argument, so that a year of alerts is tested in a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from pipewarden.core.monitoring.alerts.incidents import Incident, IncidentState
from pipewarden.core.monitoring.alerts.rules import Plan


class Purpose(StrEnum):
    """Why somebody is told."""

    RAISED = "raised"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    #: Told with all else of its severity, once a day.
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Quiet about some incidents, until a time; they are counted and kept all the same.

    Parameters
    ----------
    incident
        The one that it is about; None: all that the patterns match.
    rule, subject, metric
        Patterns; ``*`` stands for anything.
    ended_at
        When somebody took it back; None: nobody did.
    """

    id: int = 0
    incident: int | None = None
    rule: str = "*"
    subject: str = "*"
    metric: str = "*"
    since: datetime
    until: datetime
    actor: str
    reason: str
    ended_at: datetime | None = None

    @property
    def end(self) -> datetime:
        """When it ends, or ended."""
        return self.until if self.ended_at is None else min(self.until, self.ended_at)

    def covers(self, held: Incident) -> bool:
        """Whether it is about this incident."""
        if self.incident is not None:
            return self.incident == held.id
        return all(
            fnmatchcase(getattr(held, name), getattr(self, name))
            for name in ("rule", "subject", "metric")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that is to be told now.

    Parameters
    ----------
    occasion
        Tells two of one purpose apart: a level, a time, a digest.
    """

    purpose: Purpose
    occasion: str
    level: int


def muted_until(held: Incident, mutes: Iterable[Mute], now: datetime) -> datetime | None:
    """Return until when nobody is told of an incident; None: it is not muted."""
    ends = [one.end for one in mutes if one.since <= now < one.end and one.covers(held)]
    return max(ends, default=None)


def due(
    held: Incident, plan: Plan, now: datetime, mutes: Sequence[Mute] = ()
) -> tuple[Incident, Due] | None:
    """Return what is to be told of an incident now, and the incident afterwards; None: nothing.

    While it is muted nothing is, and the clock of its escalation stands still until the end.
    """
    if not held.state.told or muted_until(held, mutes, now) is not None:
        return None
    if plan.digest is not None:
        told = _digest(held, plan.digest, now)
        if told is not None or held.told_at is None:
            return told
    elif held.told_at is None:
        first = replace(held, told_at=now, level_at=now, reminded_at=now)
        # A worsened incident is told anew, so the severity belongs to the occasion.
        return first, Due(purpose=Purpose.RAISED, occasion=str(held.severity), level=0)
    if held.state is IncidentState.ACKNOWLEDGED:
        return None
    quiet = [one.end for one in mutes if one.end <= now and one.covers(held)]
    return _escalated(held, plan, now, quiet) or _reminded(held, plan, now, quiet)


def _digest(held: Incident, at: time, now: datetime) -> tuple[Incident, Due] | None:
    last = last_digest(at, now)
    raised = held.raised_at or held.started_at
    if raised > last or (held.reminded_at is not None and held.reminded_at >= last):
        return None
    told = replace(
        held,
        told_at=held.told_at or now,
        level_at=held.level_at or now,
        reminded_at=now,
    )
    return told, Due(purpose=Purpose.DIGEST, occasion=last.isoformat(), level=0)


def _escalated(
    held: Incident, plan: Plan, now: datetime, quiet: Sequence[datetime]
) -> tuple[Incident, Due] | None:
    if held.level + 1 >= len(plan.levels):
        return None
    patience = plan.levels[held.level].unacknowledged
    since = max([held.level_at or now, *quiet])
    if patience is None or now - since < patience:
        return None
    level = held.level + 1
    return (
        replace(held, level=level, level_at=now, reminded_at=now),
        Due(purpose=Purpose.ESCALATED, occasion=f"level {level}", level=level),
    )


def _reminded(
    held: Incident, plan: Plan, now: datetime, quiet: Sequence[datetime]
) -> tuple[Incident, Due] | None:
    since = max([held.reminded_at or now, *quiet])
    if plan.remind is None or now - since < plan.remind:
        return None
    return (
        replace(held, reminded_at=now),
        Due(purpose=Purpose.REMINDED, occasion=now.isoformat(), level=held.level),
    )


def last_digest(at: time, now: datetime) -> datetime:
    """Return the last time of day ``at`` (UTC) that is not later than ``now``."""
    today = datetime.combine(now.date(), at, tzinfo=now.tzinfo)
    return today if today <= now else today - timedelta(days=1)


def next_digest(at: time, now: datetime) -> datetime:
    """Return the first time of day ``at`` (UTC) that is later than ``now``."""
    return last_digest(at, now) + timedelta(days=1)
