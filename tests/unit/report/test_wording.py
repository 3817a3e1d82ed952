"""Amounts, times and thresholds as a person says them."""

from __future__ import annotations

import pytest

from pipewarden.core.findings import Threshold
from pipewarden.report.wording import (
    amount,
    count,
    duration,
    listed,
    moment,
    threshold_in_words,
    value_in_words,
)


def test_numbers_and_their_nouns():
    assert count(1, "item") == "1 item"
    assert count(0, "item") == "0 items"
    assert count(1234, "entry", "entries") == "1,234 entries"


def test_lists():
    assert [listed(list(words)) for words in ("", "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 ms"),
        (0.0041, "4 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (200, "3 min 20 s"),
        (3599.6, "1 h"),
        (3661, "1 h 1 min"),
        (90000, "1 d 1 h"),
        (float("nan"), "unknown"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_times_are_told_in_utc():
    assert moment("2025-12-28T14:30:00.5+01:00") == "2025-12-28 13:30:00 UTC"
    assert moment("2025-12-28T14:30:00") == "2025-12-28 14:30:00"
    assert moment("yesterday\x1b") == "yesterday␛"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (320193, "320193"),
        (0.1234567, "0.1235"),
        (1234.5, "1234.5"),
        (2.0, "2"),
        (1e20, "1e+20"),
        ("a\nb", "a␊b"),
        (["ä", 1], '["ä", 1]'),
    ],
)
def test_stored_values(value, words):
    assert value_in_words(value) == words


def test_amounts_group_their_digits_and_carry_their_unit():
    assert amount(1000, "ppm") == "1,000 ppm"
    assert amount(15, "%") == "15%"
    assert amount(1234.5, "USD") == "1,234.5 USD"
    assert amount(None, "ppm") == ""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "must hold"),
        ({"target": False}, "must not hold"),
        ({"target": 0}, "must be 0"),
        ({"target": 1000, "operator": ">=", "unit": "ppm"}, "must be at least 1,000 ppm"),
        ({"target": 15, "operator": "<=", "unit": "%"}, "must be at most 15%"),
        ({"target": 5, "operator": "<"}, "must be less than 5"),
        ({"target": 5, "operator": ">"}, "must be more than 5"),
        ({"target": "x", "operator": "!="}, "must be anything but x"),
        ({"target": ["10-K", "10-Q"], "operator": "in"}, "must be one of 10-K or 10-Q"),
        ({"target": ["a"], "operator": "not in"}, "must be none of a"),
        (
            {"target": [100, 5000], "operator": "between", "unit": "kB"},
            "must be between 100 and 5,000 kB",
        ),
        (
            {"target": 15, "operator": "<=", "warn_threshold": 10, "unit": "%"},
            "must be at most 15%, warns unless at most 10%",
        ),
        (
            {"applies_when": {"form": ["10-K", "10-Q"], "sic": {">=": 6000, "<=": 6799}}},
            "must hold, where form is 10-K or 10-Q and sic is at least 6,000 and at most 6,799",
        ),
    ],
)
def test_thresholds(fields, words):
    threshold = Threshold(**fields)
    assert threshold_in_words(threshold) == words
    assert threshold_in_words(threshold.as_dict()) == words
