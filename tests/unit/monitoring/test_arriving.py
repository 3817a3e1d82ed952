"""Which week of a forecast a row of a table is of."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from pipewarden.jobs.monitoring.arriving.matching import came_true, sold_by_week, steps_until

SATURDAY = date(2026, 1, 3)


def weeks(number):
    return [(SATURDAY + timedelta(weeks=n)).isoformat() for n in range(number)]


def steps(names):
    return [{"step": n, "ds": ds, "y_hat": 1.0} for n, ds in enumerate(names, 1)]


def test_rows_of_one_week_are_summed_and_empty_ones_left_out():
    record = {"ds": ["2026-01-03", "2026-01-03", "2026-01-10"], "y": [2.0, 3.0, None]}
    assert sold_by_week(record) == {"2026-01-03": 5.0}


def test_a_step_has_come_true_when_its_week_has_an_amount():
    one, two, three = weeks(3)
    found = came_true(steps([one, two, three]), {one: 4.0, three: 6.0})
    assert [(step["step"], amount) for step, amount in found] == [(1, 4.0), (3, 6.0)]


@pytest.mark.parametrize("weekday", range(7))
def test_a_table_may_name_its_weeks_by_another_day(weekday):
    (one,) = weeks(1)
    day = (SATURDAY - timedelta(days=weekday)).isoformat()
    assert [amount for _, amount in came_true(steps([one]), {day: 4.0})] == [4.0]


def test_weeks_that_are_numbers_are_met_by_their_number():
    assert came_true(steps([101, 102]), {102: 7.0, 99: 1.0}) == [
        ({"step": 2, "ds": 102, "y_hat": 1.0}, 7.0)
    ]
    assert steps_until(101, [99, 102]) == 2
    assert came_true(steps([101]), {"2026-01-03": 7.0}) == []
    assert steps_until(101, ["2026-01-03"]) == 0


@given(ahead=st.integers(0, 300), back=st.integers(0, 6))
def test_a_forecast_so_long_reaches_the_newest_week_and_no_further(ahead, back):
    first = SATURDAY.isoformat()
    newest = (SATURDAY + timedelta(weeks=ahead, days=-back)).isoformat()
    horizon = steps_until(first, [newest])
    assert horizon == ahead + 1
    made = steps(weeks(horizon))
    assert [step["step"] for step, _ in came_true(made, {newest: 1.0})] == [horizon]


def test_weeks_before_the_forecast_ask_for_nothing():
    assert steps_until("2026-01-03", ["2025-12-27", "2025-06-07"]) == 0
    assert steps_until("2026-01-03", []) == 0
