"""The world changes at once: noticed, retrained, compared, gated, tried, promoted, proved."""

from __future__ import annotations

import pytest
from laboratory import PLACE

from pipewarden.core.healing.states import HealingState
from pipewarden.healing.explaining import explain
from pipewarden.healing.simulation.worlds import RICHER, WORLDS

pytestmark = pytest.mark.slow
NEW_WORLD = WORLDS["sudden"](1.0)
CANARY = {
    "training": {"min_rows": 3_000},
    "trial": {"mode": "canary", "share": 0.5, "labelled": 200, "tolerance": 0.02},
}


def test_a_sudden_shift_is_healed_to_within_a_point_of_an_oracle(laboratory):
    lab = laboratory("sudden", CANARY)
    healing = lab.until(HealingState.KEPT, days=12)

    assert NEW_WORLD.income == RICHER.income
    assert lab.serving() == healing.candidate
    oracle = lab.train("oracle", 6_000, 5, NEW_WORLD)
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
