"""Back-off and breaker: longer each time, never longer than the longest, and never in step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from pipewarden.core.outages.breaker import Breaker, BreakerState, Policy

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = Policy(first_delay=1.0, longest_delay=60.0, open_after=3)


@given(failures=st.integers(1, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_a_delay_is_within_half_of_its_doubling(failures, chance):
    most = min(2.0 ** min(failures - 1, 50), 60.0)
    assert most / 2 <= POLICY.delay(failures, lambda: chance) <= most


def test_delays_differ_by_chance():
    assert POLICY.delay(4, lambda: 0.0) == 4.0
    assert POLICY.delay(4, lambda: 0.5) == 6.0


def test_the_breaker_opens_at_the_limit_and_is_half_open_when_the_wait_is_over():
    breaker = Breaker()
    for failures in (1, 2):
        breaker = breaker.after_failure(NOW, POLICY, lambda: 0.0)
        assert breaker.failures == failures
        assert breaker.state(NOW, POLICY) is BreakerState.CLOSED
        assert not breaker.is_due(NOW)  # closed, and yet left alone for a moment
    breaker = breaker.after_failure(NOW, POLICY, lambda: 0.0)
    assert breaker.retry_at == NOW + timedelta(seconds=2)
    assert breaker.state(NOW + timedelta(seconds=1.9), POLICY) is BreakerState.OPEN
    assert breaker.state(NOW + timedelta(seconds=2), POLICY) is BreakerState.HALF_OPEN


@pytest.mark.parametrize(
    ("asked", "given_"), [(None, 0.5), (0.1, 0.5), (30.0, 30.0), (1e9, 3600.0)]
)
def test_a_receiver_gets_the_time_it_asks_for_up_to_an_hour(asked, given_):
    breaker = Breaker().after_failure(NOW, POLICY, lambda: 0.0, asked)
    assert breaker.retry_at == NOW + timedelta(seconds=given_)
