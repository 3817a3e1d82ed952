"""Going on with a healing: one state after another, each step once, whoever dies in between.

A step does its work, and says into which state the healing comes. What it does is done at most
once however often it is begun: it looks first whether it was done already. The change of state is
compare-and-set under the lease, so a healer that slept changes nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from pipewarden.core.healing.states import Healing, HealingState, given_up
from pipewarden.errors import (
    Conflict,
    DependencyUnavailable,
    Fenced,
    IllegalTransition,
    Locked,
)
from pipewarden.healing.context import AUTOMATON, HealingContext
from pipewarden.healing.ending import ended
from pipewarden.healing.steps import STEPS
from pipewarden.healing.steps.step import Move, Wait
from pipewarden.jobs.costs.metering import Meter, measured
from pipewarden.jobs.costs.recording import record_healing
from pipewarden.jobs.runners import liveness
from pipewarden.models.context import in_words
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.healing import healings
from pipewarden.store.windows import HealingWindow, passing

#: The fact that says in which state the healing waits, and for what.
WAITS = "waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """How far a healing came.

    Parameters
    ----------
    passed
        The states that it came into.
    waits
        What it waits for; empty where it has ended.
    """

    healing: Healing
    passed: tuple[HealingState, ...] = ()
    waits: str = ""


def advance(context: HealingContext, healing_id: int, *, steps: int | None = None) -> Advanced:
    """Go on with a healing as far as it goes now.

    Parameters
    ----------
    steps
        At most so many changes of state; None: until it ends, or has to wait.
    """
    with context.database.read() as conn:
        healing = healings.get(conn, healing_id)
    passed: list[HealingState] = []
    if healing.paused_at is not None:
        return Advanced(healing=healing, waits=f"paused by {healing.paused_by}")
    try:
        healing = claimed(context, healing)
        while not healing.state.ended and (steps is None or len(passed) < steps):
            with measured() as meter:
                done = _step(context, healing, meter)
            if isinstance(done, str):
                healing = _waiting(context, healing, done, meter)
                return Advanced(healing=_released(context, healing), passed=(*passed,), waits=done)
            healing = done
            passed.append(healing.state)
    except (Fenced, Locked, IllegalTransition) as error:
        with context.database.read() as conn:
            healing = healings.get(conn, healing_id)
        return Advanced(healing=healing, passed=(*passed,), waits=error.message)
    waits = "" if healing.state.ended else "it was to go no further"
    return Advanced(healing=_released(context, healing), passed=(*passed,), waits=waits)


def advance_all(context: HealingContext) -> list[Advanced]:
    """Go on with every healing that has not ended."""
    with context.database.read() as conn:
        going_on = healings.all_open(conn)
    return [advance(context, one.id) for one in going_on]


def claimed(context: HealingContext, healing: Healing) -> Healing:
    """Take the right to go on with a healing, also from a healer that is known to be dead.

    Raises
    ------
    Locked
        Another healer lives, and has it.
    """
    dead = liveness.is_alive(healing.lease_owner or "::") is False
    with context.database.write() as conn:
        held = healings.claim(
            conn,
            healing.id,
            owner=context.owner,
            at=context.now(),
            seconds=context.workspace.settings.healing.lease_seconds,
            steal_from=healing.lease_owner if dead else "",
        )
    passing(HealingWindow.HEAL_CLAIMED)
    return held


def _waiting(context: HealingContext, healing: Healing, what: str, meter: Meter) -> Healing:
    """Write down what is waited for, so that whoever asks is told."""
    with context.database.write() as conn:
        known = healings.get(conn, healing.id)  # the step may have written facts
        mine = replace(known, lease_token=healing.lease_token)
        kept = healings.keep(conn, mine, {WAITS: [str(known.state), what]})
        record_healing(conn, kept, meter, at=context.now())
        return kept


def _released(context: HealingContext, healing: Healing) -> Healing:
    with context.database.write() as conn:
        healings.release(conn, healing)
        return healings.get(conn, healing.id)


def _step(context: HealingContext, healing: Healing, meter: Meter) -> Healing | str:
    """Do the step of the present state; return the healing in its next, or what it waits for."""
    policy = context.policy(healing.model)
    hours = getattr(policy.timeouts_hours, healing.state)
    overtaken = _overtaken(context, healing)
    late = context.now() - healing.entered_at > timedelta(hours=hours)
    if overtaken:
        done: Move | Wait = Move(HealingState.OVERTAKEN, overtaken)
    else:
        try:
            done = STEPS[healing.state](context, healing, policy)
        except (Fenced, IllegalTransition):
            raise
        except (DependencyUnavailable, Locked) as error:  # it may answer the next time
            done = Wait(in_words(error))
        except Exception as error:  # noqa: BLE001 - a step that fails is counted, and told
            done = _failed(context, healing, in_words(error))
    if isinstance(done, Wait) and late:
        words = f"{healing.state} for more than {hours:g} hours: {done.reason}"
        done = _given_up(context, healing, HealingState.TIMED_OUT, words)
    if isinstance(done, Wait):
        return done.reason
    passing(HealingWindow.HEAL_WORKED)
    return move(context, healing, done, meter=meter)


def _overtaken(context: HealingContext, healing: Healing) -> str:
    """Return in words that another version serves than the healing knows of, or nothing."""
    serving = context.serving(healing.model, healing.environment)
    number = None if serving is None else serving.version
    known = {healing.champion, healing.candidate} - {None}
    if number in known and not _gone_back(healing, number):
        return ""
    now = "nothing" if number is None else f"version {number}"
    by = "" if serving is None else f", which {serving.actor} deployed"
    return f"{now} serves in {healing.environment}{by}"


def _gone_back(healing: Healing, serving: int | None) -> bool:
    """Whether somebody took the candidate back while it was being proved."""
    return healing.state is HealingState.VERIFYING and serving != healing.candidate


def _failed(context: HealingContext, healing: Healing, error: str) -> Move | Wait:
    """Count a failure; after too many the healing has failed, or what serves is taken back."""
    policy = context.policy(healing.model)
    if healing.attempts + 1 < policy.attempts:
        with context.database.write() as conn:
            healings.failed(conn, healing, error)
        return Wait(f"attempt {healing.attempts + 1} of {policy.attempts} failed: {error}")
    words = f"{healing.state} failed {policy.attempts} times: {error}"
    return _given_up(context, healing, HealingState.FAILED, words)


def _given_up(context: HealingContext, healing: Healing, end: HealingState, words: str) -> Move:
    state = given_up(healing.state, end, serves=serves(context, healing))
    assert state is not None, f"{healing.state} cannot end {end}"
    return Move(state, words)


def serves(context: HealingContext, healing: Healing) -> bool:
    """Whether the version that the healing has made serves by now."""
    held = context.serving(healing.model, healing.environment)
    made = healing.candidate is not None and healing.candidate != healing.champion
    return made and held is not None and held.version == healing.candidate


def move(
    context: HealingContext,
    healing: Healing,
    done: Move,
    *,
    actor: str = AUTOMATON,
    meter: Meter | None = None,
) -> Healing:
    """Bring a healing into its next state: state, ledger, outbox and cost in one transaction.

    Parameters
    ----------
    meter
        Has measured what was done in the present state, where anything was.

    Raises
    ------
    Fenced
        Another healer, or a person, was quicker; nothing holds.
    """
    at = context.now()
    if done.state.ended:
        stop_trial(context, healing, done)
    with context.database.write() as conn:
        moved = healings.move(
            conn,
            healing,
            done.state,
            at=at,
            reason=done.reason,
            candidate=done.candidate,
            facts=done.facts,
        )
        act = healings.act_of(moved, str(moved.state), actor=actor, **_told(done))
        ledger.append(conn, [act], at)
        outbox.append(conn, [healings.event_of(moved, at=at)])
        if moved.state.ended:
            ended(conn, context, moved)
        if meter is not None:
            record_healing(conn, moved, meter, at=at)
        passing(HealingWindow.HEAL_MOVING)
    passing(HealingWindow.HEAL_MOVED)
    return moved


def _told(done: Move) -> dict[str, object]:
    return {"facts": dict(done.facts)} if done.facts else {}


def stop_trial(context: HealingContext, healing: Healing, done: Move) -> None:
    """End a challenger that the healing began and that still runs."""
    from pipewarden.models.challenging.ending import stop

    number = healing.facts.get("challenger")
    if number is None:
        return
    try:
        stop(context.models, int(number), reason=f"{healing.name}: {done.reason}")
    except Conflict:  # it had ended before
        return
