"""A series on its grid: weeks anchored, repeated weeks summed, gaps kept, outliers told."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, strategies as st

import pipewarden as pw
from pipewarden.pipelines.sales.series.weekly import outlying, series_of

SUNDAY = date(2024, 1, 7)


def dates(*weeks: int) -> list[str]:
    return [(SUNDAY + timedelta(weeks=week)).isoformat() for week in weeks]


def test_gaps_stay_gaps_and_repeated_weeks_are_summed() -> None:
    series = series_of({"unique_id": "a", "ds": dates(0, 1, 1, 4), "y": [1, 2, 3, 4]})
    assert [None if math.isnan(v) else v for v in series.values] == [1, 5, None, None, 4]
    told = series.told()
    assert told["gaps"] == {"count": 2, "weeks": dates(2, 3)}
    assert (told["duplicates"], told["anchor"], told["moved"]) == (1, "sunday", 0)


def test_a_stray_weekday_belongs_to_the_week_that_it_is_in() -> None:
    days = [*dates(0, 1, 2), (SUNDAY + timedelta(days=10)).isoformat()]
    series = series_of({"unique_id": "a", "ds": days, "y": [1, 2, 3, 10]})
    assert list(series.values) == [1, 2, 13]
    assert series.notes["moved"] == 1


def test_the_anchor_can_be_set() -> None:
    series = series_of({"unique_id": "a", "ds": dates(0, 1), "y": [1, 2]}, "wednesday")
    assert series.week(0) == "2024-01-10"
    assert series.notes["moved"] == 2


def test_whole_numbers_are_weeks_too() -> None:
    series = series_of({"unique_id": "a", "ds": [7, 9], "y": [1, None]})
    assert (series.step, series.week(0), series.week(3), len(series.values)) == (1, 7, 10, 1)


@given(st.permutations(range(8)))
def test_the_fingerprint_does_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    held = {"unique_id": "a", "ds": dates(*range(8)), "y": [float(n * n) for n in range(8)]}
    turned = {
        **held,
        "ds": [held["ds"][at] for at in order],
        "y": [held["y"][at] for at in order],
    }
    assert series_of(turned).fingerprint() == series_of(held).fingerprint()


def test_another_value_is_another_fingerprint() -> None:
    one = series_of({"unique_id": "a", "ds": [1, 2], "y": [1, 2]})
    two = series_of({"unique_id": "a", "ds": [1, 2], "y": [1, 3]})
    assert one.fingerprint() != two.fingerprint()


def test_outliers_are_flagged_and_nothing_else() -> None:
    values = np.array([10.0, 11, 9, 10, 12, 10, 11, 90, 10, 9, 11, 10, 12, 9, 10])
    assert outlying(values) == [7]
    assert outlying(np.full(30, 5.0)) == []


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"ds": [1], "y": [1]}, "no_name"),
        ({"unique_id": "a", "ds": [1], "y": []}, "no_lists"),
        ({"unique_id": "a", "ds": [], "y": []}, "no_values"),
        ({"unique_id": "a", "ds": [1, 2], "y": [None, None]}, "no_values"),
        ({"unique_id": "a", "ds": [1], "y": ["x"]}, "not_a_number"),
        ({"unique_id": "a", "ds": [1], "y": [math.nan]}, "not_a_number"),
        ({"unique_id": "a", "ds": [1, "2024-01-07"], "y": [1, 2]}, "mixed_weeks"),
        ({"unique_id": "a", "ds": ["soon"], "y": [1]}, "bad_date"),
        ({"unique_id": "a", "ds": [1, 99999], "y": [1, 2]}, "odd_dates"),
        ({"unique_id": "a", "ds": [1], "y": [1], "problems": ["row 3: no"]}, "bad_rows"),
    ],
)
def test_what_is_no_weekly_series_names_itself(record: dict[str, object], reason: str) -> None:
    with pytest.raises(pw.BadInput) as caught:
        series_of(record)
    assert caught.value.reason == reason
    if "unique_id" in record:
        assert "'a'" in caught.value.message
