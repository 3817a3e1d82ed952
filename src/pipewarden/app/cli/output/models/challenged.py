"""Challengers and their judgements, as they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipewarden.app.cli.output.terminal import say, say_facts, say_json, say_next, say_table
from pipewarden.core.models.challengers import Challenger, ChallengerMode, ChallengerState
from pipewarden.core.models.comparisons import Figures
from pipewarden.models.challenging.ending import Changed
from pipewarden.models.challenging.judging import Judgement
from pipewarden.report.untrusted import clipped, visible
from pipewarden.report.wording import moment

_TEXT = 100
_TONES = {
    ChallengerState.WON: "good",
    ChallengerState.RUNNING: "",
    ChallengerState.HARMED: "bad",
}


def say_started(done: Changed, *, json: bool) -> None:
    """Print that a challenger began."""
    held = done.challenger
    if json:
        say_json({"challenger": plain(held), "notices": list(done.notices)})
        return
    how = "shadows" if held.mode is ChallengerMode.SHADOW else f"answers {held.share:.0%} beside"
    say(
        f"{visible(_name(held))} {how} version {held.champion} in {held.environment}, "
        f"as challenger {held.id}",
        tone="good",
    )
    _say_plan(held)
    _say_notices(done.notices)
    say_next({f"pipewarden challenge judge {held.id}": "look how it does, and end it if due"})


def say_stopped(done: Changed, *, json: bool) -> None:
    """Print that somebody stopped a challenger."""
    held = done.challenger
    if json:
        say_json({"challenger": plain(held), "notices": list(done.notices)})
        return
    say(
        f"challenger {held.id}, {visible(_name(held))}, is stopped; version {held.champion} goes on"
    )
    _say_notices(done.notices)


def say_challengers(held: Sequence[Challenger], *, json: bool) -> None:
    """Print challengers, one a line."""
    if json:
        say_json([plain(one) for one in held])
        return
    if not held:
        say("No version was tried beside a champion yet.")
        return
    say_table(
        ("id", "version", "beside", "environment", "mode", "state", "since", "what decided"),
        [
            (
                str(one.id),
                visible(_name(one)),
                str(one.champion),
                one.environment,
                _mode(one),
                str(one.state),
                moment(one.started_at.isoformat()),
                visible(clipped(one.ended_reason, _TEXT)),
            )
            for one in held
        ],
        right=("id",),
    )


def say_challenger(held: Challenger, figures: Figures, *, json: bool) -> None:
    """Print all that is known of a challenger."""
    if json:
        say_json(plain(held) | {"figures": _figures(figures)})
        return
    say(f"challenger {held.id}: {visible(_name(held))}, {held.state}", tone=_tone(held))
    say_facts(
        {
            "beside": f"version {held.champion} in {held.environment}",
            "mode": _mode(held),
            "since": f"{moment(held.started_at.isoformat())}, by {visible(held.actor)}",
            "reason": visible(held.reason),
            "ended": "" if held.ended_at is None else
            f"{moment(held.ended_at.isoformat())}, by {visible(held.ended_by)}",
            "what decided": visible(held.ended_reason),
            "last judgement": visible(str(held.evidence.get("reason", ""))),
        }
    )  # fmt: skip
    _say_plan(held)
    _say_figures(figures)
    for warning in held.evidence.get("warnings") or ():
        say(f"note: {visible(str(warning))}", tone="warn")


def say_judgements(many: Sequence[Judgement], *, json: bool) -> None:
    """Print judgements, each with what it rests on."""
    if json:
        say_json([{"challenger": plain(one.challenger)} | one.as_document() for one in many])
        return
    if not many:
        say("No challenger runs.")
        return
    for one in many:
        held = one.challenger
        say(
            f"challenger {held.id}, {visible(_name(held))} beside version {held.champion} in "
            f"{held.environment}: {held.state}",
            tone=_tone(held),
        )
        say(f"  {visible(one.reason)}")
        _say_figures(one.figures)
        for warning in one.warnings:
            say(f"note: {visible(warning)}", tone="warn")
        _say_notices(one.notices)
        if held.state is ChallengerState.WON:
            say_next({f"pipewarden challenge promote {held.id}": "deploy it, through its gates"})


def plain(held: Challenger) -> dict[str, Any]:
    """Return a challenger as plain values."""
    named = {name: getattr(held, name) for name in Challenger.__slots__}
    return named | {"plan": held.plan.as_document(), "test": str(held.test)}


def _say_plan(held: Challenger) -> None:
    plan, harm = held.plan, held.plan.harm
    say_facts(
        {
            "decided by": f"{plan.metric}, better by more than {plan.margin:g}, "
            f"{plan.confidence:g}% interval of a {str(held.test).replace('_', ' ')}",
            "decided at": f"{plan.labelled:,} labelled predictions, within {plan.hours:g} hours",
            "stopped when": f"worse by more than {harm.loss:g}, more than {harm.failed_share:.1%} "
            f"without an answer, or {harm.latency_ratio:g} times as slow",
        }
    )


def _say_figures(figures: Figures) -> None:
    own, champion = figures.latency_ms, figures.champion_latency_ms
    say_facts(
        {
            "asked": f"{figures.asked:,} rows, {figures.failed:,} without an answer"
            + (f", {figures.skipped:,} skipped" if figures.skipped else ""),
            "takes": "" if own is None else f"{own:.3f} ms a row"
            + ("" if champion is None else f", the champion {champion:.3f} ms"),
        }
    )  # fmt: skip


def _say_notices(notices: Sequence[str]) -> None:
    for notice in notices:
        say(f"note: {visible(notice)}", tone="warn")


def _figures(figures: Figures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in Figures.__slots__}


def _mode(held: Challenger) -> str:
    return str(held.mode) if held.mode is ChallengerMode.SHADOW else f"canary {held.share:.0%}"


def _name(held: Challenger) -> str:
    return f"{held.model}@{held.version}"


def _tone(held: Challenger) -> str:
    return _TONES.get(held.state, "warn")
