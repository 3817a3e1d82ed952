"""What is done in each state; each step may be begun again at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.healing.context import HealingContext
from pipewarden.healing.steps import (
    collecting,
    evaluating,
    gating,
    promoting,
    retraining,
    rolling_back,
    trying,
    verifying,
)
from pipewarden.healing.steps.step import Move, Wait
from pipewarden.settings.healing_policy import Policy

Step = Callable[[HealingContext, Healing, Policy], Move | Wait]

STEPS: Mapping[HealingState, Step] = {
    HealingState.DECIDED: collecting.begin,
    HealingState.COLLECTING: collecting.step,
    HealingState.RETRAINING: retraining.step,
    HealingState.EVALUATING: evaluating.step,
    HealingState.GATING: gating.step,
    HealingState.TRYING: trying.step,
    HealingState.AWAITING: promoting.await_signature,
    HealingState.PROMOTING: promoting.step,
    HealingState.VERIFYING: verifying.step,
    HealingState.ROLLING_BACK: rolling_back.step,
}
