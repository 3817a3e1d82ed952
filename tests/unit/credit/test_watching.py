"""What a trained model carries is enough to watch it: its baseline is read, and stays as it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipewarden.monitoring.columns.frozen import FrozenNumbers
from pipewarden.monitoring.drift.baseline import Baseline
from pipewarden.monitoring.drift.judging import judge
from pipewarden.monitoring.drift.rules import DriftRules
from pipewarden.monitoring.drift.verdict import DriftKind

FEW = DriftRules(minimum_sample=50)


def window(document: dict[str, Any]) -> dict[str, Any]:
    held = document["baseline"]
    columns = zip(*held["rows"], strict=True)
    return {n: list(values) for n, values in zip(held["columns"], columns, strict=True)}


def test_the_rows_of_a_baseline_do_not_differ_from_it(document: dict[str, Any]) -> None:
    held = document["baseline"]
    verdict = judge(
        Baseline.of(document), window(document), held["scores"], FEW, labels=held["labels"]
    )
    assert verdict.observed_share == 0.0
    assert {result.kind for result in verdict.results if not result.drifted} == set(DriftKind)


def test_codes_for_none_are_missing_values_of_the_baseline(document: dict[str, Any]) -> None:
    baseline = Baseline.of(document)
    age = baseline.columns["age"]
    assert isinstance(age, FrozenNumbers)
    assert age.codes == (0.0,)
    income = baseline.columns["MonthlyIncome"]
    assert income.missing == sum(v is None for v in window(document)["MonthlyIncome"])


def test_a_population_that_grew_older_is_told(document: dict[str, Any]) -> None:
    columns = window(document)
    columns["age"] = list(np.minimum(np.array(columns["age"]) + 25, 100))
    verdict = judge(Baseline.of(document), columns, rules=FEW)
    assert verdict.drifted_columns == ("age",)
    assert any(result.drifted for result in verdict.of(DriftKind.SEGMENT))
