"""One record to one model document."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipewarden as pw
from pipewarden.pipelines.sales.artifact import opened
from pipewarden.pipelines.sales.pipeline import build
from pipewarden.pipelines.sales.series.reading import series_records
from pipewarden.pipelines.sales.settings import SalesSettings, sales_settings
from pipewarden.pipelines.sales.training import train

Make = Callable[..., dict[str, Any]]


def test_the_same_record_and_settings_give_the_same_bytes(record_of: Make) -> None:
    settings, record = sales_settings(), record_of(130)
    documents = [json.dumps(train(record, settings), allow_nan=False) for _ in range(2)]
    assert documents[0] == documents[1]


def test_the_artifact_alone_forecasts_what_was_stored(documents: Mapping[str, Any]) -> None:
    document = json.loads(json.dumps(documents["late"]))
    rows = opened({name: document[name] for name in ("family", "artifact")}).forecast(13, 95)
    assert [row["y_hat"] for row in rows] == document["baseline"]["forecast"]
    assert list(rows[0]) == ["unique_id", "ds", "step", "y_hat", "lo_95", "hi_95"]
    assert [row["ds"] for row in rows] == list(range(157, 170))
    assert all(row["lo_95"] <= row["y_hat"] <= row["hi_95"] for row in rows)


def test_test_weeks_do_not_touch_the_choice_whose_figures_are_published(
    documents: Mapping[str, Any], quick: SalesSettings
) -> None:
    record = documents["record"]
    values = record["y"][:]
    values[-1] *= 3
    other = train({**record, "y": values}, quick)
    one, two = (held["baseline"]["backtest"] for held in (documents["late"], other))
    first = [at for at, origin in enumerate(one["origin"]) if origin == one["origin"][0]]
    assert [one["y_hat"][at] for at in first] == [two["y_hat"][at] for at in first]


def test_a_season_is_learnt(documents: Mapping[str, Any]) -> None:
    metrics = documents["late"]["metrics"]
    assert metrics["held_out_relative_mase"] < 0.8
    assert metrics["relative_mase"] < 1
    assert metrics["mase"]["low"] <= metrics["mase"]["value"] <= metrics["mase"]["high"]


def test_a_short_series_gets_a_simple_model_and_says_so(documents: Mapping[str, Any]) -> None:
    short = documents["short"]
    assert short["parameters"]["simple"] is True
    assert short["parameters"]["reason"] == "3 weeks have a value, fewer than 20"
    assert short["dataset"]["gaps"] == {"count": 1, "weeks": [3]}
    rows = opened(short).forecast(4)
    assert {row["y_hat"] for row in rows} == {4.0}
    assert rows[0]["lo_95"] < 4.0 < rows[0]["hi_95"]


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_a_series_that_never_changes_is_continued(value: float, quick: SalesSettings) -> None:
    document = train({"unique_id": "a", "ds": list(range(60)), "y": [value] * 60}, quick)
    rows = opened(json.loads(json.dumps(document, allow_nan=False))).forecast(3)
    assert [row["y_hat"] for row in rows] == pytest.approx([value] * 3)


def test_sales_with_zeros_are_never_forecast_below_zero(quick: SalesSettings) -> None:
    rng = np.random.default_rng(2)
    values = [float(value) for value in rng.poisson(0.7, 90)]
    document = train({"unique_id": "a", "ds": list(range(90)), "y": values}, quick)
    rows = opened(document).forecast(26)
    assert min(row["lo_95"] for row in rows) >= 0


@pytest.mark.parametrize("family", ["arima", "ets", "theta", "naive"])
def test_a_family_restricts_what_takes_part(family: str, record_of: Make) -> None:
    settings = sales_settings({"family": family, "environment": "development"})
    weights = train(record_of(120), settings)["parameters"]["weights"]
    methods = {
        "arima": {"arima"},
        "ets": {"ses", "damped"},
        "theta": {"ses", "theta", "dynamic_theta"},
        "naive": set(),
    }[family]
    assert {name.split("/")[0] for name in weights} <= methods | {"naive", "seasonal_naive"}
    if family == "arima":
        assert any(name.startswith("arima/") for name in weights)


def test_published_documents_pass_the_gate(documents: Mapping[str, Any]) -> None:
    gate = build().gate
    assert gate.evaluate(documents["late"]).status in (pw.Status.PASS, pw.Status.WARN)
    short = gate.evaluate(documents["short"])
    assert short.status is pw.Status.WARN
    assert "long_enough" in short.reason


def test_a_model_that_loses_to_naive_is_quarantined(documents: Mapping[str, Any]) -> None:
    document = json.loads(json.dumps(documents["late"]))
    document["metrics"]["relative_mase"] = 1.2
    verdict = build().gate.evaluate(document)
    assert verdict.status is pw.Status.FAIL
    assert verdict.reason == "relative_mase"


def test_limits_follow_the_environment(documents: Mapping[str, Any]) -> None:
    document = json.loads(json.dumps(documents["late"]))
    document["metrics"]["rmse"]["value"] = 90.0
    asked = {}
    for environment in ("development", "testing", "production"):
        document["parameters"]["environment"] = environment
        findings = build().gate.evaluate(document).findings
        asked[environment] = {f.check: f.status for f in findings}.get("rmse")
    assert asked == {
        "development": None,
        "testing": pw.Status.PASS,
        "production": pw.Status.FAIL,
    }


def test_a_run_trains_a_table_and_one_bad_series_costs_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_of: Make
) -> None:
    record = record_of(60)
    rows = [f"good,{at},{y}" for at, y in zip(record["ds"], record["y"], strict=True)]
    table = tmp_path / "weekly.csv"
    table.write_text("unique_id,ds,y\n" + "\n".join([*rows, "bad,1,many"]) + "\n")
    monkeypatch.chdir(tmp_path)
    pipeline = build({"arima.enabled": False})
    records = list(pipeline.reader(table)) if pipeline.reader else []
    with pytest.raises(pw.BadInput, match="series 'bad': row 62: 'many' is no number"):
        pipeline.process(records[1])
    document = pipeline.process(records[0])
    assert document["model"] == "sales/good"
    assert pipeline.facts is not None
    assert pipeline.facts(document)["weeks"] == 60


@pytest.mark.real_data
def test_real_products_are_forecast_better_than_by_the_last_week(
    real_data: Path, quick: SalesSettings
) -> None:
    records = list(series_records(real_data / "sales" / "weekly.csv.gz"))[::30]
    found = [train(record, quick)["metrics"] for record in records]
    relative = [one["relative_mase"] for one in found if one["relative_mase"] is not None]
    assert len(relative) >= 8
    assert max(relative) <= 1 + 1e-9
    assert np.mean(relative) < 0.95
