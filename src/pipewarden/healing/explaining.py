"""Why a model is healed, or is not, in plain words and with the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipewarden.core.healing.deciding import Decision, decide
from pipewarden.core.healing.facts import Facts, Performance
from pipewarden.core.healing.states import Action, Healing, HealingState
from pipewarden.healing.advancing import WAITS
from pipewarden.healing.context import HealingContext
from pipewarden.healing.deciding.looking import look
from pipewarden.healing.telling.reports import page_of
from pipewarden.models import choosing
from pipewarden.store.state.healing import healings

_LATEST = 5
_KNOWN = {
    Performance.HOLDS: "its answers are as good as they were at training",
    Performance.BREACHED: "its answers are worse than they were at training",
}
_DOES = {
    Action.RETRAIN: "a new version will be trained, and must prove better",
    Action.ROLL_BACK: "the version before will serve again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a model is healed or not.

    Parameters
    ----------
    sentences
        In order: what serves, how it does, what goes on or would be decided now, what was before.
    decision
        What the next look would decide; None where nothing asks for anything, or one goes on.
    reports
        Of each healing that has one, the page with its timeline and its evidence.
    """

    model: str
    environment: str
    sentences: tuple[str, ...]
    facts: Facts | None
    decision: Decision | None
    healings: tuple[Healing, ...]
    reports: Mapping[int, Path] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "model": self.model,
            "environment": self.environment,
            "sentences": list(self.sentences),
            "facts": None if self.facts is None else self.facts.as_dict(),
            "decision": None if self.decision is None else _plain(self.decision),
            "healings": [asdict(one) for one in self.healings],
            "reports": {str(number): str(page) for number, page in self.reports.items()},
        }


def explain(context: HealingContext, model: str, environment: str) -> Explanation:
    """Say why a model is healed, or is not; nothing is decided, and nothing written.

    Raises
    ------
    UnknownName
        There is no such model.
    """
    with context.database.read() as conn:
        choosing.known(conn, model)
        before = healings.history(conn, model=model, environment=environment, limit=_LATEST)
    facts = look(context, model, environment)
    decision = None if facts is None else decide(facts, context.policy(model))
    going = next((one for one in before if not one.state.ended), None)
    sentences = [_serving(model, environment, facts)]
    if facts is not None:
        sentences.append(_performance(facts, context.policy(model).fresh_hours))
        sentences += _now(facts, decision, going)
    sentences += [_told(one) for one in before if one.state.ended]
    pages = {one.id: page for one in before if (page := page_of(context, one)).is_file()}
    sentences += [f"The report of healing {number} is {page}." for number, page in pages.items()]
    return Explanation(
        model=model,
        environment=environment,
        sentences=tuple(sentences),
        facts=facts,
        decision=decision,
        healings=tuple(before),
        reports=pages,
    )


def _serving(model: str, environment: str, facts: Facts | None) -> str:
    if facts is None:
        return f"No version of {model} serves in {environment}, so there is nothing to heal."
    since = "" if facts.serving_since is None else f" since {_time(facts.serving_since)}"
    return f"Version {facts.serving} of {model} serves in {environment}{since}."


def _performance(facts: Facts, fresh_hours: float) -> str:
    if facts.performance is Performance.UNKNOWN:
        return (
            "How good its answers are cannot be said: no check of the last "
            f"{fresh_hours:g} hours measured version {facts.serving} on labels."
        )
    words = f" ({facts.performance_words})" if facts.performance_words else ""
    return f"As far as is known, {_KNOWN[facts.performance]}{words}."


def _now(facts: Facts, decision: Decision | None, going: Healing | None) -> list[str]:
    if going is not None:
        return [*_going(going)]
    if decision is None:
        return ["Nothing asks for a healing: no figure is beyond its limit, and nothing is due."]
    asks = "; ".join(signal.words for signal in facts.signals)
    if decision.acts:
        return [f"This asks for a healing: {asks}.", f"So {_DOES[decision.action]}."]
    reasons = [f"It is not done, because {reason.words}." for reason in decision.reasons]
    return [f"This asks for a healing: {asks}.", *reasons]


def _going(one: Healing) -> list[str]:
    why = one.decision["reasons"][0]["words"]
    told = [
        f"Healing {one.id} goes on since {_time(one.opened_at)}, because {why}.",
        f"It is {one.state} since {_time(one.entered_at)}: {one.reason}.",
    ]
    state, waits = one.facts.get(WAITS) or ("", "")
    if state == one.state:
        told.append(f"It waits: {waits}.")
    if one.paused_at is not None:
        told.append(f"It stands still since {_time(one.paused_at)}, by {one.paused_by}.")
    if one.error:
        told.append(f"The last attempt failed: {one.error}.")
    return told


def _told(one: Healing) -> str:
    if one.state is HealingState.DECLINED:
        times = "" if one.times == 1 else f", {one.times} times until {_time(one.last_at)}"
        return f"{_time(one.opened_at)}{times}: it was decided not to act: {one.reason}."
    ended = "" if one.ended_at is None else f" until {_time(one.ended_at)}"
    name = str(one.state).replace("_", " ")
    return f"{_time(one.opened_at)}{ended}: healing {one.id} was {name}: {one.reason}."


def _plain(decision: Decision) -> Mapping[str, Any]:
    return {
        "action": str(decision.action),
        "trigger": str(decision.trigger),
        "reasons": [asdict(reason) for reason in decision.reasons],
    }


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
