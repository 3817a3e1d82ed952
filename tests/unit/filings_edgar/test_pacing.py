"""How fast the client asks, and how long it waits."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from edgar_stub import FakeClock

from pipewarden.pipelines.filings.edgar.pacing import (
    Backoff,
    Clock,
    RateLimiter,
    retry_after_seconds,
)

NOW = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)


def test_no_second_holds_more_requests_than_the_limit() -> None:
    time = FakeClock()
    limiter = RateLimiter(10.0, Clock(time.monotonic, time.sleep, time.now))
    draw = random.Random(7)
    departures = []
    for _ in range(500):
        limiter.wait()
        departures.append(time.time)
        time.time += draw.choice([0.0, 0.001, 0.05, 0.4])
    for start in departures:
        assert sum(start <= moment < start + 1.0 - 1e-9 for moment in departures) <= 10


def test_a_slow_client_does_not_wait() -> None:
    time = FakeClock(tick=5.0)
    limiter = RateLimiter(10.0, Clock(time.monotonic, time.sleep, time.now))
    for _ in range(3):
        limiter.wait()
    assert time.slept == []


def test_back_off_doubles_up_to_a_bound_and_is_spread() -> None:
    highest = Backoff(first=1.0, longest=10.0, draw=lambda: 1.0)
    assert [highest.seconds(n) for n in (1, 2, 3, 4, 5, 500)] == [1, 2, 4, 8, 10, 10]
    lowest = Backoff(first=1.0, longest=10.0, draw=lambda: 0.0)
    assert [lowest.seconds(n) for n in (1, 2, 3)] == [0.5, 1, 2]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sat, 01 Nov 2025 12:01:30 GMT", 90.0),
        ("Sat, 01 Nov 2025 12:01:30 -0000", 90.0),
        ("Sat, 01 Nov 2025 11:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("1.5", None),
        ("²", None),
        ("9" * 400, 999_999_999.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    value: str | None, seconds: float | None
) -> None:
    assert retry_after_seconds(value, NOW) == seconds
