"""The file of alert rules: the packaged one holds, and what does not hold is named."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest
import yaml

from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.metrics import METRICS
from pipewarden.errors import InvalidSettings
from pipewarden.monitoring.alerts.book import DEFAULT, read_book

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def written(tmp_path):
    """Return what writes a file of rules that differs from the packaged one."""

    def write(**change):
        held = yaml.safe_load(DEFAULT.read_text(encoding="utf-8")) | change
        path = tmp_path / "alerts.yaml"
        path.write_text(yaml.safe_dump(held), encoding="utf-8")
        return path

    return write


def rule(**about):
    return [{"name": "r", "metric": "x", "condition": "> 1", "severity": "warning", **about}]


def test_the_packaged_rules_hold_and_are_those_in_the_folder_config():
    book = read_book(Path("nowhere"), ["console"])
    assert book.plans[Severity.CRITICAL].levels[0].unacknowledged == timedelta(minutes=15)
    assert book.plans[Severity.WARNING].digest == time(7)
    assert (ROOT / "config" / "alerts.yaml").resolve() == DEFAULT


def test_the_packaged_rules_name_metrics_that_exist():
    from fnmatch import filter as matching

    for held in read_book(DEFAULT, []).rules:
        assert matching(METRICS, held.metric), held.name


def test_what_a_rule_leaves_out_is_the_default(written):
    (held,) = read_book(written(rules=rule(), resolve_after=5), []).rules
    assert (held.resolve_after, held.holds_for, held.subject) == (5, timedelta(0), "*")
    (held,) = read_book(written(rules=rule(condition="status missing")), []).rules
    assert held.resolve_after == 1


def test_a_change_may_name_its_metric_itself(written):
    rules = rule(condition="RMSE +20%", against="7d")
    del rules[0]["metric"]
    (held,) = read_book(written(rules=rules), []).rules
    assert (held.metric, held.against) == ("*.rmse", timedelta(days=7))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "version"),
        ({"colour": "red"}, "colour"),
        ({"rules": rule(condition="much")}, "'much' is no condition"),
        ({"rules": rule(severity="info")}, "severity"),
        ({"rules": rule(metric="")}, "rule 'r': it names no metric"),
        ({"rules": rule(metric="forecast.mape", condition="RMSE +20%")}, "names 'rmse'"),
        ({"rules": rule(**{"for": "long"})}, "no span"),
        ({"rules": rule() * 2}, "two rules are called 'r'"),
        ({"severities": {"critical": {"levels": [{"channels": ["all"]}]}}}, "has no warning"),
        ({"tries": 0}, "tries"),
    ],
)
def test_what_does_not_hold_is_named(written, change, words):
    with pytest.raises(InvalidSettings, match=words):
        read_book(written(**change), [])


def test_a_plan_names_channels_that_the_settings_have(written):
    plan = {"levels": [{"channels": ["pager"]}]}
    path = written(severities={"critical": plan, "warning": plan})
    with pytest.raises(InvalidSettings, match="'pager', which the settings do not have") as refused:
        read_book(path, ["console"])
    assert "known: all, console" in refused.value.next_step
    assert read_book(path, ["console", "pager"]).plans[Severity.CRITICAL].digest is None


def test_a_file_that_does_not_read_is_refused(tmp_path):
    path = tmp_path / "alerts.yaml"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InvalidSettings, match="does not read"):
        read_book(path, [])
