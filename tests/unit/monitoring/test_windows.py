"""Rows are put into windows by the hours, by count, or by batch, whatever order they come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from pipewarden.monitoring.windows import by_batch, by_count, by_hours, last_hours

START = datetime(2026, 3, 1, 5, 30, tzinfo=UTC)


def after(*hours: float) -> list[datetime]:
    return [START + timedelta(hours=h) for h in hours]


def test_hours_are_counted_from_midnight():
    windows = list(by_hours(after(3, 0, 0.25), 6))
    assert [(w.since.hour, w.until.hour, w.rows) for w in windows] == [
        (0, 6, (1, 2)),
        (6, 12, (0,)),
    ]


def test_a_window_without_rows_is_a_window():
    assert [w.rows for w in by_hours(after(0, 3), 1)] == [(0,), (), (), (1,)]


@pytest.mark.parametrize("hours", [1, 6, 24])
def test_the_first_instant_belongs_to_a_window_and_the_last_to_the_next(hours):
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    windows = list(by_hours([midnight, midnight + timedelta(hours=hours)], hours))
    assert [w.rows for w in windows] == [(0,), (1,)]
    assert windows[0].name == f"{hours}h"


def test_the_last_hours_reach_up_to_now_and_not_further():
    window = last_hours(after(-24, -23.9, -1, 0), 24, START)
    assert window.rows == (0, 1, 2)
    assert (window.since, window.until) == (START - timedelta(hours=24), START)


def test_windows_by_count_are_full_and_in_the_order_of_time():
    windows = list(by_count(after(4, 0, 3, 1, 2), 2))
    assert [w.rows for w in windows] == [(1, 3), (4, 2)]
    assert {w.name for w in windows} == {"n=2"}


def test_batches_keep_their_names():
    windows = list(by_batch(after(2, 0, 1), ["late", "early", "late"]))
    assert [(w.name, w.rows) for w in windows] == [("early", (1,)), ("late", (2, 0))]


def test_zones_do_not_matter():
    there = timezone(timedelta(hours=9))
    times = after(0, 1, 2)
    moved = [time.astimezone(there) for time in times]
    assert [w.rows for w in by_hours(times, 1)] == [w.rows for w in by_hours(moved, 1)]


@given(offsets=st.lists(st.integers(0, 100_000)), hours=st.sampled_from([1, 6, 24]))
def test_every_row_is_in_one_window_that_spans_its_time(offsets, hours):
    times = [START + timedelta(seconds=offset) for offset in offsets]
    windows = list(by_hours(times, hours))
    assert sorted(row for w in windows for row in w.rows) == list(range(len(times)))
    assert all(w.since <= times[row] < w.until for w in windows for row in w.rows)


@pytest.mark.parametrize(
    "made",
    [
        lambda: list(by_hours(after(0), 0)),
        lambda: list(by_count(after(0), 0)),
        lambda: last_hours(after(0), 0, START),
        lambda: list(by_batch(after(0), [])),
        lambda: list(by_hours([datetime(2026, 3, 1)], 1)),  # noqa: DTZ001
    ],
)
def test_what_makes_no_window_is_refused(made):
    with pytest.raises(ValueError, match=r"at least|zone|names of batches"):
        made()
