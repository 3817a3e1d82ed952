"""A series is drawn with what was sold, what the backtest said, and what is forecast."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from pipewarden.core.models.showing import Measured, Pictured, PicturedForecast
from pipewarden.pipelines.sales.artifact import opened
from pipewarden.pipelines.sales.family import SalesFamily


def told(svg: str) -> str:
    """Return the description for a reader who cannot see the drawing."""
    return ElementTree.fromstring(svg)[1].text or ""


def test_the_family_draws_its_models_and_names_their_yardstick():
    family = SalesFamily()
    assert isinstance(family, Pictured)
    assert isinstance(family, PicturedForecast)
    assert isinstance(family, Measured)


def test_a_model_is_drawn_with_its_history_its_backtest_and_its_forecast(documents):
    charts = SalesFamily().charts(documents["late"])
    assert list(charts) == ["forecast", "errors"]
    assert told(charts["forecast"]).startswith("sold: 104 points")
    assert "forecast: 13 points" in told(charts["forecast"])
    assert "backtest: " in told(charts["forecast"])
    assert "95% interval" in charts["forecast"]


def test_errors_are_drawn_beside_those_of_the_naive_forecast(documents):
    errors = SalesFamily().charts(documents["late"])["errors"]
    assert "the model: 13 points" in told(errors)
    assert "naive: 13 points" in told(errors)


def test_a_series_too_short_for_a_backtest_is_drawn_without_one(documents):
    charts = SalesFamily().charts(documents["short"])
    assert list(charts) == ["forecast"]
    assert "backtest" not in charts["forecast"]


@pytest.mark.parametrize("level", [80.0, 99.5])
def test_a_forecast_is_drawn_as_far_and_at_the_level_that_was_asked(documents, level):
    rows = opened(documents["late"]).forecast(30, level)
    chart = SalesFamily().forecast_chart(documents["late"], rows, level)
    assert "forecast: 30 points" in told(chart)
    assert f"{level:g}% interval" in chart


def test_weeks_that_are_days_are_drawn_on_a_calendar(documents, quick):
    from datetime import date, timedelta

    from pipewarden.pipelines.sales.training import train

    days = [(date(2023, 1, 7) + timedelta(weeks=at)).isoformat() for at in range(156)]
    document = train({**documents["record"], "ds": days}, quick)
    assert "2025" in SalesFamily().charts(document)["forecast"]
