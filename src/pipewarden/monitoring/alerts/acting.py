"""What people do about alerts: acknowledge, resolve, mute; and try whether a channel works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipewarden.core.chain import Act
from pipewarden.core.monitoring.alerts import incidents as rules
from pipewarden.core.monitoring.alerts.incidents import Incident, IncidentState
from pipewarden.core.monitoring.alerts.messages import Message
from pipewarden.core.monitoring.alerts.rules import Severity
from pipewarden.core.monitoring.alerts.schedule import Mute, Purpose
from pipewarden.delivery.notices.channel import OpenChannel
from pipewarden.delivery.outcome import Fate, Outcome
from pipewarden.errors import Conflict, IllegalTransition, UnknownName, UsageError
from pipewarden.monitoring.alerts import sending
from pipewarden.monitoring.alerts.context import AlertContext
from pipewarden.monitoring.alerts.recording import Record
from pipewarden.settings import redact_text
from pipewarden.store.state import ledger
from pipewarden.store.state.monitoring.alerts import incidents, notices

if TYPE_CHECKING:
    from sqlalchemy import Connection


def acknowledge(context: AlertContext, incident_id: int, *, reason: str) -> Incident:
    """Take an alert on: no more reminders and no escalation; it stays open until it is over.

    Raises
    ------
    UnknownName
        There is no such alert.
    IllegalTransition
        It is acknowledged already, or over.
    UsageError
        No reason is given.
    """
    _require(reason)
    at = context.clock()
    with context.database.write() as conn:
        held = incidents.get(conn, incident_id)
        if held.state is not IncidentState.OPEN:
            raise _refused(held, "acknowledged")
        changed = rules.acknowledged(held, at, by=context.actor, reason=redact_text(reason))
        saved = incidents.save(conn, changed)
        notices.overtake(conn, held.id, (Purpose.REMINDED, Purpose.ESCALATED))
        _witness(conn, context, saved, "acknowledged", reason, at)
    return saved


def resolve(context: AlertContext, incident_id: int, *, reason: str) -> Incident:
    """End an alert by hand, such as one about a model that serves no more; tell who knew of it.

    Raises
    ------
    UnknownName, IllegalTransition, UsageError
        As `acknowledge`; an alert that waits for its time to be told cannot be resolved.
    """
    _require(reason)
    book, at = context.book(), context.clock()
    with context.database.write() as conn:
        held = incidents.get(conn, incident_id)
        if not held.state.told:
            raise _refused(held, "resolved")
        over = rules.resolved(held, at, by=context.actor, reason=redact_text(reason))
        saved = incidents.save(conn, over)
        record = Record(conn=conn, context=context, book=book, at=at)
        record.tell(saved, "resolved", actor=context.actor, reason=saved.resolved_reason)
        record.say_over(saved)
        record.close()
    sending.send(context, book)
    return saved


def mute(context: AlertContext, asked: Mute) -> Mute:
    """Tell nobody of some alerts until a time; they are counted and kept all the same.

    Parameters
    ----------
    asked
        Of one incident, or by patterns; its actor and beginning are filled in.

    Raises
    ------
    UnknownName
        There is no such alert.
    UsageError
        No reason is given, it ends before it begins, or it is about everything.
    """
    _require(asked.reason)
    at = context.clock()
    if asked.until <= at:
        raise UsageError("a mute ends later than now", next_step="for instance --for 2h")
    if asked.incident is None and {asked.rule, asked.subject, asked.metric} == {"*"}:
        raise UsageError("say what to mute: an alert's number, or --rule, --subject, --metric")
    with context.database.write() as conn:
        if asked.incident is not None:
            incidents.get(conn, asked.incident)
        reason = redact_text(asked.reason)
        made = incidents.add_mute(
            conn, replace(asked, since=at, actor=context.actor, reason=reason)
        )
        act = _act_of_mute(made, "muted", context.actor, reason)
        ledger.append(conn, [act], at)
    return made


def end_mute(context: AlertContext, mute_id: int, *, reason: str) -> Mute:
    """Let a mute end now.

    Raises
    ------
    UnknownName
        It is not in force.
    UsageError
        No reason is given.
    """
    _require(reason)
    at = context.clock()
    with context.database.write() as conn:
        ended = incidents.end_mute(conn, mute_id, at)
        act = _act_of_mute(ended, "unmuted", context.actor, redact_text(reason))
        ledger.append(conn, [act], at)
    return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of a test message on one channel."""

    name: str
    kind: str
    outcome: Outcome

    @property
    def works(self) -> bool:
        """Whether it was sent."""
        return self.outcome.fate is Fate.DELIVERED


def try_channels(context: AlertContext, names: Sequence[str] = ()) -> list[Tried]:
    """Send a test message on channels, all of them where none is named; nothing is kept of it.

    Raises
    ------
    UnknownName
        The settings have no such channel.
    """
    for name in names:
        if name not in context.channels:
            raise UnknownName(
                f"there is no alert channel {name!r}",
                next_step=f"known: {', '.join(context.channels)}; see alerts.channels",
            )
    opened = context.open_channels()
    try:
        return [_tried(context, opened[name]) for name in opened if not names or name in names]
    finally:
        for one in opened.values():
            one.channel.close()


def _tried(context: AlertContext, one: OpenChannel) -> Tried:
    at = context.clock()
    identity = f"test_{one.name}_{at:%Y%m%dT%H%M%S%f}"
    words = (
        f"This is a test of the alert channel {one.name!r} ({one.kind}), asked for by "
        f"{context.actor} at {at:%Y-%m-%d %H:%M:%S} UTC.\n"
        "Nothing is wrong. Alerts will come here.\n"
    )
    told = Message(
        id=identity,
        severity=Severity.WARNING,
        subject=f"[TEST] pipewarden can reach you by {one.name}",
        text=words,
        facts={"id": identity, "at": at.isoformat(), "incidents": []},
    )
    outcome = sending.attempt(one, told)
    return Tried(name=one.name, kind=one.kind, outcome=outcome)


def _require(reason: str) -> None:
    if not reason.strip():
        raise UsageError("a reason is needed", next_step='for instance --reason "looking into it"')


def _refused(held: Incident, wanted: str) -> Conflict:
    who = f" by {held.acknowledged_by}" if held.state is IncidentState.ACKNOWLEDGED else ""
    return IllegalTransition(
        f"alert {held.id} is {held.state}{who} and cannot be {wanted}",
        left_behind="nothing was changed",
        next_step=f"pipewarden alerts show {held.id}",
    )


def _witness(
    conn: Connection, context: AlertContext, held: Incident, action: str, reason: str, at: datetime
) -> None:
    act = incidents.act_of(held, action, actor=context.actor, reason=redact_text(reason))
    ledger.append(conn, [act], at)


def _act_of_mute(held: Mute, action: str, actor: str, reason: str) -> Act:
    about = {name: getattr(held, name) for name in ("rule", "subject", "metric")}
    subject = f"mute:{held.id}" if held.incident is None else f"alert:{held.incident}"
    return Act(
        actor=actor,
        action=f"alert.{action}",
        subject=subject,
        reason=reason,
        details={"mute": held.id, "until": held.end.isoformat(), **about},
    )
