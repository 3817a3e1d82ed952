"""A recommended limit keeps its promise: rarely an alarm where nothing changes, soon one where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pipewarden.monitoring.checks.sheet import Limit
from pipewarden.monitoring.thresholds.recommending import Wanted, recommend
from pipewarden.monitoring.thresholds.resampling import Persistence, Plan, alarms, drawn

START = datetime(2026, 3, 1, tzinfo=UTC)


def past(values):
    return [(START + timedelta(hours=n), float(value)) for n, value in enumerate(values)]


def normal(number: int = 600, seed: int = 1):
    return np.random.default_rng(seed).normal(10, 1, number)


def test_the_promise_holds_on_figures_that_were_not_seen():
    found = recommend("forecast.rmse", past(normal()))
    fresh = normal(20_000, seed=2)
    assert (fresh > found.best.limit).mean() <= 0.01
    missed_at_once = (fresh + 3 <= found.best.limit).mean()
    assert missed_at_once**5 < 0.1
    assert found.best.caught > 0.95
    assert found.best.delay <= 3


def test_a_limit_of_an_auc_lies_below_what_is_usual():
    found = recommend("performance.auc", past(normal() / 12))
    assert found.best.limit < found.quantiles[0.5]
    assert found.best.limit <= found.warn < found.quantiles[0.5]


def test_the_limit_in_force_is_tried_on_the_same_past():
    found = recommend("forecast.rmse", past(normal()), present=Limit(breach=10.5))
    assert found.present.false_alarms > found.best.false_alarms
    assert "in force" in found.reason


def test_a_lower_limit_costs_more_alarms_and_catches_no_less():
    tried = recommend("forecast.rmse", past(normal())).candidates
    assert [one.limit for one in tried] == sorted(one.limit for one in tried)
    assert all(a.caught >= b.caught for a, b in pairwise(tried))


def test_persistence_makes_alarms_rarer_and_later():
    once = recommend("forecast.rmse", past(normal()))
    thrice = recommend("forecast.rmse", past(normal()), Wanted(persistence=Persistence(k=3, n=3)))
    pairs = list(zip(once.candidates, thrice.candidates, strict=True))
    assert all(b.false_alarms <= a.false_alarms for a, b in pairs)
    assert thrice.best.delay >= 3


def test_what_was_unlike_its_past_is_told_and_left_out():
    values = normal()
    values[300:303] = 100
    found = recommend("forecast.rmse", past(values))
    assert len(found.anomalies) == 3
    assert found.best.limit < 20


@pytest.mark.parametrize(
    ("metric", "values", "words"),
    [
        ("queue.depth", normal(20), "20 usual figures"),
        ("queue.depth", np.zeros(200), "never moved"),
        ("proxy.score_mean", normal(), "neither high nor low"),
    ],
)
def test_where_the_past_says_nothing_no_limit_is_recommended(metric, values, words):
    found = recommend(metric, past(values))
    assert found.best is None
    assert words in found.reason


def test_the_same_past_gives_the_same_recommendation():
    assert recommend("forecast.rmse", past(normal())) == recommend("forecast.rmse", past(normal()))


def test_blocks_keep_neighbours_together():
    values = np.arange(1_000.0)
    rows = drawn(values, 50, 900, Plan(block=30), np.random.default_rng(1))
    assert (np.diff(rows, axis=1) == 1).mean() == pytest.approx(29 / 30, abs=0.01)


@given(
    rows=st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=5),
    n=st.integers(1, 4),
    data=st.data(),
)
@settings(max_examples=50)
def test_an_alarm_is_k_of_the_last_n(rows, n, data):
    k = data.draw(st.integers(1, n))
    found = alarms(np.array(rows, dtype=float), 0.5, Persistence(k=k, n=n))
    expected = [
        [sum(row[max(0, place - n + 1) : place + 1]) >= k for place in range(6)] for row in rows
    ]
    assert found.tolist() == expected
