"""A schedule says when a run is overdue: never before its tolerance is over, and until one runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from pipewarden.core.monitoring.schedules import Daily, Every, missed, parsed

DAY = datetime(2026, 3, 1, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)


def hours(number: float) -> datetime:
    return DAY + timedelta(hours=number)


def due(text: str, begun: datetime, now: datetime) -> list[datetime]:
    return missed(parsed(text), begun, now, tolerance=HALF_AN_HOUR)


def test_schedules_read():
    assert parsed("every 30m") == Every(timedelta(minutes=30))
    assert parsed("every 2d") == Every(timedelta(days=2))
    assert parsed("daily at 02:05") == Daily(2, 5)


@pytest.mark.parametrize(
    "text", ["", "hourly", "every 0h", "every 6", "daily at 24:00", "daily at 2:0"]
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(ValueError, match="is no schedule"):
        parsed(text)


def test_a_run_every_six_hours_is_missed_when_it_is_late_by_more_than_the_tolerance():
    assert due("every 6h", DAY, hours(6.5)) == []
    assert due("every 6h", DAY, hours(6.6)) == [hours(6)]
    assert due("every 6h", DAY, hours(12.6)) == [hours(6), hours(12)]


def test_a_daily_run_is_missed_from_its_time_on_until_one_runs():
    yesterday = hours(2)
    assert due("daily at 02:00", yesterday, hours(26.5)) == []
    assert due("daily at 02:00", yesterday, hours(26.6)) == [hours(26)]
    assert due("daily at 02:00", hours(30), hours(40)) == []


def test_a_daily_run_that_began_a_little_early_counts_for_that_day():
    assert due("daily at 02:00", hours(1.75), hours(25)) == []
    assert due("daily at 02:00", hours(1.25), hours(25)) == [hours(2)]


@given(
    begun=st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1900 < at.year < 2100),
    later=st.timedeltas(timedelta(0), timedelta(days=30)),
    schedule=st.sampled_from(["every 7h", "daily at 23:59", "every 1d"]),
)
def test_nothing_is_missed_before_it_is_due_and_what_is_stays_so(begun, later, schedule):
    found = due(schedule, begun, begun + later)
    assert all(begun < at < begun + later - HALF_AN_HOUR for at in found)
    assert found == due(schedule, begun, begun + later + timedelta(hours=1))[: len(found)]
