"""Forecasts of weeks that have become true since."""

from __future__ import annotations

import numpy as np
import pytest

from pipewarden.core.monitoring.observations import ObservationStatus as Status
from pipewarden.monitoring.performance.dropping import Judged
from pipewarden.monitoring.performance.figures import Figure
from pipewarden.monitoring.performance.forecasting import (
    METRICS,
    Forecasts,
    of_forecasts,
    within_promise,
)


def named(**held):
    return {figure.metric.partition(".")[2]: figure for figure in of_forecasts(Forecasts(**held))}


ACTUAL = np.array([10.0, 0.0, 20.0, 30.0, 40.0, np.nan])
FORECAST = np.array([12.0, 2.0, 18.0, 33.0, 44.0, 7.0])


def test_each_figure_is_what_its_name_says():
    found = named(
        actual=ACTUAL, forecast=FORECAST, low=FORECAST - 3, high=FORECAST + 3, level=0.8,
        naive=ACTUAL + 4, scale=2.0,
    )  # fmt: skip
    values = {name: figure.value for name, figure in found.items()}
    assert values == pytest.approx(
        {
            "mase": 1.3,
            "rmse": np.sqrt((4 + 4 + 4 + 9 + 16) / 5),
            "mape": 100 * (0.2 + 0.1 + 0.1 + 0.1) / 4,
            "bias": 1.8,
            "interval_coverage": 0.8,
            "relative_to_naive": 2.6 / 4,
        }
    )
    assert found["mape"].evidence["weeks_without_sales"] == 1
    assert found["interval_coverage"].evidence["promised"] == 0.8
    assert all(figure.low <= figure.value <= figure.high for figure in found.values())
    assert {name: figure.rows for name, figure in found.items() if figure.rows != 5} == {"mape": 4}


def test_weeks_of_several_series_are_scaled_each_by_its_own():
    found = named(actual=ACTUAL, forecast=FORECAST, scale=np.array([2.0, 2, 2, 3, 4, 1]))
    assert found["mase"].value == pytest.approx(1.0)


def test_what_cannot_be_computed_says_why():
    few = named(actual=ACTUAL[:3], forecast=FORECAST[:3])
    assert [f"forecast.{name}" for name in few] == list(METRICS)
    assert all("too few weeks" in figure.reason for figure in few.values())
    bare = named(actual=ACTUAL * 0, forecast=FORECAST)
    assert {name for name, figure in bare.items() if figure.value is None} == {
        "mase", "mape", "interval_coverage", "relative_to_naive"
    }  # fmt: skip
    assert "no percentage of nothing" in bare["mape"].reason
    flat = named(actual=ACTUAL, forecast=FORECAST, naive=ACTUAL, scale=0.0)
    assert "right in every week" in flat["relative_to_naive"].reason
    assert "nothing can be scaled" in flat["mase"].reason
    late = named(actual=ACTUAL, forecast=FORECAST, naive=np.r_[1.0, 2, 3, [np.nan] * 3])
    assert "of 3 weeks only" in late["relative_to_naive"].reason


def judged(*found):
    """Return figures as they were judged, by the ends of their names."""
    return [
        Judged(figure=Figure(metric=f"forecast.{name}", rows=8, value=value), status=status)
        for name, value, status in found
    ]


def statuses(held):
    return [one.status for one in within_promise(held)]


def test_errors_that_the_intervals_allowed_for_are_a_warning_at_most():
    held = judged(("mase", 3.0, Status.BREACH), ("interval_coverage", 0.9, Status.OK))
    assert statuses(held) == [Status.WARN, Status.OK]
    assert "intervals hold" in within_promise(held)[0].reason
    none = judged(("mase", 3.0, Status.BREACH), ("interval_coverage", 0.0, Status.WARN))
    assert statuses(none) == [Status.WARN, Status.WARN]


def test_errors_beyond_the_intervals_are_a_breach():
    held = judged(("mase", 3.0, Status.BREACH), ("interval_coverage", 0.1, Status.BREACH))
    assert statuses(held) == [Status.BREACH, Status.BREACH]


def test_without_intervals_errors_are_what_they_were_judged():
    unknown = Status.NOT_COMPUTABLE
    held = judged(("mase", 3.0, Status.BREACH), ("interval_coverage", None, unknown))
    assert statuses(held) == [Status.BREACH, unknown]
