"""The world changes at once: noticed, retrained, compared, gated, tried, promoted, proved."""

from __future__ import annotations

import pytest
import stories
from laboratory import PLACE
from stories import NEW_WORLD

from pipewarden.core.healing.states import HealingState
from pipewarden.healing.explaining import explain
from pipewarden.healing.simulation.worlds import RICHER

pytestmark = pytest.mark.slow


def test_a_sudden_shift_is_healed_to_within_a_point_of_an_oracle(laboratory):
    lab = stories.sudden_shift(laboratory)

    (healing,) = lab.healings(acted=True)
    assert healing.state is HealingState.KEPT
    assert NEW_WORLD.income == RICHER.income
    assert lab.serving() == healing.candidate
    oracle = stories.oracle_of(lab)
    healed, best = lab.auc(lab.serving(), NEW_WORLD), lab.auc(oracle, NEW_WORLD)
    assert lab.auc(1, NEW_WORLD) < 0.65, "the world has changed"
    assert healed > best - 0.01, f"{healed} against {best}"

    passed = [act.removeprefix("healing.") for act in lab.acts() if act.startswith("healing.")]
    assert passed[-9:] == [
        *("decided", "collecting", "retraining", "evaluating", "gating", "trying"),
        *("promoting", "verifying", "kept"),
    ]
    assert healing.facts["evaluation"]["gain_low"] > 0
    assert healing.facts["verdict"]["status"] in ("PASS", "WARN")
    assert healing.facts["trial"]["comparison"]["low"] is not None
    assert healing.facts["verification"]["rows"] >= 400
    assert lab.sound()

    told = explain(lab.healer(), "credit", PLACE).sentences
    assert f"healing {healing.id} was kept" in " ".join(told)
    assert "AUC" in " ".join(told)
