"""The two faces of alerts: `take` what a check observed, and `tick` with the clock.

Any number of monitors may call both, at any time: an observation counts once, an incident is open
once, and a message is sent once. A process that dies between sending a message and noting that it
did sends it a second time, and never a third; each kind of channel gives the repeat the id of the
first, so that a receiver can drop it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pipewarden.core.monitoring.alerts.incidents import Change, Incident
from pipewarden.monitoring.alerts import sending, sources
from pipewarden.monitoring.alerts.context import AlertContext
from pipewarden.monitoring.alerts.recording import Record
from pipewarden.monitoring.alerts.sending import Sent
from pipewarden.store.state.monitoring import observations
from pipewarden.store.state.monitoring.alerts import incidents

log = logging.getLogger(__name__)

#: How long ago a mute may have ended and still count for the clock of an escalation.
_MUTES = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What observations changed, and what was sent of it.

    Parameters
    ----------
    changes
        Each incident that changed, and how.
    unjudged
        In words: rules about a change that found nothing to compare with.
    """

    changes: tuple[tuple[Incident, Change], ...]
    unjudged: tuple[str, ...]
    sent: Sent

    def of(self, change: Change) -> list[Incident]:
        """Return the incidents that changed in one way."""
        return [held for held, what in self.changes if what is change]


def take(context: AlertContext, check_id: str) -> Taken:
    """Let the observations of one check raise, update and resolve alerts; send what is due of them.

    All of one check is one message on each channel. To take a check twice changes nothing.

    Raises
    ------
    InvalidSettings
        The alert rules or the channels do not hold.
    """

    def of_check(record: Record) -> None:
        record.see(observations.of_check(record.conn, check_id))

    return _watch(context, of_check, batch=f"check {check_id}")


def tick(context: AlertContext) -> Taken:
    """Let the clock do what fell due: jobs that ended, silence, reminders, escalation, digests.

    To be called at least every minute; what fell due meanwhile is made up for.

    Raises
    ------
    InvalidSettings
        The alert rules or the channels do not hold.
    """

    def of_clock(record: Record) -> None:
        for seen in sources.job_observations(record.conn, record.at):
            record.see(seen)
        record.see_silence(sources.silences(record.conn, record.book, record.at))

    return _watch(context, of_clock)


def _watch(context: AlertContext, look: Callable[[Record], None], batch: str = "") -> Taken:
    book, at = context.book(), context.clock()
    with context.database.write() as conn:
        record = Record(conn=conn, context=context, book=book, at=at, batch=batch)
        look(record)
        changed = {held.id for held, _ in record.changes}
        those = [held for held in incidents.lasting(conn) if not batch or held.id in changed]
        record.say_due(those, incidents.mutes(conn, at - _MUTES))
        record.close()
    for words in record.unjudged:
        log.warning("an alert rule could not judge", extra={"rule": words})
    sent = sending.send(context, book)
    return Taken(changes=tuple(record.changes), unjudged=tuple(record.unjudged), sent=sent)
