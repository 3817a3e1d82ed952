"""Dates of every notation, and those that a text tells relative to its own."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given, strategies as st

from pipewarden.pipelines.articles.enrich.dates import day_of, iso_date
from pipewarden.pipelines.articles.enrich.relative import relative_dates

WEDNESDAY = date(2024, 3, 13)


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("2024-01-15", "2024-01-15"),
        (" 2024-01-15. ", "2024-01-15"),
        ("20240115", "2024-01-15"),
        ("2024-01-15T10:00:00Z", "2024-01-15T10:00:00+00:00"),
        ("Mon, 15 Jan 2024 10:00:00 GMT", "2024-01-15T10:00:00+00:00"),
        ("Mon, 15 Jan 2024 10:00:00 +0100", "2024-01-15T10:00:00+01:00"),
        ("Sat Jan 27 18:50:17 +0000 2018", "2018-01-27T18:50:17+00:00"),
        ("26-FEB-1987 15:01:01.79", "1987-02-26T15:01:01.790000"),
        ("January 15, 2024", "2024-01-15"),
        ("Monday, January 15th, 2024", "2024-01-15"),
        ("Jan 15, 2024 3:45 PM", "2024-01-15T15:45:00"),
        ("15 January 2024", "2024-01-15"),
        ("Sept. 5, 2016", "2016-09-05"),
        ("15. Januar 2024", "2024-01-15"),
        ("15 janvier 2024", "2024-01-15"),
        ("1705312800", "2024-01-15T10:00:00+00:00"),
        ("1705312800000", "2024-01-15T10:00:00+00:00"),
    ],
)
def test_a_date_is_read(raw: str, iso: str) -> None:
    assert iso_date(raw) == iso


def test_which_of_two_numbers_is_the_day_is_a_setting() -> None:
    assert iso_date("03/04/2024", day_first=True) == "2024-04-03"
    assert iso_date("03/04/2024", day_first=False) == "2024-03-04"


@pytest.mark.parametrize(
    "raw", ["", "yesterday", "5 minutes ago", "2024", "January 2024", "soon", "12:30", "x1" * 200]
)
def test_what_is_no_date_is_none(raw: str) -> None:
    assert iso_date(raw) is None


@given(st.datetimes().filter(lambda moment: moment.year >= 1000))
def test_iso_dates_stay_as_they_are(moment: datetime) -> None:
    assert iso_date(moment.isoformat()) == moment.isoformat()


@given(st.text(max_size=90))
def test_no_text_is_an_error(raw: str) -> None:
    iso = iso_date(raw)
    assert iso is None or day_of(iso) is not None


def test_the_day_of_a_text_that_is_no_date_is_none() -> None:
    assert day_of("some day") is None
    assert day_of(None) is None


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("today", "2024-03-13"),
        ("Yesterday", "2024-03-12"),
        ("tomorrow", "2024-03-14"),
        ("last night", "2024-03-12"),
        ("the day before yesterday", "2024-03-11"),
        ("last Friday", "2024-03-08"),
        ("on Monday", "2024-03-11"),
        ("on Wednesday", "2024-03-13"),
        ("last Wednesday", "2024-03-06"),
        ("next Wednesday", "2024-03-20"),
        ("next Friday", "2024-03-15"),
        ("two weeks ago", "2024-02-28"),
        ("a month ago", "2024-02-13"),
        ("12 years ago", "2012-03-13"),
        ("this week", "2024-03-11/2024-03-17"),
        ("last week", "2024-03-04/2024-03-10"),
        ("next month", "2024-04-01/2024-04-30"),
        ("last month", "2024-02-01/2024-02-29"),
        ("last year", "2023-01-01/2023-12-31"),
    ],
)
def test_a_relative_date_is_resolved(text: str, resolved: str) -> None:
    sentence = f"It was announced {text}, he said."
    (found,) = relative_dates(sentence, WEDNESDAY)
    assert found.date == resolved
    assert sentence[found.start_char : found.end_char] == found.text == text


def test_the_last_day_of_a_shorter_month_is_taken() -> None:
    assert relative_dates("one month ago", date(2024, 3, 31))[0].date == "2024-02-29"
    assert relative_dates("a year ago", date(2024, 2, 29))[0].date == "2023-02-28"


def test_without_a_day_of_publication_nothing_is_resolved() -> None:
    (found,) = relative_dates("It rained yesterday.", None)
    assert (found.text, found.date) == ("yesterday", None)


def test_what_lies_beyond_the_calendar_is_not_resolved() -> None:
    assert relative_dates("999 years ago", date(500, 1, 1))[0].date is None
    assert relative_dates("tomorrow", date(9999, 12, 31))[0].date is None


def test_words_that_only_look_like_dates_are_none() -> None:
    assert relative_dates("The lasting week-long todays of Mondays; monthly.", WEDNESDAY) == ()
