"""The decision: what is known of a model is judged, and what was decided is written, once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pipewarden.core.healing.deciding import Decision, decide
from pipewarden.core.healing.facts import Facts
from pipewarden.core.healing.states import Action, Healing
from pipewarden.healing.context import HealingContext
from pipewarden.healing.deciding.looking import look
from pipewarden.healing.deciding.signals import Asked
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.healing import healings
from pipewarden.store.state.models import deployments
from pipewarden.store.windows import HealingWindow, passing


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of looking at a model.

    Parameters
    ----------
    facts
        None where nothing of it serves.
    decision
        None where nothing asked for anything, or the model is being healed already.
    healing
        Where the decision is written.
    new
        Whether it was made now; otherwise one like it was counted.
    """

    model: str
    environment: str
    facts: Facts | None
    decision: Decision | None = None
    healing: Healing | None = None
    new: bool = False


def consider(
    context: HealingContext, model: str, environment: str, asked: Asked | None = None
) -> Looked:
    """Look at a model, decide, and write the decision, also the one not to act."""
    facts = look(context, model, environment, asked)
    decision = None if facts is None else decide(facts, context.policy(model))
    if facts is None or decision is None:
        return Looked(model=model, environment=environment, facts=facts)
    passing(HealingWindow.HEAL_JUDGED)
    healing, new = _written(context, facts, decision, asked)
    return Looked(
        model=model,
        environment=environment,
        facts=facts,
        decision=decision,
        healing=healing,
        new=new,
    )


def consider_all(
    context: HealingContext, environment: str, spared: Collection[str] = ()
) -> list[Looked]:
    """Look at every model that serves in an environment but those spared, in order of names."""
    with context.database.read() as conn:
        models = [one.model for one in deployments.all_serving(conn, environment)]
    return [consider(context, model, environment) for model in models if model not in spared]


def _written(
    context: HealingContext, facts: Facts, decision: Decision, asked: Asked | None
) -> tuple[Healing, bool]:
    at = context.now()
    actor = context.actor if asked is None else asked.actor
    assert facts.serving is not None
    bad = facts.serving if decision.action is Action.ROLL_BACK else None
    with context.database.write() as conn:
        healing, new = healings.record(
            conn,
            decision,
            model=facts.model,
            environment=facts.environment,
            champion=facts.serving,
            candidate=bad,
            actor=actor,
            at=at,
        )
        if new:
            codes = [reason.code for reason in decision.reasons]
            act = healings.act_of(healing, str(healing.state), actor=actor, codes=codes,
                                  signals=[one.words for one in facts.signals])  # fmt: skip
            ledger.append(conn, [act], at)
            outbox.append(conn, [healings.event_of(healing, at=at)])
        passing(HealingWindow.HEAL_OPEN)
    return healing, new
