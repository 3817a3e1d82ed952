"""The report of a run of models says how they do beside the simplest that would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipewarden.report.html import run_report_html
from pipewarden.report.markdown import run_report

FOLDER = Path("reports")
MODELS: dict[str, Any] = {
    "name": "error relative to the naive forecast",
    "against": "the naive forecast",
    "measured": 40,
    "unmeasured": 2,
    "better": 30,
    "equal": 4,
    "median": 0.81234,
    "low": 0.6,
    "high": 1.02,
    "edges": [0.0, 0.5, 1.0, 1.5],
    "counts": [3, 27, 10],
    "worst": [{"model": "sales/<b>9</b>", "value": 1.3, "before": None}],
    "improved": [{"model": "sales/7", "value": 0.7, "before": 0.9}],
}


@pytest.fixture
def facts(run_facts):
    return run_facts(models=MODELS)


def test_it_says_how_many_beat_the_simplest_model(facts):
    report = run_report(facts, FOLDER)
    assert "## Models beside the naive forecast" in report
    assert "30 of 40 beat the naive forecast (75.0%)" in report
    assert "one in ten lies below 0.600, one in ten above 1.020" in report
    assert "| sales/7 | 0.700 | 0.900 |" in report


def test_the_page_shows_the_distribution_as_a_chart(facts):
    page = run_report_html(facts, FOLDER)
    assert page.count("<svg") == 1
    assert "the naive forecast</text>" in page


def test_the_name_of_a_model_stays_text(facts):
    assert "<b>9</b>" not in run_report_html(facts, FOLDER)


def test_a_run_without_models_says_nothing_of_them(run_facts):
    facts = run_facts()
    assert "Models beside" not in run_report(facts, FOLDER)
    assert "<svg" not in run_report_html(facts, FOLDER)
