"""Which week of a forecast a row of a table is of; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

#: A week as tables name it: a date as ISO text, or a whole number.
Week = str | int
_WEEK = timedelta(days=7)


def sold_by_week(record: Mapping[str, Any]) -> dict[Week, float]:
    """Return what was sold by week; rows of one week are summed, and empty ones are left out."""
    found: dict[Week, float] = {}
    for ds, value in zip(record.get("ds") or (), record.get("y") or (), strict=False):
        if isinstance(value, (int, float)) and isinstance(ds, (str, int)):
            found[ds] = found.get(ds, 0.0) + float(value)
    return found


def steps_until(first: Week, newest: Sequence[Week]) -> int:
    """Return how many steps a forecast must have to reach the newest of some weeks.

    Parameters
    ----------
    first
        The week of its first step.
    """
    reached = [_steps(first, one) for one in newest]
    return max([0, *reached])


def came_true(
    steps: Sequence[Mapping[str, Any]], sold: Mapping[Week, float]
) -> list[tuple[Mapping[str, Any], float]]:
    """Return the steps of a forecast whose week has come, each with what was sold in it.

    A step that is named by a day is the week that ends on it: a table may name its weeks by
    another day than the series does.
    """
    found = []
    for step in steps:
        amounts = [sold[ds] for ds in _names(step["ds"]) if ds in sold]
        if amounts:
            found.append((step, sum(amounts)))
    return found


def _names(week: Week) -> list[Week]:
    """Return how rows may name a week."""
    if isinstance(week, int):
        return [week]
    last = date.fromisoformat(week)
    return [(last - timedelta(days=back)).isoformat() for back in range(_WEEK.days)]


def _steps(first: Week, week: Week) -> int:
    """Return which step a week is of, the first being 1; 0 where it lies before."""
    if isinstance(first, int) or isinstance(week, int):
        alike = isinstance(first, int) and isinstance(week, int)
        return max(0, int(week) - int(first) + 1) if alike else 0
    try:
        days = (date.fromisoformat(week) - date.fromisoformat(first)).days
    except ValueError:
        return 0
    return max(0, -(-days // _WEEK.days) + 1)
