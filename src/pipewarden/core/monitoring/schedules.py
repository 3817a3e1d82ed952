"""Schedules: when a pipeline should run, and which of those times nobody ran it at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_EVERY = re.compile(r"every (?P<number>[1-9][0-9]*)(?P<unit>[mhd])")
_DAILY = re.compile(r"daily at (?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Every:
    """A run at the latest so long after the one before it began."""

    interval: timedelta

    def after(self, begun: datetime) -> Iterator[datetime]:
        """Yield the times that follow a run, without end."""
        while True:
            begun += self.interval
            yield begun


@dataclass(frozen=True, slots=True)
class Daily:
    """A run each day at one time, UTC."""

    hour: int
    minute: int

    @property
    def interval(self) -> timedelta:
        """From one time to the next."""
        return timedelta(days=1)

    def after(self, begun: datetime) -> Iterator[datetime]:
        """Yield the times that follow a moment, without end."""
        day = begun.astimezone(UTC).replace(
            hour=self.hour, minute=self.minute, second=0, microsecond=0
        )
        while True:
            if day > begun:
                yield day
            day += self.interval


Schedule = Every | Daily


def parsed(text: str) -> Schedule:
    """Return the schedule that a text states: ``every 6h`` (m, h, d) or ``daily at 02:00`` (UTC).

    Raises
    ------
    ValueError
        It states none.
    """
    if found := _EVERY.fullmatch(text):
        return Every(timedelta(**{_UNITS[found["unit"]]: int(found["number"])}))
    found = _DAILY.fullmatch(text)
    if found is None or int(found["hour"]) > 23 or int(found["minute"]) > 59:
        raise ValueError(f"{text!r} is no schedule: write 'every 6h' or 'daily at 02:00'")
    return Daily(int(found["hour"]), int(found["minute"]))


def missed(
    schedule: Schedule, begun: datetime, now: datetime, *, tolerance: timedelta
) -> list[datetime]:
    """Return the times since the last run at which there should have been one, and was none.

    Parameters
    ----------
    begun
        When the last run began; where there never was one, since when it is watched.
    tolerance
        How early or late a run may begin.
    """
    early = begun + tolerance if isinstance(schedule, Daily) else begun
    due: list[datetime] = []
    for at in schedule.after(early):
        if at + tolerance >= now:
            return due
        due.append(at)
    raise AssertionError("a schedule has no end")
