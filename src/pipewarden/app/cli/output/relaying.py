"""How event targets, dead events and a relay's passes are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from pipewarden.app.cli.output.terminal import say, say_json, say_next, say_table
from pipewarden.report.untrusted import visible
from pipewarden.report.wording import count, moment

if TYPE_CHECKING:
    from pipewarden.delivery.events.relay import Report
    from pipewarden.delivery.events.status import TargetStatus
    from pipewarden.store.state.delivery.undelivered import Undelivered
    from pipewarden.store.state.outbox import OutboxEvent


def say_statuses(found: Sequence[TargetStatus], *, json: bool) -> None:
    """Print every target, and below the table what the failing ones answered last."""
    if json:
        say_json([asdict(status) for status in found])
        return
    if not found:
        say("No event target is enabled; add one under events.targets in the settings.")
        return
    say_table(
        ("target", "kind", "breaker", "cursor", "behind", "waiting", "dead", "last success"),
        [
            (
                visible(status.name),
                status.kind or "(not enabled)",
                str(status.breaker),
                *(str(n) for n in (status.cursor, status.behind, status.waiting, status.dead)),
                _moment(status.last_success_at),
            )
            for status in found
        ],
        right=("cursor", "behind", "waiting", "dead"),
    )
    for status in found:
        if status.failures:
            again = _moment(status.retry_at)
            words = f"{count(status.failures, 'failure')} in a row, tried again at {again}"
            say(f"{visible(status.name)}: {words}: {visible(status.last_error)}", tone="bad")
    if any(status.dead for status in found):
        say_next({"pipewarden events dead list": "why events are dead"})


def say_dead(letters: Sequence[tuple[str, Undelivered, OutboxEvent]], *, json: bool) -> None:
    """Print dead events with their reasons."""
    if json:
        say_json(
            [
                {
                    "target": target,
                    "number": letter.seq,
                    "reason": letter.reason,
                    "error": letter.error,
                    "attempts": letter.attempts,
                    "at": letter.at.isoformat(),
                    "event": event.as_cloud_event(),
                }
                for target, letter, event in letters
            ]
        )
        return
    if not letters:
        say("No event is dead.")
        return
    say_table(
        ("number", "target", "event", "subject", "reason", "since", "what was said"),
        [
            (
                str(letter.seq),
                visible(target),
                event.type,
                visible(event.subject),
                letter.reason,
                _moment(letter.at),
                visible(letter.error),
            )
            for target, letter, event in letters
        ],
        right=("number",),
    )
    say_next({"pipewarden events dead retry": "have all of them sent again"})


def say_passes(report: Report, *, json: bool) -> None:
    """Print what one pass of the relay did."""
    if json:
        say_json(asdict(report))
        return
    say_table(
        ("target", "delivered", "set aside", "dead", "breaker", "what stopped it"),
        [
            (
                visible(done.name),
                *(str(n) for n in (done.delivered, done.waiting, done.dead)),
                str(done.breaker),
                visible(done.error),
            )
            for done in report.targets
        ],
        right=("delivered", "set aside", "dead"),
    )
    if report.pruned:
        say(f"{count(report.pruned, 'old event')} left the outbox")


def _moment(at: datetime | None) -> str:
    return "" if at is None else moment(at.isoformat())
