"""The catalogue of metrics knows every name that is used, and says which way each gets worse."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import pipewarden
from pipewarden.core.monitoring.metrics import METRICS, Metric, Worse, worsening

SOURCE = Path(pipewarden.__file__).parent
GROUPS = sorted({metric.group for metric in METRICS.values()})
NAME = re.compile(rf"({'|'.join(GROUPS)})\.[a-z][a-z0-9_]*")


def names_used(path: Path) -> set[str]:
    """Return the texts of a module that look like metrics, where it says ``metric=`` or is in
    monitoring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    monitoring = "monitoring" in path.relative_to(SOURCE).parts[:1]
    nodes = ast.walk(tree) if monitoring else _given_as_metric(tree)
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return {text for text in texts if NAME.fullmatch(text)}


def _given_as_metric(tree: ast.AST) -> list[ast.expr]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [word.value for call in calls for word in call.keywords if word.arg == "metric"]


def test_every_name_that_is_used_is_in_the_catalogue():
    used = {path: names_used(path) for path in SOURCE.rglob("*.py")}
    unknown = {str(path): names - METRICS.keys() for path, names in used.items()}
    assert {path: names for path, names in unknown.items() if names} == {}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_every_metric_says_what_it_is(metric: Metric):
    assert metric.name == metric.name.lower()
    assert metric.name.count(".") == 1
    assert metric.meaning
    assert metric.unit
    assert not metric.meaning.endswith(".")


finite = st.floats(-1e6, 1e6)


@given(value=finite, reference=finite)
def test_what_gets_worse_by_growing_is_what_gets_better_by_shrinking(value, reference):
    assert worsening("forecast.rmse", value, reference) == value - reference
    assert worsening("performance.auc", value, reference) == reference - value
    assert worsening("proxy.positive_rate", value, reference) >= 0


def test_a_metric_away_from_what_it_was_is_worse_in_both_directions():
    assert METRICS["forecast.bias"].worse is Worse.AWAY
    assert worsening("forecast.bias", -3.0, 0.0) == worsening("forecast.bias", 3.0, 0.0) == 3.0
