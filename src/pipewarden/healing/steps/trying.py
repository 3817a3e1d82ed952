"""The candidate on live requests before it serves: beside the champion, or for a share of them."""

from __future__ import annotations

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.core.models.challengers import ChallengerMode, ChallengerState
from pipewarden.core.models.comparisons import ComparisonPlan
from pipewarden.healing.context import HealingContext
from pipewarden.healing.steps.gating import after_trial
from pipewarden.healing.steps.step import Move, Wait
from pipewarden.models.challenging.judging import judge, running
from pipewarden.models.challenging.starting import start
from pipewarden.settings.healing_policy import Policy
from pipewarden.store.state.healing import healings

_ENDS = {
    ChallengerState.LOST: HealingState.REJECTED,
    ChallengerState.HARMED: HealingState.REJECTED,
    ChallengerState.UNDECIDED: HealingState.TIMED_OUT,
    ChallengerState.STOPPED: HealingState.VETOED,
    ChallengerState.OVERTAKEN: HealingState.OVERTAKEN,
}


def step(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:
    """Start the challenger once, and judge it until it has won, lost or done harm."""
    number = healing.facts.get("challenger")
    if number is None:
        number = _begun(context, healing, policy)
        with context.database.write() as conn:
            healings.keep(conn, healing, {"challenger": number})
        return Wait(f"challenger {number} begins")
    judged = judge(context.models, int(number))
    state, facts = judged.challenger.state, {"trial": judged.as_document()}
    if state is ChallengerState.WON:
        words = f"challenger {number} won: {judged.reason}"
        return Move(after_trial(policy), words, facts=facts)
    if state in _ENDS:
        return Move(_ENDS[state], f"challenger {number}: {judged.reason}", facts=facts)
    return Wait(f"challenger {number}: {judged.reason}")


def _begun(context: HealingContext, healing: Healing, policy: Policy) -> int:
    """Return the challenger of the candidate; one that a healer who died began is taken over."""
    assert healing.candidate is not None
    for one in running(context.models, healing.model, healing.environment):
        if one.version == healing.candidate:
            return one.id
    mode = ChallengerMode(policy.trial.mode)
    plan = ComparisonPlan(
        labelled=policy.trial.labelled,
        hours=policy.timeouts_hours.trying,
        margin=-policy.trial.tolerance,
        confidence=100 * policy.evaluation.level,
    )
    begun = start(
        context.models,
        healing.model,
        healing.environment,
        healing.candidate,
        mode=mode,
        share=policy.trial.share,
        plan=plan,
        reason=f"{healing.name}: {healing.reason}"[:1000],
    )
    return begun.challenger.id
