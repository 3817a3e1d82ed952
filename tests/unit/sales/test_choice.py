"""The choice of weights, and intervals from the errors of the backtest."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pipewarden.pipelines.sales.backtesting import conformal, metrics
from pipewarden.pipelines.sales.backtesting.combining import STEADY, chosen, weights_of
from pipewarden.pipelines.sales.backtesting.rolling import split_of
from pipewarden.pipelines.sales.models.pool import NAIVE
from pipewarden.pipelines.sales.settings import sales_settings

ERRORS = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("xy")).map("/".join),
    st.floats(0, 1e6),
    min_size=1,
)


@given(ERRORS)
def test_weights_add_up_and_fall_with_the_error(errors: dict[str, float]) -> None:
    weights = weights_of(errors)
    assert sum(weights.values()) == pytest.approx(1)
    assert len({name.split("/")[0] for name in weights}) == len(weights)
    ranked = sorted(weights, key=lambda name: errors[name])
    assert [weights[name] for name in ranked] == sorted(weights.values(), reverse=True)


def test_where_nothing_beats_naive_naive_is_the_model_and_says_so() -> None:
    actual = np.full((6, 4), 10.0)
    said = {NAIVE: actual.copy(), "ses/plain": actual + 3}
    choice = chosen(said, actual, frozenset({"ses/plain"}))
    assert (choice.label, dict(choice.weights)) == (NAIVE, {NAIVE: 1.0})
    assert choice.naive_share == 1.0


def test_a_better_candidate_wins() -> None:
    rng = np.random.default_rng(0)
    actual = rng.normal(10, 1, (8, 5))
    said = {NAIVE: actual + 4, "ses/plain": actual + 0.1, "theta/plain": actual - 8}
    choice = chosen(said, actual, frozenset(said))
    assert choice.label == "ses/plain"
    assert choice.naive_share == 0.0


def test_the_choice_is_never_worse_than_the_better_naive_in_its_backtest() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        actual = rng.normal(0, 1, (7, 6))
        names = (NAIVE, "seasonal_naive/plain", "ses/plain", "theta/log")
        said = {name: actual + rng.normal(0, rng.uniform(0.5, 2), (7, 6)) for name in names}
        choice = chosen(said, actual, frozenset(said))
        yard = np.abs(actual - said[choice.benchmark]).mean()
        assert np.abs(actual - choice.forecasts).mean() <= yard + 1e-12


def test_the_less_a_combination_beats_the_steady_forecast_the_more_it_leans_on_it() -> None:
    rng = np.random.default_rng(1)
    actual = rng.normal(0, 1, (10, 13))
    signs = {name: rng.choice((-1, 1), actual.shape) for name in ("ses/plain", *STEADY)}
    own = []
    for missed in (0.2, 1.0, 1.5, 2.0):
        said = {name: actual + (2 if name in STEADY else missed) * signs[name] for name in signs}
        own.append(chosen(said, actual, frozenset(said)).weights["ses/plain"])
    assert own == sorted(own, reverse=True)
    assert own[0] > 0.99
    assert own[-1] < 0.5
    alone = chosen(said, actual, frozenset({"ses/plain"}))
    assert alone.weights["ses/plain"] == 1.0


def test_a_short_series_is_judged_from_as_many_origins_as_a_long_one() -> None:
    settings = sales_settings()
    short, long = (split_of(np.ones(weeks), settings) for weeks in (52, 260))
    assert len(short.origins) == len(long.origins) == settings.origins
    assert short.origins[-1] - short.origins[-2] < settings.origin_step


@pytest.mark.parametrize("weeks", [20, 30, 52, 93, 150, 260, 2000])
def test_origins_leave_the_test_weeks_alone(weeks: int) -> None:
    split = split_of(np.ones(weeks), sales_settings())
    assert weeks - split.train == min(32, weeks // 5)
    assert all(0 < end <= split.train - split.horizon for end in split.origins)
    assert split.tests[0] == split.train
    assert split.tests[-1] < weeks
    assert split.last_origins[-1] == weeks - split.horizon


@given(st.integers(0, 99), st.sampled_from((80.0, 95.0)))
def test_intervals_hold_what_they_promise_on_the_like(seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    growth = np.sqrt(1 + 0.4 * np.arange(13))
    missed = rng.normal(0, 5, (40, 13)) * growth
    low, high = conformal.fitted(missed).offsets(13, level)
    later = rng.normal(0, 5, (200, 13)) * growth
    inside = ((later >= low) & (later <= high)).mean()
    assert abs(inside - level / 100) < 0.1
    assert high[-1] >= high[0] > 0 > low[0] >= low[-1]


def test_a_wider_level_is_a_wider_interval() -> None:
    intervals = conformal.fitted(np.random.default_rng(0).normal(0, 1, (10, 13)))
    widths = [np.subtract(*intervals.offsets(13, level)[::-1]) for level in (50, 80, 95, 99)]
    assert all((one < two).all() for one, two in pairwise(widths))
    again = conformal.intervals_of(intervals.as_dict())
    assert again == intervals


def test_figures_are_those_of_their_definitions() -> None:
    scale = metrics.Scale.of(np.array([1.0, 3.0, np.nan, 2.0]))
    assert (scale.absolute, scale.squared) == (1.5, pytest.approx(np.sqrt(2.5)))
    actual, made = np.array([[2.0, 0.0, np.nan]]), np.array([[1.0, 1.0, 9.0]])
    found = metrics.figures(actual, made, scale)
    assert found["mae"] == 1.0
    assert found["mape"] == 50.0
    assert found["mase"] == pytest.approx(1 / 1.5)
    assert metrics.relative(0.0, 0.0) == 1.0
    assert metrics.relative(1.0, 0.0) is None
