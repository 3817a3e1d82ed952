"""The proof: what the new version answers to live requests, beside what came true.

It stays only if that proves it. What turns out surely worse than what served before goes back at
once; what cannot be proved in time goes back as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.errors import NotComputable
from pipewarden.healing.context import HealingContext
from pipewarden.healing.steps.step import Move, Wait, document_of, learner_of, moment
from pipewarden.settings.healing_policy import Policy


def step(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:
    """Compare what the candidate answers with what came true, once there is enough of it."""
    assert healing.candidate is not None
    wanted, promoted = policy.verification, moment(healing, "promoted_at")
    rows = context.labelled(
        healing.model,
        healing.environment,
        since=promoted,
        version=healing.candidate,
        limit=policy.training.max_rows,
    )
    if len(rows) < wanted.min_rows:
        return Wait(f"{len(rows):,} of {wanted.min_rows:,} labels of live answers came")
    candidate = document_of(context, healing, healing.candidate)
    champion = document_of(context, healing, healing.champion)
    learner = learner_of(context, healing)
    try:
        found = learner.contest(candidate, champion, rows, level=policy.evaluation.level)
    except NotComputable as error:
        return Wait(error.message)
    facts = {"verification": dict(found)}
    worse = _worse(healing, found, wanted.tolerance)
    if worse:
        return Move(HealingState.ROLLING_BACK, worse, facts=facts)
    due = promoted + timedelta(hours=wanted.hours)
    if context.now() < due:
        return Wait(f"it is watched until {due:%Y-%m-%d %H:%M}; so far {found['words']}")
    words = f"live, version {healing.candidate} proves itself: {found['words']}"
    return Move(HealingState.KEPT, words, facts=facts)


def _worse(healing: Healing, found: Mapping[str, Any], tolerance: float) -> str:
    """Return in words why the candidate must go, or nothing."""
    high = found["gain_high"]
    if high is not None and high < 0:
        return (
            f"live, version {healing.candidate} is surely worse than version "
            f"{healing.champion}: {found['words']}"
        )
    promised = healing.facts["evaluation"]["challenger"]
    short = _short(found, float(promised))
    if short is not None and short > tolerance:
        return (
            f"live, {found['metric']} of version {healing.candidate} is {found['challenger']:.4g}, "
            f"and {promised:.4g} was promised: surely worse by more than {tolerance:g}"
        )
    return ""


def _short(found: Mapping[str, Any], promised: float) -> float | None:
    """Return by how much the figure surely falls short of what was promised, as far as is known."""
    best = found["challenger_best"]
    if best is None:
        return None
    return float(promised - best) if found["higher_is_better"] else float(best - promised)
