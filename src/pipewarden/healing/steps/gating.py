"""The champion's gate: should the candidate take its place, now?"""

from __future__ import annotations

from typing import Any

from pipewarden.core.findings import Status
from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.healing.broken import in_words
from pipewarden.healing.context import HealingContext
from pipewarden.healing.quarantining import quarantine
from pipewarden.healing.steps.step import Move, Wait
from pipewarden.models import judging
from pipewarden.settings.healing_policy import Policy
from pipewarden.store.state.column_types import decode_json, encode_json


def step(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:
    """Let the promotion gate judge the candidate, and refuse what broken data taught."""
    assert healing.candidate is not None
    problems = healing.facts.get("problems") or ()
    if problems:
        words = f"the rows that it was trained on are broken: {'; '.join(problems)}"
        quarantine(context, healing, healing.candidate, words)
        return Move(HealingState.REJECTED, f"version {healing.candidate}: {words}")
    version = context.version(healing.model, healing.candidate)
    with context.database.read() as conn:
        met = judging.standing(conn, healing.model, healing.environment)
    judged = judging.judge(context.models, version, met)
    verdict = decode_json(encode_json(judged.verdict.as_dict()))
    facts: dict[str, Any] = {"verdict": verdict}
    if judged.verdict.status is Status.FAIL:
        words = f"the promotion gate refuses version {version.version}: {judged.verdict.reason}"
        return Move(HealingState.REJECTED, words, facts=facts)
    unknown = in_words(healing.facts.get("not_computable") or ())
    words = f"the promotion gate lets version {version.version} pass{unknown}"
    return Move(after_gate(policy), words, facts=facts)


def after_gate(policy: Policy) -> HealingState:
    """Return what follows the gate."""
    if policy.trial.mode != "none":
        return HealingState.TRYING
    return after_trial(policy)


def after_trial(policy: Policy) -> HealingState:
    """Return what follows the trial on live requests, or the lack of one."""
    return HealingState.AWAITING if policy.approval else HealingState.PROMOTING
