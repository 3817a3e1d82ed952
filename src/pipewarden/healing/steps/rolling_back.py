"""What served before is brought back, and the version that failed is quarantined."""

from __future__ import annotations

from pipewarden.core.healing.states import Action, Healing, HealingState
from pipewarden.healing.context import HealingContext
from pipewarden.healing.quarantining import quarantine
from pipewarden.healing.steps.step import Move, Wait
from pipewarden.models import choosing, rolling_back
from pipewarden.settings.healing_policy import Policy


def step(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:  # noqa: ARG001 - one form for all steps
    """Roll back, unless that is done already."""
    bad = healing.candidate
    assert bad is not None
    serving = context.serving(healing.model, healing.environment)
    if serving is not None and serving.version == bad:
        back = healing.action is Action.ROLL_BACK
        rolling_back.rollback(
            context.models,
            [healing.model],
            healing.environment,
            choosing.PREVIOUS if back else str(healing.champion),
            reason=f"{healing.name}: {healing.reason}"[:1000],
        )
        serving = context.serving(healing.model, healing.environment)
    quarantine(context, healing, bad, healing.reason)
    now = "nothing" if serving is None else f"version {serving.version}"
    words = f"{now} serves again; version {bad} is quarantined: {healing.reason}"
    return Move(HealingState.ROLLED_BACK, words)
