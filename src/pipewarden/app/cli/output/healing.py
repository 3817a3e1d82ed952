"""Healings, rounds and explanations, as they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pipewarden.app.cli.output.terminal import say, say_folded, say_json, say_next
from pipewarden.core.healing.states import Healing, HealingState, Hold
from pipewarden.healing.advancing import Advanced
from pipewarden.healing.controlling import EVERY, Held
from pipewarden.healing.explaining import Explanation
from pipewarden.healing.looping import Round
from pipewarden.report.untrusted import clipped, visible
from pipewarden.report.wording import count, moment

#: A reason names every figure that asked; as much of it is shown, and all by `heal explain`.
_TEXT = 300
_TONES = {HealingState.KEPT: "good"}


def say_round(done: Round, *, json: bool, quiet: bool = False) -> None:
    """Print what came of a round.

    Parameters
    ----------
    quiet
        Nothing is printed where nothing happened.
    """
    if json:
        if (
            not quiet
            or done.advanced
            or done.mended
            or done.failures
            or any(one.new for one in done.looked)
        ):
            say_json(_round(done), line=quiet)
        return
    for words in done.failures:
        say(visible(words), tone="bad", error=True)
    for what in done.mended:
        say(visible(what.words), tone="bad" if what.failed else "")
    for one in done.advanced:
        _say_advanced(one)
    begun = {one.healing.id for one in done.advanced}
    for looked in done.looked:
        held = looked.healing
        if held is None or held.id in begun or (quiet and not looked.new):
            continue
        times = "" if held.times == 1 else f" ({held.times} times)"
        say(f"{visible(held.model)}: not healed{times}: {visible(held.reason)}")
    if (
        not quiet
        and not done.advanced
        and not done.mended
        and all(one.healing is None for one in done.looked)
    ):
        number = len(done.looked)
        serving = f"{count(number, 'model')} {'serves' if number == 1 else 'serve'}"
        say(f"Nothing asks for a healing; {serving}.")


def say_advanced(done: Advanced, *, json: bool) -> None:
    """Print how far a healing came."""
    if json:
        say_json(_advanced(done))
        return
    _say_advanced(done)


def say_status(held: Sequence[Healing], paused: Sequence[tuple[str, Hold]], *, json: bool) -> None:
    """Print decisions, the newest first, and what is paused."""
    if json:
        say_json(
            {
                "healings": [plain(one) for one in held],
                "paused": [{"environment": where, **asdict(one)} for where, one in paused],
            }
        )
        return
    for where, one in paused:
        since = "" if one.paused_at is None else f" since {moment(one.paused_at.isoformat())}"
        name = visible(one.model) or EVERY
        say(f"paused: {name} in {where}{since} by {visible(one.paused_by)}: {visible(one.reason)}")
    if not held:
        say("Nothing was decided yet.")
        return
    for decided in held:
        _say_decided(decided)


def _say_decided(one: Healing) -> None:
    name = visible(one.model)
    say(f"{one.name} of {name}: {_state(one)}", tone=_tone(one))
    versions = f"version {one.champion}"
    if one.candidate is not None:
        versions = f"{versions} → {one.candidate}"
    say(f"  {moment(one.opened_at.isoformat())}, {one.trigger}, {versions}")
    say_folded(clipped(visible(one.reason), _TEXT), first="  ", rest="  ")


def say_explanation(told: Explanation, *, json: bool) -> None:
    """Print why a model is healed or not."""
    if json:
        say_json(told.as_dict())
        return
    for sentence in told.sentences:
        say(visible(sentence))


def say_held(held: Held, what: str, *, json: bool) -> None:
    """Print that healing is paused, or goes on."""
    if json:
        going = [plain(one) for one in held.healings]
        say_json({"model": held.model, "changed": held.changed, "healings": going})
        return
    was = "" if held.changed else ", as it was"
    say(f"the healing of {visible(held.model) or EVERY} is {what}{was}")
    for one in held.healings:
        say(f"{one.name} of {visible(one.model)} is {one.state}")


def say_vetoed(held: Healing, *, json: bool) -> None:
    """Print how a healing ended that somebody stopped."""
    if json:
        say_json(plain(held))
        return
    say(f"{held.name} of {visible(held.model)} is {_state(held)}: {visible(held.reason)}")


def plain(one: Healing) -> dict[str, Any]:
    """Return a healing as plain values."""
    return {name: value for name, value in asdict(one).items() if not name.startswith("lease_")}


def _round(done: Round) -> dict[str, Any]:
    return {
        "advanced": [_advanced(one) for one in done.advanced],
        "decisions": [
            {"new": one.new, "healing": plain(one.healing)}
            for one in done.looked
            if one.healing is not None
        ],
        "models": len(done.looked),
        "mended": [asdict(one) for one in done.mended],
        "failures": list(done.failures),
    }


def _advanced(done: Advanced) -> dict[str, Any]:
    passed = [str(state) for state in done.passed]
    return {"healing": plain(done.healing), "passed": passed, "waits": done.waits}


def _say_advanced(done: Advanced) -> None:
    held = done.healing
    way = " → ".join(_words(state) for state in done.passed)
    say(f"{held.name} of {visible(held.model)}: {way or _state(held)}", tone=_tone(held))
    say(f"  {visible(done.waits or held.reason)}")
    if held.state is HealingState.AWAITING:
        approve = f"pipewarden approve --model {held.model} --version {held.candidate}"
        say_next({approve: "sign for it"})


def _state(one: Healing) -> str:
    times = "" if one.times == 1 else f" ({one.times} times)"
    return f"{_words(one.state)}{' (paused)' if one.paused_at else ''}{times}"


def _tone(one: Healing) -> str:
    return _TONES.get(one.state, "bad" if one.state.lost else "")


def _words(state: HealingState) -> str:
    return str(state).replace("_", " ")
