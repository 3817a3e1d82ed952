"""The policy file: defaults, what differs by model, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipewarden.errors import InvalidSettings
from pipewarden.settings.healing_policy import HealingPolicies, Policy, load_policies


def test_without_a_file_the_defaults_hold(tmp_path):
    assert load_policies(tmp_path / "healing.yaml").of("credit") == Policy.model_validate({})


def test_what_differs_is_laid_over_the_defaults_the_last_pattern_winning():
    held = HealingPolicies.model_validate(
        {
            "defaults": {"budget": {"healings": 2, "days": 10}},
            "models": {
                "sales/*": {"budget": {"healings": 9}, "approval": True},
                "sales/978": {"approval": False},
            },
        }
    )
    assert held.of("credit").budget.healings == 2
    series = held.of("sales/978")
    assert (series.budget.healings, series.budget.days, series.approval) == (9, 10, False)
    assert held.of("sales/979").approval


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 2", "version"),
        ("defaults: {breaker: 0}", "breaker"),
        ("defaults: {brake: 1}", "brake"),
        ("models: {credit: {hours: {begin: 9, end: 9}}}", "begin must be before end"),
        ("models: {'sales/*': {triggers: {drift: {action: pray}}}}", "action"),
        ("a: [", "does not read"),
    ],
)
def test_a_file_that_does_not_hold_is_refused_with_the_place(tmp_path, text, told):
    path = tmp_path / "healing.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSettings, match=told):
        load_policies(path)


def test_the_shipped_file_states_the_defaults():
    shipped = Path(__file__).parents[3] / "config" / "healing.yaml"
    held = load_policies(shipped)
    assert held.of("credit") == Policy.model_validate({})
    assert held.models == HealingPolicies().models
    assert held.of("sales/9780306406157").evaluation.min_rows == 4
