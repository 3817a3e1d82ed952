"""Forecasts are judged by the weeks that become true, as they come, and by no others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipewarden.core.monitoring.labels import LabelReport
from pipewarden.core.monitoring.observations import ObservationStatus as Status
from pipewarden.store.state.models import predictions
from pipewarden.store.state.models.predictions import Prediction
from pipewarden.store.state.monitoring import label_reports

MONDAY = date(2026, 3, 2)
TAIL = [100.0 + (-1) ** week * 10 for week in range(104)]


def series() -> dict:
    """Return the document of a forecaster that was good at training."""
    days = [MONDAY - timedelta(weeks=104 - week) for week in range(104)]
    return {
        "model": "credit/m",
        "metrics": {"mase": 0.5, "rmse": 8.0, "coverage": {"value": 0.9, "level": 0.8}},
        "signature": {"inputs": [], "outputs": [{"name": "y_hat"}]},
        "baseline": {
            "tail": {"ds": [day.isoformat() for day in days], "y": TAIL},
            "forecast": [100.0] * 13,
        },
    }


@pytest.fixture
def weeks(site):
    """Return what lets weeks pass: a forecast of 100 each, then what was sold."""
    site.deploy(series())
    passed = [0]

    def go_on(*sold: float):
        checked = None
        for amount in sold:
            day = MONDAY + timedelta(weeks=passed[0])
            step = {"step": 1, "ds": day.isoformat(), "y_hat": 100.0, "lo_80": 85.0, "hi_80": 115.0}
            passed[0] += 1
            one = Prediction(
                id=f"f{passed[0]:04}", at=site.now, model="credit/m", version=1,
                environment="production", role="champion", entity="", request_id="",
                inputs={"horizon": 1, "level": 80}, answer={"steps": [step]},
            )  # fmt: skip
            site.now += timedelta(days=7)
            report = LabelReport(prediction_id=one.id, value=amount, at=site.now)
            with site.database.write() as conn:
                predictions.append(conn, [one])
                at = site.now - timedelta(minutes=1)
                label_reports.report(conn, [report], at=at, source="till")
            checked = site.check()
        return {one.metric: one for one in checked.observations if one.metric[:8] == "forecast"}

    return go_on


def test_a_few_weeks_are_no_verdict(weeks):
    found = weeks(100.0, 100.0, 100.0)
    assert {one.status for one in found.values()} == {Status.NOT_COMPUTABLE}
    assert "3" in found["forecast.rmse"].reason


def test_good_forecasts_are_within_what_they_promised(weeks):
    found = weeks(104.0, 95.0, 103.0, 96.0, 105.0, 97.0)
    assert found["forecast.interval_coverage"].value == 1.0
    assert found["forecast.rmse"].value == pytest.approx(4.2, abs=0.3)
    assert found["forecast.relative_to_naive"].value < 1
    assert {one.status for one in found.values()} == {Status.OK}


def test_a_series_that_moved_away_is_a_breach(weeks):
    found = weeks(*[104.0, 96.0] * 2, *[160.0, 158.0, 163.0, 161.0] * 2)
    assert found["forecast.rmse"].status is Status.BREACH
    assert found["forecast.bias"].value < -35
    assert found["forecast.interval_coverage"].status is Status.BREACH


def test_weeks_are_looked_at_once(site, weeks):
    weeks(104.0, 95.0, 103.0, 96.0)
    site.now += timedelta(hours=1)
    again = site.check()
    assert [one for one in again.observations if one.metric == "forecast.mase"] == []
    assert {one.subject for one in again.standing if one.kind == "model"} == {"credit/m"}


def test_a_forecaster_is_not_judged_by_columns(site, weeks):
    weeks(100.0)
    assert site.history("drift.observed_share") == []
