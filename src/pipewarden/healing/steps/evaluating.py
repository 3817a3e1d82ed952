"""Candidate and champion answer the same labelled rows, none of which the candidate was trained on.

It is a shadow in hindsight: what came true is known already, so nobody has to wait for it.
"""

from __future__ import annotations

from pipewarden.core.healing.states import Healing, HealingState
from pipewarden.errors import NotComputable
from pipewarden.healing.context import HealingContext
from pipewarden.healing.steps.collecting import held_back
from pipewarden.healing.steps.step import Move, Wait, document_of, learner_of
from pipewarden.settings.healing_policy import Policy


def step(context: HealingContext, healing: Healing, policy: Policy) -> Move | Wait:
    """Compare both, and say whether the candidate is surely better."""
    assert healing.candidate is not None
    wanted = policy.evaluation
    rows = held_back(context, healing, policy)
    if len(rows) < wanted.min_rows:
        return Wait(f"{len(rows):,} labelled rows are too few to compare on: {wanted.min_rows:,}")
    candidate = document_of(context, healing, healing.candidate)
    champion = document_of(context, healing, healing.champion)
    learner = learner_of(context, healing)
    try:
        found = learner.contest(candidate, champion, rows, level=wanted.level)
    except NotComputable as error:
        return Wait(error.message)
    facts = {"evaluation": dict(found)}
    low = found["gain_low"]
    if low is None or low <= wanted.min_gain:
        words = (
            f"version {healing.candidate} is not surely better than version {healing.champion}: "
            f"{found['words']}"
        )
        return Move(HealingState.REJECTED, words, facts=facts)
    words = f"version {healing.candidate} is better: {found['words']}"
    return Move(HealingState.GATING, words, facts=facts)
