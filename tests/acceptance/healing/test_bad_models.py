"""What must not stay: what learnt from poison, and a version that was forced through."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stories

from pipewarden.core.healing.states import Action, HealingState
from pipewarden.healing.simulation.clock import BEGIN

pytestmark = pytest.mark.slow


def test_poisoned_labels_teach_a_candidate_that_is_quarantined(laboratory):
    lab = stories.poisoned_data(laboratory)

    (healing,) = lab.healings(acted=True)
    assert healing.state is HealingState.REJECTED
    assert lab.serving() == 1
    assert healing.candidate == 2
    assert lab.status(2) == "quarantined"
    assert "explainable_signs" in healing.reason


def test_a_bad_version_that_was_forced_through_is_rolled_back_within_a_window(laboratory):
    lab = stories.bad_model(laboratory)

    (healing,) = lab.healings(acted=True)
    assert healing.state is HealingState.ROLLED_BACK
    assert healing.action is Action.ROLL_BACK
    assert healing.candidate == 2
    (forced,) = [day for day, words in lab.seen if words.startswith("forced")]
    assert healing.ended_at == BEGIN + timedelta(days=round(forced) + 1, minutes=5)
    assert lab.serving() == 1
    assert lab.status(healing.candidate) == "quarantined"
    assert "AUC" in healing.reason
    assert lab.sound()


def test_a_feed_that_stays_poisoned_meets_the_cooldown_and_then_the_breaker(laboratory):
    lab = laboratory("poisoned", {"cooldown_hours": 24, "breaker": 2})
    lab.days(14)

    acted = lab.healings(acted=True)
    assert [one.state for one in acted] == [HealingState.REJECTED] * 2
    last = lab.healings()[0]
    assert last.state is HealingState.DECLINED
    assert "breaker" in [reason["code"] for reason in last.decision["reasons"]]
    assert lab.serving() == 1
    assert {lab.status(one.candidate) for one in acted} == {"quarantined"}


def test_a_flapping_world_meets_the_breaker_and_the_champion_stays(laboratory):
    lab = stories.flapping(laboratory)

    acted = lab.healings(acted=True)
    assert [one.state for one in acted] == [HealingState.REJECTED] * 2
    last = lab.healings()[0]
    assert last.state is HealingState.DECLINED
    assert "breaker" in [reason["code"] for reason in last.decision["reasons"]]
    assert last.times > 1
    assert lab.acts().count("model.deployed") == 1
    assert lab.serving() == 1
