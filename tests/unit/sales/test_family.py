"""Opened, compared, tried out, promoted, retrained, and written down together."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.pipelines.sales.family import SalesFamily
from pipewarden.pipelines.sales.output import forecast_all
from pipewarden.pipelines.sales.retraining import due
from pipewarden.pipelines.sales.settings import SalesSettings, sales_settings

FAMILY = SalesFamily()
NOW = datetime(2026, 1, 31, tzinfo=UTC)


def changed(document: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(document))
    *parents, name = path.split(".")
    place = copy
    for parent in parents:
        place = place[parent]
    place[name] = value
    return copy


def test_a_sound_version_passes_its_smoke_test(documents: Mapping[str, Any]) -> None:
    for name in ("late", "early", "short"):
        document = documents[name]
        found = FAMILY.smoke(document, FAMILY.open(document))
        assert found["problems"] == []
        assert found["rows"] == 13


def test_an_altered_artifact_does_not(documents: Mapping[str, Any]) -> None:
    document = json.loads(json.dumps(documents["late"]))
    document["baseline"]["forecast"][3] *= 1.5
    found = FAMILY.smoke(document, FAMILY.open(document))
    assert found["problems"] == ["1 steps differ from what was stored with the version"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("family", "credit"),
        ("artifact.format", "pickle"),
        ("artifact.step", 3),
        ("artifact.components", []),
        ("artifact.intervals", {"growth": 0.1, "quantiles": [0.0]}),
    ],
)
def test_what_is_no_artifact_is_refused(
    documents: Mapping[str, Any], path: str, value: Any
) -> None:
    with pytest.raises(pw.BadInput):
        FAMILY.open(changed(documents["late"], path, value))


@pytest.mark.parametrize(("horizon", "level"), [(0, 95), (521, 95), (True, 95), (4, 0.5), (4, 100)])
def test_a_forecast_out_of_bounds_is_refused(
    documents: Mapping[str, Any], horizon: int, level: float
) -> None:
    with pytest.raises(pw.BadInput):
        FAMILY.open(documents["late"]).forecast(horizon, level)


def test_the_level_names_its_columns(documents: Mapping[str, Any]) -> None:
    (row,) = FAMILY.open(documents["late"]).forecast(1, 80)
    assert {"lo_80", "hi_80"} < row.keys()


def test_a_challenger_is_compared_on_weeks_that_neither_saw(documents: Mapping[str, Any]) -> None:
    evidence = FAMILY.compare(documents["late"], documents["early"])
    assert evidence["same_series"] is True
    assert 9 <= evidence["compared_weeks"] <= 13
    assert abs(evidence["error_change"]) < 1
    assert evidence["disagreement"] >= 0


def test_without_new_weeks_backtests_are_compared(documents: Mapping[str, Any]) -> None:
    evidence = FAMILY.compare(documents["late"], documents["late"])
    assert evidence["compared_weeks"] == 0
    assert evidence["error_change"] == 0
    assert evidence["disagreement"] == 0


def test_the_first_deployment_asks_only_for_skill(documents: Mapping[str, Any]) -> None:
    verdict = FAMILY.promotion_gate().evaluate(FAMILY.compare(documents["late"], None))
    assert {finding.check for finding in verdict.findings} == {"relative_mase", "coverage_gap"}
    assert verdict.status is not pw.Status.FAIL


@pytest.mark.parametrize(
    ("change", "passing"),
    [
        (0.04, {"conservative", "default", "aggressive"}),
        (0.08, {"default", "aggressive"}),
        (0.2, {"aggressive"}),
        (0.3, set()),
    ],
)
def test_presets_differ_in_what_they_let_pass(
    documents: Mapping[str, Any], change: float, passing: set[str]
) -> None:
    evidence = FAMILY.compare(documents["late"], documents["early"])
    evidence |= {"error_change": change, "squared_error_change": change, "coverage_gap": 1.0}
    found = {
        preset
        for preset in ("conservative", "default", "aggressive")
        if FAMILY.promotion_gate(preset).evaluate(evidence).status is not pw.Status.FAIL
    }
    assert found == passing


def test_an_unknown_preset_is_told() -> None:
    with pytest.raises(pw.UnknownName, match="bold"):
        FAMILY.promotion_gate("bold")


def test_the_champion_of_another_series_is_never_replaced(documents: Mapping[str, Any]) -> None:
    other = changed(documents["early"], "model", "sales/other")
    verdict = FAMILY.promotion_gate("aggressive").evaluate(FAMILY.compare(documents["late"], other))
    assert verdict.status is pw.Status.FAIL
    assert "same_series" in verdict.reason


@pytest.mark.parametrize(
    ("environment", "days", "said"),
    [
        ("development", 900, None),
        ("testing", 6, None),
        ("testing", 8, "the model is 8 days old, more than 7"),
        ("production", 31, "the model is 31 days old, more than 30"),
    ],
)
def test_an_old_model_is_due(
    documents: Mapping[str, Any], environment: str, days: int, said: str | None
) -> None:
    settings = sales_settings({"environment": environment})
    record = documents["record"]
    trained = NOW - timedelta(days=days)
    assert due(record, documents["late"], NOW, settings, trained) == said


def more(record: Mapping[str, Any], values: list[float]) -> dict[str, Any]:
    last = record["ds"][-1]
    weeks = [last + 1 + at for at in range(len(values))]
    return {**record, "ds": [*record["ds"], *weeks], "y": [*record["y"], *values]}


def test_a_model_that_misses_new_weeks_is_due(documents: Mapping[str, Any]) -> None:
    document, settings = documents["late"], sales_settings()
    stored = document["baseline"]["forecast"]
    exact = more(documents["record"], stored[:6])
    assert due(exact, document, NOW, settings, NOW) is None
    far = more(documents["record"], [value * 4 for value in stored[:6]])
    reason = due(far, document, NOW, settings, NOW)
    assert reason is not None
    assert reason.startswith("its error on 6 new weeks is")
    few = more(documents["record"], [value * 4 for value in stored[:3]])
    assert due(few, document, NOW, settings, NOW) is None


def test_a_model_that_got_worse_is_due_by_its_environment(documents: Mapping[str, Any]) -> None:
    document = documents["late"]
    scale = document["parameters"]["scale"]["absolute"]
    error = document["metrics"]["mase"]["value"] * 1.07
    off = [value + error * scale for value in document["baseline"]["forecast"][:6]]
    record = more(documents["record"], off)
    limits = {"retraining.max_error": 50}
    found = {
        environment: due(
            record, document, NOW, sales_settings({"environment": environment, **limits}), NOW
        )
        for environment in ("testing", "production")
    }
    assert found["testing"] is None
    assert found["production"] == (
        "its error on 6 new weeks rose by 7% over the test's, more than 5%"
    )


def test_forecasts_of_all_models_are_one_table(
    documents: Mapping[str, Any], tmp_path: Path
) -> None:
    broken = changed(documents["late"], "artifact.format", "?") | {"model": "sales/broken"}
    table = tmp_path / "all.csv"
    written = forecast_all([documents["late"], broken, documents["short"]], 13, 95, table)
    assert (written.series, written.rows, list(written.problems)) == (2, 26, ["sales/broken"])
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["unique_id", "ds", "step", "y_hat", "lo_95", "hi_95"]
    assert len(rows) == 26
    assert list(tmp_path.iterdir()) == [table]


def test_parquet_holds_the_same(documents: Mapping[str, Any], tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    forecast_all([documents["late"]], 2, 90, tmp_path / "all.parquet")
    held = pq.read_table(tmp_path / "all.parquet").to_pylist()
    assert [row["ds"] for row in held] == ["157", "158"]
    assert set(held[0]) == {"unique_id", "ds", "step", "y_hat", "lo_90", "hi_90"}


def test_another_kind_of_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pw.UsageError, match=r"all\.xlsx"):
        forecast_all([], 2, 90, tmp_path / "all.xlsx")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"familly": "arima"}, "familly: no such setting; did you mean family?"),
        ({"arima.max_pp": 3}, "arima.max_pp: no such setting; did you mean arima.max_p?"),
        ({"origins": 1}, "origins:"),
    ],
)
def test_settings_that_do_not_hold_are_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(pw.InvalidSettings, match=said.replace("?", r"\?")):
        sales_settings(given)


def test_paths_and_nested_names_mean_the_same() -> None:
    nested: SalesSettings = sales_settings({"arima": {"max_p": 1}, "family": "ets"})
    assert nested == sales_settings({"arima.max_p": "1", "family": "ets"})
    assert "retraining" not in nested.output_settings()
