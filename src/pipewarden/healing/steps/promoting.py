"""The candidate is deployed as any version is: gate, signature, trial, and back if it fails it."""

from __future__ import annotations

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.healing.context import HealingContext
from pipewarden.healing.quarantining import quarantine
from pipewarden.healing.steps.step import Move, Wait
from pipewarden.models import deploying
from pipewarden.models.outcome import Deployed, Outcome
from pipewarden.settings.healing_policy import Policy
from pipewarden.store.state.models import approvals


def await_signature(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:
    """Go on when somebody has signed for the candidate."""
    assert healing.candidate is not None
    serving = context.serving(healing.model, healing.environment)
    if serving is not None and serving.version == healing.candidate:
        return _promoted(context, healing)
    with context.database.read() as conn:
        signed = approvals.stands(conn, healing.model, healing.candidate, healing.environment)
    if signed:
        return Move(HealingState.PROMOTING, f"version {healing.candidate} was signed for")
    place = "" if policy.approval else f" in {healing.environment}"
    return Wait(
        f"somebody must sign{place}: pipewarden approve --model {healing.model} "
        f"--version {healing.candidate}"
    )


def step(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:  # noqa: ARG001 - one form for all steps
    """Ask for the candidate to be deployed."""
    assert healing.candidate is not None
    done = deploying.deploy(
        context.models,
        healing.model,
        healing.environment,
        str(healing.candidate),
        reason=f"{healing.name}: {healing.decision['reasons'][0]['words']}",
    )
    match done.outcome:
        case Outcome.VERIFIED | Outcome.UNCHANGED:
            return _promoted(context, healing)
        case Outcome.AWAITING:
            return Move(HealingState.AWAITING, f"{healing.environment} wants a signature")
        case Outcome.REFUSED:
            words = "" if done.verdict is None else done.verdict.reason
            return Move(HealingState.REJECTED, f"the promotion gate refuses it: {words}")
        case Outcome.ROLLED_BACK:
            return _taken_back(context, healing, done)
    return Wait(f"version {healing.candidate} could not be tried: {'; '.join(done.problems)}")


def _promoted(context: HealingContext, healing: Healing) -> Move:
    serving = context.serving(healing.model, healing.environment)
    assert serving is not None
    assert serving.started_at is not None
    facts = {"deployment": serving.id, "promoted_at": serving.started_at.isoformat()}
    words = f"version {healing.candidate} serves in {healing.environment}"
    return Move(HealingState.VERIFYING, words, facts=facts)


def _taken_back(context: HealingContext, healing: Healing, done: Deployed) -> Move:
    assert healing.candidate is not None
    words = f"it did not hold what it promised: {'; '.join(done.problems)}"
    quarantine(context, healing, healing.candidate, words)
    return Move(HealingState.ROLLED_BACK, f"version {healing.candidate}: {words}")
