"""Whether to act: facts and a policy in, a decision with its reasons out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pipewarden.core.healing.facts import Facts, Performance, Signal
from pipewarden.core.healing.states import Action, Trigger
from pipewarden.core.monitoring.alerts.messages import lasting
from pipewarden.settings.healing_policy import DAYS, Policy, TriggerRule

_STRENGTH = {trigger: place for place, trigger in enumerate(Trigger)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for or against acting.

    Parameters
    ----------
    code
        Short and stable: a decline that repeats is known by its codes.
    words
        With figures, for a person.
    """

    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """To act or not, and why.

    Parameters
    ----------
    action
        What is done; OBSERVE where it was decided not to act.
    reasons
        What speaks for it; or, where it was decided not to act, all that speaks against.
    evidence
        The facts, and what the policy said.
    """

    action: Action
    trigger: Trigger
    reasons: tuple[Reason, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def acts(self) -> bool:
        """Whether anything is done."""
        return self.action is not Action.OBSERVE

    @property
    def words(self) -> str:
        """All reasons as one sentence."""
        return "; ".join(reason.words for reason in self.reasons)

    @property
    def key(self) -> str:
        """What two decisions have in common that are the same."""
        codes = ",".join(sorted(reason.code for reason in self.reasons))
        return f"{self.action}:{self.trigger}:{codes}"


def decide(facts: Facts, policy: Policy) -> Decision | None:
    """Decide what is done about a model; None where nothing asks for anything.

    A healing that goes on is the answer to whatever asks meanwhile, so none is decided beside it.
    """
    if not facts.signals or facts.serving is None or facts.open_healing is not None:
        return None
    signal = min(facts.signals, key=lambda one: _STRENGTH[one.trigger])
    allowed = Action(_rule(policy, signal.trigger).action)
    back = _roll_back(facts, policy, signal, allowed)
    if back is not None:
        return back
    against = _against(facts, policy, signal, allowed)
    if against:
        return _decision(Action.OBSERVE, signal, tuple(against), facts, policy)
    reason = Reason(code=str(signal.trigger), words=signal.words)
    return _decision(Action.RETRAIN, signal, (reason,), facts, policy)


def _decision(
    action: Action, signal: Signal, reasons: tuple[Reason, ...], facts: Facts, policy: Policy
) -> Decision:
    evidence = {"facts": facts.as_dict(), "policy": policy.model_dump(mode="json")}
    return Decision(action=action, trigger=signal.trigger, reasons=reasons, evidence=evidence)


def _rule(policy: Policy, trigger: Trigger) -> TriggerRule:
    rule: TriggerRule = getattr(policy.triggers, trigger)
    return rule


# ── going back ───────────────────────────────────────────────────────────────────────────────────


def _roll_back(facts: Facts, policy: Policy, signal: Signal, allowed: Action) -> Decision | None:
    """Return the decision to roll back, where the version before is surely better.

    It needs no cooldown, no budget and no hour: what is undone was good before.
    """
    if signal.trigger is not Trigger.PERFORMANCE or allowed is Action.OBSERVE or facts.paused:
        return None
    if not young(facts, policy) or facts.previous is None or not facts.comparison:
        return None
    if not facts.comparison.get("better"):
        return None
    reasons = (
        Reason(code="performance", words=signal.words),
        Reason(
            code="previous_better",
            words=f"version {facts.previous}, which served before, does better on the same rows: "
            f"{facts.comparison.get('words', '')}",
        ),
    )
    return _decision(Action.ROLL_BACK, signal, reasons, facts, policy)


def young(facts: Facts, policy: Policy) -> bool:
    """Whether the serving version is so young that the one before it is thought of first."""
    if facts.serving_since is None:
        return False
    return facts.at - facts.serving_since <= timedelta(hours=policy.roll_back_within_hours)


# ── what speaks against retraining ───────────────────────────────────────────────────────────────


def _against(facts: Facts, policy: Policy, signal: Signal, allowed: Action) -> list[Reason]:
    if allowed is not Action.RETRAIN:
        words = f"the policy lets {signal.trigger} do no more than {allowed}: {signal.words}"
        return [Reason(code="not_permitted", words=words)]
    found = []
    for code, look in _LOOKS.items():
        words = look(facts, policy, signal)
        if words:
            found.append(Reason(code=code, words=words))
    return found


def _paused(facts: Facts, policy: Policy, signal: Signal) -> str:  # noqa: ARG001 - one form for all
    return facts.paused and f"healing is paused: {facts.paused}"


def _not_fresh(facts: Facts, policy: Policy, signal: Signal) -> str:  # noqa: ARG001
    if facts.fresh:
        return ""
    return f"the last check is too old to act on: {signal.words}"


def _no_decay(facts: Facts, policy: Policy, signal: Signal) -> str:
    holds = facts.performance is Performance.HOLDS
    if signal.trigger is not Trigger.DRIFT or not policy.needs_decay or not holds:
        return ""
    return f"{signal.words}, but the answers are as good as before: {facts.performance_words}"


def _breaker(facts: Facts, policy: Policy, signal: Signal) -> str:  # noqa: ARG001
    if facts.lost_in_a_row < policy.breaker:
        return ""
    return (
        f"the breaker is open: {facts.lost_in_a_row} healings in a row did not help "
        f"(at most {policy.breaker}); pipewarden heal resume closes it"
    )


def _cooldown(facts: Facts, policy: Policy, signal: Signal) -> str:
    if facts.last_ended is None or signal.trigger is Trigger.MANUAL:
        return ""
    hours = (facts.at - facts.last_ended).total_seconds() / 3600
    if hours >= policy.cooldown_hours:
        return ""
    return (
        f"the last healing ended {hours:.1f} hours ago, and {policy.cooldown_hours:g} must lie "
        "between two"
    )


def _promotion_cooldown(facts: Facts, policy: Policy, signal: Signal) -> str:  # noqa: ARG001
    if facts.promoted_at is None:
        return ""
    days = (facts.at - facts.promoted_at).total_seconds() / 86_400
    if days >= facts.promotion_cooldown_days:
        return ""
    return (
        f"the last promotion was {lasting(facts.at, facts.promoted_at)} ago, and "
        f"{facts.environment} wants {facts.promotion_cooldown_days:g} days between two"
    )


def _budget(facts: Facts, policy: Policy, signal: Signal) -> str:  # noqa: ARG001
    if facts.begun_in_period < policy.budget.healings:
        return ""
    return (
        f"the budget is spent: {facts.begun_in_period} healings in {policy.budget.days:g} days "
        f"(at most {policy.budget.healings})"
    )


def _hours(facts: Facts, policy: Policy, signal: Signal) -> str:
    hours, at = policy.hours, facts.at
    day = DAYS[at.weekday()]
    if signal.trigger is Trigger.MANUAL:
        return ""
    if day in hours.days and hours.begin <= at.hour < hours.end:
        return ""
    return (
        f"{at:%a %H:%M} UTC is out of hours: {', '.join(hours.days)}, "
        f"{hours.begin:02}:00 to {hours.end:02}:00"
    )


def _cannot_learn(facts: Facts, policy: Policy, signal: Signal) -> str:  # noqa: ARG001
    if facts.learns:
        return ""
    return "models of its family cannot be trained on labelled predictions"


def _labels(facts: Facts, policy: Policy, signal: Signal) -> str:  # noqa: ARG001
    if not facts.learns:
        return ""
    least, rare = policy.evaluation.min_rows, policy.training.min_positives
    since = "" if facts.since is None else f" since {facts.since:%Y-%m-%d %H:%M}"
    if facts.labelled < least:
        return (
            f"{facts.labelled:,} labelled predictions{since} are too few to learn from; "
            f"at least {least:,} are needed"
        )
    if facts.positives is not None and facts.positives < rare:
        return (
            f"{facts.positives:,} labels of the rarer kind{since} are too few to learn from; "
            f"at least {rare:,} are needed"
        )
    return ""


_LOOKS: Mapping[str, Callable[[Facts, Policy, Signal], str]] = {
    "paused": _paused,
    "not_fresh": _not_fresh,
    "no_decay": _no_decay,
    "breaker": _breaker,
    "cooldown": _cooldown,
    "promotion_cooldown": _promotion_cooldown,
    "budget": _budget,
    "hours": _hours,
    "cannot_learn": _cannot_learn,
    "labels": _labels,
}
