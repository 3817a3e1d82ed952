"""The words of a message: what is wrong, since when, the figure and its limit, what to do next.

A message is written for somebody who never saw this system: no word of it needs a look at the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipewarden.core.monitoring.alerts.incidents import Incident
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.alerts.schedule import Purpose
from pipewarden.core.monitoring.observations import SubjectKind

#: How long foreign words may be, in signs, and how many incidents are written out in full.
_WORDS, _IN_FULL = 400, 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One incident of a message, and why it is told.

    Parameters
    ----------
    instead_of
        The channel that does not answer, where this one takes its place.
    """

    incident: Incident
    purpose: Purpose
    instead_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one channel is told at once.

    Parameters
    ----------
    id
        The same whenever the same message is sent again, so that a receiver can tell a repeat.
    subject
        One line.
    text
        Plain text, lines of any length.
    facts
        The same as plain values, for machines.
    """

    id: str
    severity: Severity
    subject: str
    text: str
    facts: dict[str, Any]


def message(parts: Sequence[Part], *, id: str, at: datetime, link: str = "") -> Message:  # noqa: A002
    """Return the message about incidents; at least one.

    Parameters
    ----------
    at
        When it is written; UTC.
    link
        The address of the service, for links; empty: no link is written.
    """
    ordered = sorted(parts, key=_gravity)
    severe = any(part.incident.severity is Severity.CRITICAL for part in ordered)
    blocks = [_block(part, at, link) for part in ordered[:_IN_FULL]]
    if len(ordered) > _IN_FULL:
        blocks.append(f"… and {len(ordered) - _IN_FULL} more: pipewarden alerts list")
    lacking = sorted({part.instead_of for part in ordered if part.instead_of})
    if lacking:
        blocks.append(f"Sent here because it could not be sent to: {', '.join(lacking)}.")
    return Message(
        id=id,
        severity=Severity.CRITICAL if severe else Severity.WARNING,
        subject=_subject(ordered),
        text="\n\n".join(blocks) + "\n",
        facts={
            "id": id,
            "at": at.isoformat(),
            "incidents": [{"purpose": str(p.purpose), **facts(p.incident)} for p in ordered],
        },
    )


def facts(held: Incident) -> dict[str, Any]:
    """Return an incident as plain values, for events, webhooks and JSON."""
    plain = {name: getattr(held, name) for name in Incident.__slots__ if name != "revision"}
    return {
        name: value.isoformat() if isinstance(value, datetime) else _plain(value)
        for name, value in plain.items()
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value  # an enum's member is a text, too


def headline(held: Incident) -> str:
    """Return in one line what is wrong: "credit in production: performance.auc is 0.61, …"."""
    where = f" in {_line(held.environment)}" if held.environment else ""
    return f"{_line(held.subject)}{where}: {_what(held)}"


def _what(held: Incident) -> str:
    name = _line(held.metric) + (f" of {_line(held.feature)}" if held.feature else "")
    if held.missing:
        return f"{name} is missing"
    if held.value is None:
        return f"{name}: {_line(held.condition)}"
    return f"{name} is {figure(held.value)}{_bound(held)}"


def _bound(held: Incident) -> str:
    if held.limit is None:
        return ""
    written = f" ({_line(held.condition)})" if "%" in held.condition else ""
    return f", limit {figure(held.limit)}{written}"


def figure(value: float) -> str:
    """Return a figure with as many digits as mean something: "0.6123", "1,204", "12.5"."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 1000 else f"{value:.4g}"


def _subject(parts: Sequence[Part]) -> str:
    first = parts[0]
    severity = str(first.incident.severity).upper()
    words = {
        Purpose.RAISED: severity,
        Purpose.REMINDED: f"{severity}, still open",
        Purpose.ESCALATED: f"{severity}, nobody acknowledged it",
        Purpose.RESOLVED: "RESOLVED",
        Purpose.DIGEST: "DIGEST",
    }
    more = f" (and {len(parts) - 1} more)" if len(parts) > 1 else ""
    return f"[{words[first.purpose]}] {headline(first.incident)}{more}"


def _gravity(part: Part) -> tuple[bool, bool, int]:
    held = part.incident
    return part.purpose is Purpose.RESOLVED, held.severity is not Severity.CRITICAL, held.id


def _block(part: Part, at: datetime, link: str) -> str:
    held = part.incident
    rows = [
        ("since", _since(held, at)),
        ("figure", _figure(held)),
        ("why", _line(held.reason)),
        ("told", _told(part)),
        ("version", "" if held.version is None else str(held.version)),
        ("rule", _rule(held)),
        ("owner", _line(held.owner)),
        ("runbook", _line(held.runbook)),
        ("next", "" if part.purpose is Purpose.RESOLVED else _next(held)),
        ("link", f"{link.rstrip('/')}/v1/alerts/{held.id}" if link else ""),
    ]
    lines = [f"  {name:<8} {words}" for name, words in rows if words]
    return "\n".join([f"#{held.id} {str(held.severity).upper()}  {headline(held)}", *lines])


def _since(held: Incident, at: datetime) -> str:
    end = held.resolved_at or at
    times = "once" if held.count == 1 else f"{held.count:,} times"
    words = f"{moment(held.started_at)} ({lasting(end, held.started_at)}), seen {times}"
    return words if held.resolved_at is None else f"{words}, over at {moment(held.resolved_at)}"


def _figure(held: Incident) -> str:
    if held.missing or held.value is None:
        return ""
    about = [f"{figure(held.value)}{_bound(held)}"]
    if held.window:
        about.append(f"window {_line(held.window)}")
    if held.sample is not None:
        about.append(f"from {held.sample:,}")
    return "; ".join(about)


def _told(part: Part) -> str:
    held = part.incident
    if part.purpose is Purpose.RESOLVED:
        return f"resolved by {_line(held.resolved_by)}: {_line(held.resolved_reason)}"
    if held.acknowledged_at is not None:
        who = _line(held.acknowledged_by)
        return f"acknowledged by {who}: {_line(held.acknowledged_reason)}"
    if part.purpose is Purpose.ESCALATED:
        return f"level {held.level + 1}, because nobody acknowledged it"
    return "again, because nobody acknowledged it" if part.purpose is Purpose.REMINDED else ""


def _rule(held: Incident) -> str:
    return f"{_line(held.rule)} ({_line(held.condition)})"


def _next(held: Incident) -> str:
    look = f"pipewarden alerts show {held.id}"
    if held.kind is SubjectKind.PIPELINE and held.metric.startswith("job."):
        look = f"pipewarden jobs status {held.check_id}"
    if held.acknowledged_at is not None:
        return look
    return f'{look}; then pipewarden alerts ack {held.id} --reason "…"'


def moment(at: datetime) -> str:
    """Return a time as "2026-03-01 08:00 UTC"."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def lasting(end: datetime, start: datetime) -> str:
    """Return how long something lasted, in its largest unit: "45 s", "12 min", "3 h", "2 d"."""
    return in_largest_unit((end - start).total_seconds())


def in_largest_unit(seconds: float) -> str:
    """Return a time in its largest unit, rounded down: "45 s", "12 min", "3 h", "2 d"."""
    whole = max(0, int(seconds))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def _line(text: str) -> str:
    """Return foreign words on one line, without control signs, cut where they are too long."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    words = " ".join(shown.split())
    return words if len(words) <= _WORDS else f"{words[: _WORDS - 1]}…"
