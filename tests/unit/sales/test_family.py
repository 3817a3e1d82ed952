"""Opened, compared, tried out, promoted, retrained, and written down together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import pipewarden as pw
from pipewarden.pipelines.sales.family import SalesFamily
from pipewarden.pipelines.sales.settings import SalesSettings, sales_settings

FAMILY = SalesFamily()


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


@pytest.mark.parametrize("preset", ["conservative", "default", "aggressive"])
def test_the_model_of_a_short_series_can_be_replaced(
    documents: Mapping[str, Any], preset: str
) -> None:
    gate = FAMILY.promotion_gate(preset)
    short = documents["short"]
    grown = changed(documents["late"], "model", short["model"])
    grown["metrics"]["coverage"]["value"] = grown["metrics"]["coverage"]["level"]
    seen = changed(short, "artifact.last", documents["late"]["artifact"]["last"])
    for challenger, champion in ((short, short), (grown, seen)):
        evidence = FAMILY.compare(challenger, champion)
        assert evidence["champion_simple"] is True
        assert evidence["error_change"] is None
        verdict = gate.evaluate(evidence)
        assert verdict.status is not pw.Status.FAIL, verdict.reason
        assert "error_change" not in {finding.check for finding in verdict.findings}


def test_errors_are_asked_wherever_they_can_be(documents: Mapping[str, Any]) -> None:
    simple = changed(documents["early"], "parameters.simple", True)
    evidence = FAMILY.compare(documents["late"], simple)
    assert evidence["compared_weeks"] >= 9
    checks = {f.check for f in FAMILY.promotion_gate().evaluate(evidence).findings}
    assert {"error_change", "squared_error_change"} < checks


def test_a_simple_model_does_not_take_the_place_of_a_tested_one(
    documents: Mapping[str, Any],
) -> None:
    short = changed(documents["short"], "model", documents["early"]["model"])
    verdict = FAMILY.promotion_gate().evaluate(FAMILY.compare(short, documents["early"]))
    assert verdict.status is pw.Status.FAIL
    assert "error_change" in verdict.reason


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
