"""What a person may do: pause healing, let it go on, step it, or stop one for good."""

from __future__ import annotations

from dataclasses import dataclass

from pipewarden.core.chain import Act
from pipewarden.core.healing.states import Healing, HealingState, given_up
from pipewarden.errors import Conflict, UsageError
from pipewarden.healing.advancing import Advanced, advance, claimed, move, serves
from pipewarden.healing.context import HealingContext
from pipewarden.healing.ending import alerted, forgotten
from pipewarden.healing.steps.step import Move
from pipewarden.healing.telling import reports
from pipewarden.models import choosing
from pipewarden.store.state import ledger
from pipewarden.store.state.healing import healings, holds

#: How ledger and messages name what is said of every model.
EVERY = "every model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What came of a pause, or of its end.

    Parameters
    ----------
    changed
        Whether it was otherwise before.
    healings
        The healings that were going on.
    """

    model: str
    changed: bool
    healings: tuple[Healing, ...]


def pause(context: HealingContext, model: str, environment: str, *, reason: str) -> Held:
    """Let nothing be decided for a model, and what goes on stand still.

    Parameters
    ----------
    model
        Empty: every model.

    Raises
    ------
    UnknownName
        There is no such model.
    UsageError
        There is no reason.
    """
    if not reason.strip():
        raise UsageError("a pause needs a reason: it is recorded in the ledger",
                         next_step='add --reason "…"')  # fmt: skip
    at, actor = context.now(), context.actor
    with context.database.write() as conn:
        if model:
            choosing.known(conn, model)
        changed = holds.pause(conn, model, environment, actor=actor, reason=reason.strip(), at=at)
        going = [
            healings.hold(conn, one, at=at, actor=actor)
            for one in healings.all_open(conn)
            if model in ("", one.model) and one.environment == environment
        ]
        if changed:
            act = _act(context, "paused", model, environment, reason.strip())
            ledger.append(conn, [act], at)
    return Held(model=model, changed=changed, healings=tuple(going))


def resume(context: HealingContext, model: str, environment: str, *, reason: str = "") -> Held:
    """Let a model be healed again: the pause ends, and so does what the breaker counted.

    The alert that the breaker is open is over then.

    Raises
    ------
    UnknownName
        There is no such model.
    """
    at = context.now()
    with context.database.write() as conn:
        if model:
            choosing.known(conn, model)
        changed = holds.resume(conn, model, environment, at=at)
        going = [
            healings.go_on(conn, one, at=at)
            for one in healings.all_open(conn)
            if model in ("", one.model)
            and one.environment == environment
            and not any(said.paused_at for said in holds.of(conn, one.model, environment))
        ]
        act = _act(context, "resumed", model, environment, reason)
        ledger.append(conn, [act], at)
        observed = forgotten(conn, context, model, environment, at)
    if observed:
        alerted(context, observed)
    return Held(model=model, changed=changed, healings=tuple(going))


def step(context: HealingContext, model: str, environment: str) -> Advanced:
    """Go on with the healing of a model by one state, also where it is paused.

    Raises
    ------
    Conflict
        None goes on.
    """
    done = _stepped(context, _open(context, model, environment))
    reports.tried(context, [done.healing.id])
    return done


def _stepped(context: HealingContext, healing: Healing) -> Advanced:
    if healing.paused_at is None:
        return advance(context, healing.id, steps=1)
    at = context.now()
    with context.database.write() as conn:
        healings.go_on(conn, healing, at=at)
    try:
        return advance(context, healing.id, steps=1)
    finally:
        with context.database.write() as conn:
            held = healings.get(conn, healing.id)
            healings.hold(conn, held, at=context.now(), actor=healing.paused_by)


def veto(context: HealingContext, model: str, environment: str, *, reason: str) -> Healing:
    """Stop the healing of a model for good; a version that it has deployed is rolled back.

    Raises
    ------
    UsageError
        There is no reason.
    Conflict
        None goes on, or it is being undone already, or a healer is deploying just now.
    """
    if not reason.strip():
        raise UsageError("a veto needs a reason: it is recorded in the ledger",
                         next_step='add --reason "…"')  # fmt: skip
    healing = _open(context, model, environment)
    if healing.state is HealingState.PROMOTING:  # not while a healer is deploying
        healing = claimed(context, healing)
    state = given_up(healing.state, HealingState.VETOED, serves=serves(context, healing))
    if state is None:
        raise Conflict(
            f"{healing.name} of {model} is {healing.state}: it is being undone already",
            left_behind="nothing was changed",
            next_step=f"pipewarden heal status --model {model}",
        )
    done = Move(state, f"{context.actor} said no: {reason.strip()}")
    with context.database.write() as conn:
        going = healings.go_on(conn, healing, at=context.now())
    moved = move(context, going, done, actor=context.actor)
    if moved.state is HealingState.ROLLING_BACK:
        moved = advance(context, moved.id).healing
    reports.tried(context, [moved.id])
    return moved


def _open(context: HealingContext, model: str, environment: str) -> Healing:
    with context.database.read() as conn:
        choosing.known(conn, model)
        found = healings.opened(conn, model, environment)
    if found is None:
        raise Conflict(
            f"no healing of {model} in {environment} goes on",
            left_behind="nothing was changed",
            next_step=f"pipewarden heal explain --model {model}",
        )
    return found


def _act(context: HealingContext, what: str, model: str, environment: str, reason: str) -> Act:
    return Act(
        actor=context.actor,
        action=f"healing.{what}",
        subject=model or EVERY,
        reason=reason.strip(),
        details={"environment": environment},
    )
