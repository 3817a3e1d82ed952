"""When nothing is done, and that this is written down with its figures."""

from __future__ import annotations

import pytest
import stories

from pipewarden.core.healing.states import HealingState

pytestmark = pytest.mark.slow


def test_drift_without_decay_is_decided_against_once_and_counted(laboratory):
    lab = stories.drift_without_decay(laboratory)

    assert lab.serving() == 1
    assert [one.state for one in lab.healings()] == [HealingState.DECLINED]
    counted = lab.healings()[0]
    assert counted.times == 3
    assert [reason["code"] for reason in counted.decision["reasons"]] == ["no_decay"]
    assert "performance.auc" in counted.reason
    assert lab.acts().count("healing.declined") == 1


def test_a_stable_world_is_left_alone_for_thirty_days(laboratory):
    lab = stories.stable(laboratory)

    assert lab.healings(acted=True) == []
    assert lab.serving() == 1
    assert len(lab.healings()) <= 1, lab.seen
    assert len(lab.alerts()) <= 1, lab.alerts()
