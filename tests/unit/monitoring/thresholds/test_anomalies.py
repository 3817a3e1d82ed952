"""A figure is marked where it is worse than its own past, if that past says what is usual."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.monitoring.thresholds.anomalies import FEWEST, fit, marked, unusual

START = datetime(2026, 3, 1, tzinfo=UTC)


def noisy(number: int, *, level: float = 10.0, seed: int = 1):
    rng = random.Random(seed)
    return [(START + timedelta(hours=n), level + rng.gauss(0, 1)) for n in range(number)]


def after(series):
    return series[-1][0] + timedelta(hours=1)


def test_what_is_worse_by_far_stands_out_and_what_is_better_by_far_has_no_positive_score():
    past = noisy(200)
    worse, better = (unusual("forecast.rmse", past, after(past), v) for v in (20.0, 0.0))
    assert worse.score > 6
    assert better.score < -6


def test_of_an_auc_the_smaller_is_the_worse():
    past = [(at, value / 20) for at, value in noisy(200)]
    assert unusual("performance.auc", past, after(past), 0.1).score > 6


def test_a_short_past_says_nothing():
    past = noisy(FEWEST - 1)
    assert unusual("forecast.rmse", past, after(past), 99.0) is None


def test_a_few_wild_figures_in_the_past_do_not_hide_the_next_one():
    past = noisy(200)
    past[::20] = [(at, 1_000.0) for at, _ in past[::20]]
    assert unusual("forecast.rmse", past, after(past), 40.0).score > 6


def test_what_is_usual_at_this_hour_is_no_anomaly_and_the_same_at_another_hour_is():
    rng = random.Random(3)
    past = [
        (START + timedelta(hours=n), 10 + 50 * (n % 24 == 3) + rng.gauss(0, 0.5))
        for n in range(24 * 14)
    ]
    at_three = START + timedelta(days=14, hours=3)
    assert unusual("queue.lag_seconds", past, at_three, 60.0).score < 6
    assert unusual("queue.lag_seconds", past, at_three + timedelta(hours=9), 60.0).score > 6


def test_a_past_with_a_daily_course_is_judged_by_the_hour():
    rng = random.Random(3)
    past = [
        (START + timedelta(hours=n), 10 + 5 * math.sin(n / 24 * 6.283) + rng.gauss(0, 0.2))
        for n in range(24 * 14)
    ]
    found = unusual("queue.lag_seconds", past, START + timedelta(days=14), 14.0)
    assert found.seasonal
    assert found.score > 6
    assert found.usual == pytest.approx(10, abs=0.3)


def test_what_never_moved_has_no_measure():
    past = [(START + timedelta(hours=n), 0.0) for n in range(100)]
    assert unusual("queue.depth", past, after(past), 1.0) is None


def test_what_hardly_moved_is_not_marked_for_moving_by_a_hair():
    past = [(START + timedelta(hours=n), 0.5 + 1e-9 * (n % 3)) for n in range(100)]
    assert unusual("disk.free_share", past, after(past), 0.4999).score < 6


def test_the_marked_figures_of_a_series_are_those_that_were_put_in():
    series = noisy(150)
    series[80] = (series[80][0], 60.0)
    assert [at for at, _ in marked("forecast.rmse", series, 6.0)] == [series[80][0]]


def test_what_grows_by_itself_is_never_marked():
    assert not fit("model.age_days")
    assert not fit("history.anomaly")
    assert sum(fit(metric) for metric in METRICS) > 30
