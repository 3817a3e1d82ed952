"""Sending what is due: each channel apart, tried again with back-off, stood in for by the next."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.alerts.messages import Message, Part, message
from pipewarden.core.monitoring.alerts.rules import Book
from pipewarden.core.monitoring.alerts.schedule import Purpose
from pipewarden.core.outages.breaker import Policy
from pipewarden.delivery.notices.channel import OpenChannel
from pipewarden.delivery.outcome import Fate, Outcome, unavailable
from pipewarden.monitoring.alerts.context import AlertContext
from pipewarden.settings import redact_text
from pipewarden.store.state.monitoring.alerts import incidents, notices
from pipewarden.store.state.monitoring.alerts.notices import ChannelState, Notice
from pipewarden.store.windows import AlertWindow, passing

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

#: How patient one channel is tried: after 10 s, 20 s, … at most 10 minutes; a message 12 times.
PATIENCE = Policy(first_delay=10.0, longest_delay=600.0, open_after=3, attempts=12)
#: Seconds beyond a channel's time-out for which a claim holds.
_MARGIN = 60.0
#: Signs of an error that are kept.
_WORDS = 300
#: What was not told for so long is not told by another channel any more.
_FORGOTTEN = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one pass over all channels did.

    Parameters
    ----------
    messages
        How many were sent.
    errors
        By channel, why it was not sent to.
    """

    messages: int
    errors: Mapping[str, str]


def send(context: AlertContext, book: Book) -> Sent:
    """Send what is due on every channel, until nothing is or the channel fails.

    What a channel that is down does not take, the next one of the plan is sent, in the same pass.
    """
    _stand_in(context, book)
    if not _due(context):
        return Sent(messages=0, errors={})
    opened = context.open_channels()
    done, errors = 0, dict[str, str]()
    try:
        # Whatever fails may make another channel due, and there are no more rounds than channels.
        for _ in range(len(opened) + 1):
            for name, channel in opened.items():
                if name not in errors:
                    done += _serve(context, channel, errors)
            if not _stand_in(context, book):
                break
    finally:
        for channel in opened.values():
            channel.channel.close()
    return Sent(messages=done, errors=errors)


def _due(context: AlertContext) -> bool:
    with context.database.read() as conn:
        return bool(notices.backlog(conn, context.clock()))


def _serve(context: AlertContext, channel: OpenChannel, errors: dict[str, str]) -> int:
    """Send one channel what is due, batch by batch; return how many messages it took."""
    done = 0
    while True:
        owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        with context.database.write() as conn:
            state = notices.channels(conn).get(channel.name, ChannelState(name=channel.name))
            if not state.breaker.is_due(context.clock()):
                return done
            batch = notices.claim(
                conn,
                channel.name,
                owner=owner,
                at=context.clock(),
                ttl_seconds=channel.timeout + _MARGIN,
            )
        if not batch:
            return done
        passing(AlertWindow.NOTICE_CLAIMED)
        outcome = _sent(context, channel, batch)
        passing(AlertWindow.NOTICE_SENT)
        with context.database.write() as conn:
            _note(conn, context, channel.name, owner, outcome)
        if outcome.fate is not Fate.DELIVERED:
            errors[channel.name] = outcome.error
            log.warning(
                "an alert was not sent", extra={"channel": channel.name, "error": outcome.error}
            )
            if outcome.fate is not Fate.REJECTED:
                return done
        else:
            done += 1


def _sent(context: AlertContext, channel: OpenChannel, batch: Sequence[Notice]) -> Outcome:
    with context.database.read() as conn:
        parts = [
            Part(
                incident=incidents.get(conn, one.incident),
                purpose=one.purpose,
                instead_of=one.instead_of,
            )
            for one in batch
        ]
    told = message(parts, id=_id_of(batch), at=context.clock(), link=context.link)
    return attempt(channel, told)


def attempt(channel: OpenChannel, told: Message) -> Outcome:
    """Send one message on one channel; return what became of it, in words without secrets."""
    try:
        outcome = channel.channel.send(told, channel.timeout)
    except Exception as error:  # noqa: BLE001 - a channel's fault must not silence the others
        outcome = unavailable(f"{channel.kind}: {type(error).__name__} {error}")
    return replace(outcome, error=redact_text(outcome.error)[:_WORDS])


def _id_of(batch: Sequence[Notice]) -> str:
    """Return the same id for the same notices, and so for a repeat."""
    numbers = ",".join(str(one.id) for one in batch)
    return f"msg_{hashlib.sha256(f'alert {numbers}'.encode()).hexdigest()[:32]}"


def _note(conn: Connection, context: AlertContext, name: str, owner: str, outcome: Outcome) -> None:
    """Write what became of a claimed batch, and how the channel is by now."""
    now = context.clock()
    state = notices.channels(conn).get(name, ChannelState(name=name))
    if outcome.fate is Fate.DELIVERED:
        notices.note_sent(conn, owner, now)
        good = replace(state, failures=0, retry_at=None, sent_at=now)
        notices.note_channel(conn, good if not outcome.error else _failing(good, outcome, now))
        return
    if outcome.fate is Fate.REJECTED:
        notices.note_failed(conn, owner, outcome.error, attempts=0)
        notices.note_channel(conn, _failing(state, outcome, now))
        return
    notices.note_failed(conn, owner, outcome.error, attempts=PATIENCE.attempts)
    worse = state.breaker.after_failure(now, PATIENCE, context.jitter, outcome.retry_after)
    failing = replace(state, failures=worse.failures, retry_at=worse.retry_at)
    notices.note_channel(conn, _failing(failing, outcome, now))


def _failing(state: ChannelState, outcome: Outcome, now: object) -> ChannelState:
    return replace(state, error=outcome.error, failed_at=now)  # type: ignore[arg-type]


def _stand_in(context: AlertContext, book: Book) -> int:
    """Plan, for what a channel does not take, the next channel of the plan; return how many."""
    now = context.clock()
    asked = {"at": now, "since": now - _FORGOTTEN}
    with context.database.read() as conn:
        behind = notices.backlog(conn, now)
        gone = set(behind) - set(context.channels)
        if not gone and not notices.stuck(conn, book.tries, **asked):
            return 0
    with context.database.write() as conn:
        notices.drop_unknown(conn, context.channels, now)
        stuck = notices.stuck(conn, book.tries, **asked)
        return sum(_next_channel(conn, context, book, one) for one in stuck)


def _next_channel(conn: Connection, context: AlertContext, book: Book, one: Notice) -> int:
    held = incidents.get(conn, one.incident)
    if one.purpose is not Purpose.RESOLVED and not held.state.told:
        return 0
    told = {
        other.channel
        for other in notices.of_incident(conn, held.id)
        if (other.purpose, other.occasion) == (one.purpose, one.occasion)
    }
    order = book.plans[held.severity].order(context.channels)
    free = [name for name in order if name not in told]
    if not free:
        return 0
    at = context.clock()
    instead = Notice(
        incident=one.incident,
        purpose=one.purpose,
        occasion=one.occasion,
        channel=free[0],
        batch=one.batch,
        instead_of=one.channel,
        created_at=at,
        due_at=at,
    )
    return notices.plan(conn, [instead])
