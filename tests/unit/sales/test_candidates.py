"""The candidates against a library that is known, and the season against a known profile."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from pipewarden.pipelines.sales.models import arima
from pipewarden.pipelines.sales.models.component import Component, component_of
from pipewarden.pipelines.sales.models.pool import Histories, smoothing_pool
from pipewarden.pipelines.sales.models.seasonality import profile
from pipewarden.pipelines.sales.models.smoothing import damped_fits, theta_fits
from pipewarden.pipelines.sales.settings import sales_settings

BUDGET = {"max_p": 2, "max_q": 2, "max_models": 20}


def walk(weeks: int, seed: int, drift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 100 + drift * np.arange(weeks) + np.cumsum(rng.normal(0, 1, weeks))


def ahead(fit: tuple[np.ndarray, ...], row: int, steps: int = 13) -> np.ndarray:
    level, slope, damping = (float(part[row]) for part in fit)
    return Component(level=level, slope=slope, damping=damping).forecast(steps)


@pytest.mark.parametrize("seed", range(4))
def test_simple_smoothing_is_that_of_statsforecast(seed: int) -> None:
    from statsforecast.models import SimpleExponentialSmoothing

    values = np.random.default_rng(seed).normal(50, 5, 120)
    ours = ahead(theta_fits(values[None, :])["ses"], 0)
    errors = []
    for alpha in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3):
        theirs = SimpleExponentialSmoothing(alpha=alpha).forecast(values, 13)["mean"]
        errors.append(np.abs(ours - theirs).max())
    assert min(errors) < 1.0  # the first level differs, and is forgotten by then


@pytest.mark.parametrize(("seed", "drift"), [(0, 0.0), (1, 0.5), (2, -0.4)])
def test_the_theta_family_is_near_that_of_statsforecast(seed: int, drift: float) -> None:
    from statsforecast.models import DynamicOptimizedTheta, Theta

    values = walk(150, seed, drift)
    fits = theta_fits(values[None, :])
    scale = np.abs(np.diff(values)).mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classic = Theta(season_length=1).forecast(values, 13)["mean"]
        dynamic = DynamicOptimizedTheta(season_length=1).forecast(values, 13)["mean"]
    assert np.abs(ahead(fits["theta"], 0) - classic).mean() < scale
    assert np.abs(ahead(fits["dynamic_theta"], 0) - dynamic).mean() < 2 * scale


def test_many_histories_at_once_are_as_each_alone() -> None:
    values = walk(120, 3, 0.2)
    values[40:44] = np.nan
    rows = np.full((3, 120), np.nan)
    for row, end in enumerate((90, 105, 120)):
        rows[row, 120 - end :] = values[:end]
    together, damped = theta_fits(rows), damped_fits(rows)
    for row, end in enumerate((90, 105, 120)):
        alone = values[None, :end]
        for name, fit in theta_fits(alone).items():
            assert ahead(fit, 0) == pytest.approx(ahead(together[name], row), rel=1e-9)
        assert ahead(damped_fits(alone), 0) == pytest.approx(ahead(damped, row), rel=1e-9)


def test_a_history_knows_nothing_of_what_comes_after_its_end() -> None:
    settings = sales_settings()
    values = walk(200, 5) + 20 * np.sin(2 * np.pi * np.arange(200) / 52)
    other = values.copy()
    other[150:] += 500
    ends = (140, 150, 200)
    one = smoothing_pool(Histories.of(values, ends, settings), 52)
    two = smoothing_pool(Histories.of(other, ends, settings), 52)
    assert one.keys() == two.keys()
    for name in one:
        assert [part.forecast(13).tolist() for part in one[name][:2]] == [
            part.forecast(13).tolist() for part in two[name][:2]
        ]


def test_a_profile_is_found_where_there_is_one_and_none_where_there_is_not() -> None:
    rng = np.random.default_rng(1)
    at = np.arange(260)
    truth = 30 * np.sin(2 * np.pi * at / 52)
    found = profile(200 + truth + rng.normal(0, 5, 260), 52)
    assert found is not None
    assert np.abs(found - truth[:52]).mean() < 4
    noise = profile(rng.normal(200, 5, 260), 52)
    assert noise is not None
    assert np.abs(noise).mean() < 1
    assert profile(truth[:103], 52) is None


@pytest.mark.parametrize(("seed", "drift"), [(0, 0.0), (1, 1.0), (6, 0.0)])
def test_arima_forecasts_from_its_state_as_the_library_does(seed: int, drift: float) -> None:
    from statsforecast.arima import forecast_arima

    values = walk(100, seed, drift)
    model = arima.searched(values, BUDGET)
    for fitted in (model, arima.carried(model, values[:90]), arima.refitted(model, values)):
        recursion = arima.recursion_of(fitted)
        assert recursion is not None
        theirs = forecast_arima(fitted, 13)["mean"]
        assert recursion.forecast(13) == pytest.approx(theirs, rel=1e-9)
        component = Component(recursion=recursion)
        again = component_of(json.loads(json.dumps(component.as_dict())))
        assert again.forecast(13).tolist() == component.forecast(13).tolist()


def test_a_series_that_arima_cannot_take_has_no_arima() -> None:
    assert arima.searched(np.full(60, 3.0), BUDGET) is None
    assert arima.searched(np.arange(8.0), BUDGET) is None


def test_forecasts_stay_within_their_bounds() -> None:
    component = Component(level=10.0, slope=-3.0, lowest=0.0, highest=12.0)
    assert component.forecast(5).min() == 0.0
    grown = Component(level=1.0, slope=9.0, log_offset=0.0, highest=50.0)
    assert grown.forecast(400).max() == 50.0
