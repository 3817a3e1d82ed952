"""A clock that is set, not waited for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: When a simulation begins unless told otherwise: a Monday.
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


class SimulatedClock:
    """Gives the time that it was set to; it never goes by itself, and never back.

    Parameters
    ----------
    now
        The first time; UTC and aware.
    """

    def __init__(self, now: datetime = BEGIN) -> None:
        self._now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self._now

    def to(self, at: datetime) -> None:
        """Set it; what lies in the past leaves it as it is."""
        self._now = max(self._now, at)

    def pass_by(self, **of: float) -> None:
        """Let so many ``hours``, ``days`` and the like pass."""
        self._now += timedelta(**of)
