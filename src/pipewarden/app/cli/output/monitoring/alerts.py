"""Alerts, mutes and channels, as they are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipewarden.app.cli.output.terminal import say, say_facts, say_json, say_next, say_table
from pipewarden.core.monitoring.alerts.incidents import IncidentState
from pipewarden.core.monitoring.alerts.messages import facts, headline, lasting, moment
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.alerts.schedule import Mute
from pipewarden.monitoring.alerts.acting import Tried
from pipewarden.monitoring.alerts.reading import ChannelReport, Listed, Page, Shown
from pipewarden.report.untrusted import visible
from pipewarden.report.wording import count
from pipewarden.settings import redact_text
from pipewarden.store.state.monitoring.alerts.notices import Notice, NoticeState


def as_json(one: Listed) -> dict[str, Any]:
    """Return an alert as plain values."""
    return {**facts(one.incident), "what": headline(one.incident), "muted_until": one.muted_until}


def say_alerts(
    page: Page,
    channels: Sequence[ChannelReport],
    mutes: Sequence[Mute],
    not_set_up: Mapping[str, str],
    *,
    json: bool,
) -> None:
    """Print alerts that last, the mutes in force, and what is wrong with rules and channels."""
    if json:
        say_json(
            {
                "total": page.total,
                "alerts": [as_json(one) for one in page.alerts],
                "mutes": [asdict(one) for one in mutes],
                "channels": [asdict(one) for one in channels],
                "not_set_up": dict(not_set_up),
            }
        )
        return
    _say_table(page, "No alert is open.")
    for mute in mutes:
        say(visible(f"muted until {moment(mute.end)} (mute {mute.id}): {_about(mute)}"))
    for channel in channels:
        say_channel(channel)
    for name, why in not_set_up.items():
        say(visible(f"{name}: {redact_text(why)}"), tone="bad")
    if page.alerts:
        first = page.alerts[0].incident
        commands = {f"pipewarden alerts show {first.id}": "all that is known of it"}
        if first.state is IncidentState.OPEN:
            commands[f'pipewarden alerts ack {first.id} --reason "…"'] = "take it on"
        say_next(commands)


def say_past(page: Page, *, json: bool) -> None:
    """Print alerts that are over."""
    if json:
        say_json({"total": page.total, "alerts": [as_json(one) for one in page.alerts]})
        return
    _say_table(page, "There was no alert yet.")


def _say_table(page: Page, nothing: str) -> None:
    if not page.alerts:
        say(nothing)
        return
    headers = ("id", "severity", "state", "since", "lasting", "seen", "alert")
    rows = [_cells(one, page.at) for one in page.alerts]
    say_table(headers, rows, right=("id", "seen"))
    if page.total > len(page.alerts):
        say(f"{len(page.alerts):,} of {page.total:,}; --offset and --limit show others")


def _cells(one: Listed, now: datetime) -> tuple[str, ...]:
    held = one.incident
    muted = ", muted" if one.muted_until is not None else ""
    return (
        *(str(held.id), str(held.severity), f"{held.state}{muted}"),
        moment(held.started_at),
        lasting(held.resolved_at or now, held.started_at),
        f"{held.count:,}",
        visible(headline(held)),
    )


def say_channel(channel: ChannelReport) -> None:
    """Print what is wrong with a channel; nothing where all is well."""
    if channel.fails:
        again = "" if channel.retry_at is None else f", again at {moment(channel.retry_at)}"
        times = count(channel.failures, "try", "tries")
        words = f"channel {channel.name}: {times} failed{again}: {channel.error}"
        say(visible(f"{words} ({channel.waiting:,} waiting)"), tone="bad")
    elif channel.waiting:
        waits = count(channel.waiting, "notice")
        say(f"channel {visible(channel.name)}: {waits} waiting; is 'monitor run' at work?")


def say_alert(shown: Shown, *, json: bool) -> None:
    """Print all that is known of an alert."""
    if json:
        say_json({**as_json(shown.alert), "notices": [asdict(one) for one in shown.notices]})
        return
    held = shown.alert.incident
    tone = "bad" if held.severity is Severity.CRITICAL and held.state.lasting else ""
    say(visible(headline(held)), tone=tone)
    say_facts({name: visible(words) for name, words in _facts(shown.alert).items()})
    if shown.notices:
        say()
        say_table(
            ("told", "channel", "state", "planned", "sent", "tries", "why not"),
            [_notice(one) for one in shown.notices],
            right=("tries",),
        )
    if held.state is IncidentState.OPEN:
        say_next({f'pipewarden alerts ack {held.id} --reason "…"': "take it on"})


def _facts(one: Listed) -> dict[str, str]:
    held = one.incident
    found = {
        "alert": f"{held.id}, {held.severity}, {held.state}",
        "since": f"{moment(held.started_at)}, last bad at {moment(held.bad_at)}",
        "seen": f"{held.count:,} times bad, {held.good} good since",
        "why": held.reason,
        "version": "" if held.version is None else str(held.version),
        "window": held.window,
        "sample": "" if held.sample is None else f"{held.sample:,}",
        "rule": f"{held.rule} ({held.condition})",
        "check": held.check_id,
        "owner": held.owner,
        "runbook": held.runbook,
        "level": str(held.level + 1),
    }
    if one.muted_until is not None:
        found["muted"] = f"until {moment(one.muted_until)}"
    if held.acknowledged_at is not None:
        when = moment(held.acknowledged_at)
        found["acknowledged"] = f"{when} by {held.acknowledged_by}: {held.acknowledged_reason}"
    if held.resolved_at is not None:
        by = f" by {held.resolved_by}" if held.resolved_by else ""
        found["over"] = f"{moment(held.resolved_at)}{by}: {held.resolved_reason}"
    return found


def _notice(one: Notice) -> tuple[str, ...]:
    channel = f"{one.channel} for {one.instead_of}" if one.instead_of else one.channel
    sent = moment(one.sent_at) if one.sent_at is not None else ""
    late = one.state is NoticeState.WAITING and one.due_at > one.created_at
    state = f"due {moment(one.due_at)}" if late else str(one.state)
    return (
        *(str(one.purpose), visible(channel), state),
        *(moment(one.created_at), sent, str(one.tries), visible(one.error)),
    )


def _about(mute: Mute) -> str:
    if mute.incident is not None:
        return f"alert {mute.incident}: {mute.reason}"
    named = {"rule": mute.rule, "subject": mute.subject, "metric": mute.metric}
    words = ", ".join(f"{name} {pattern}" for name, pattern in named.items() if pattern != "*")
    return f"{words}: {mute.reason}"


def say_mute(mute: Mute, *, json: bool, ended: bool = False) -> None:
    """Print a mute that was made or ended."""
    if json:
        say_json(asdict(mute))
    elif ended:
        say(f"mute {mute.id} has ended")
    else:
        say(visible(f"mute {mute.id}: nobody is told until {moment(mute.end)} of {_about(mute)}"))
        say_next({f'pipewarden alerts mute --end {mute.id} --reason "…"': "take it back"})


def say_tried(tried: Sequence[Tried], *, json: bool) -> None:
    """Print what became of test messages."""
    if json:
        plain = [
            {"name": o.name, "kind": o.kind, "works": o.works, "error": o.outcome.error}
            for o in tried
        ]
        say_json(plain)
        return
    for one in tried:
        words = "sent" if one.works else "not sent"
        more = f": {one.outcome.error}" if one.outcome.error else ""
        say(visible(f"{one.name} ({one.kind}): {words}{more}"), tone="" if one.works else "bad")
