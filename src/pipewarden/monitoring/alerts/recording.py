"""What observations do to incidents, written in one transaction with ledger, events and notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipewarden.core.chain import Act
from pipewarden.core.monitoring.alerts import schedule
from pipewarden.core.monitoring.alerts.incidents import Change, Incident, Sighting, folded
from pipewarden.core.monitoring.alerts.rules import Book
from pipewarden.core.monitoring.alerts.schedule import Mute, Purpose
from pipewarden.core.monitoring.observations import Observation
from pipewarden.monitoring.alerts import looking
from pipewarden.monitoring.alerts.context import AlertContext
from pipewarden.settings import redact_text
from pipewarden.store.state import ledger, outbox
from pipewarden.store.state.monitoring.alerts import incidents, notices
from pipewarden.store.state.monitoring.alerts.notices import Notice
from pipewarden.store.state.outbox import OutboxEvent

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Who raises and escalates, for the ledger.
WATCH = "pipewarden"
#: What the ledger and the world are told of a change.
_TOLD = {Change.RAISED: "raised", Change.WORSENED: "escalated", Change.RESOLVED: "resolved"}
_BEFORE_THE_END = (Purpose.RAISED, Purpose.REMINDED, Purpose.ESCALATED, Purpose.DIGEST)


@dataclass(slots=True, kw_only=True)
class Record:
    """One transaction's changes of incidents, and what they are told by.

    Parameters
    ----------
    batch
        What is told together of what changes now; empty: all of one check, as the incident says.
    """

    conn: Connection
    context: AlertContext
    book: Book
    at: datetime
    batch: str = ""
    changes: list[tuple[Incident, Change]] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    _acts: list[Act] = field(default_factory=list)
    _events: list[OutboxEvent] = field(default_factory=list)

    def see(self, seen: Sequence[Observation]) -> None:
        """Let observations of one check change what incidents there are."""
        found = looking.sightings(self.conn, self.book, seen)
        self.unjudged += looking.unjudged(found)
        known = incidents.latest(self.conn, list(found))
        for name, looks in found.items():
            held = known.get(name)
            change = folded(held, looking.deciding(looks, held, self.book))
            if change is not None:
                self._keep(*change)

    def see_silence(self, found: Mapping[str, Sighting]) -> None:
        """Raise what is silent; what is known to be silent is not counted at every look."""
        known = incidents.latest(self.conn, list(found))
        for name, sighting in found.items():
            held = known.get(name)
            if held is not None and held.state.told:
                continue
            change = folded(held, sighting)
            if change is not None:
                self._keep(*change)

    def _keep(self, changed: Incident, change: Change) -> None:
        saved = incidents.save(self.conn, _without_secrets(changed))
        self.changes.append((saved, change))
        if change in _TOLD:
            self.tell(saved, _TOLD[change], reason=saved.reason)
        if change is Change.RESOLVED:
            self.say_over(saved)

    def tell(self, held: Incident, fate: str, *, actor: str = WATCH, reason: str = "") -> None:
        """Write to the ledger, and to the outbox, what became of an incident."""
        self._acts.append(incidents.act_of(held, fate, actor=actor, reason=reason))
        self._events.append(incidents.event_of(held, fate, self.at))

    def say_over(self, held: Incident) -> None:
        """Plan the message that an incident is over, to all who were to be told that it began.

        What they were not sent yet, they are not sent any more.
        """
        notices.overtake(self.conn, held.id, _BEFORE_THE_END)
        plan = self.book.plans[held.severity]
        told = [one.channel for one in notices.of_incident(self.conn, held.id)]
        if plan.digest is None:
            self._plan(held, Purpose.RESOLVED, "", list(dict.fromkeys(told)))
            return
        # A warning that came and went between two digests stands in the next.
        channels = [*told, *plan.channels(0, self.context.channels)]
        at = schedule.next_digest(plan.digest, self.at)
        batch = f"digest {at.isoformat()}"
        self._plan(held, Purpose.RESOLVED, "", list(dict.fromkeys(channels)), at=at, batch=batch)

    def say_due(self, those: Iterable[Incident], mutes: Sequence[Mute]) -> None:
        """Plan every message about these incidents that is due now."""
        for held in those:
            plan = self.book.plans[held.severity]
            found = schedule.due(held, plan, self.at, mutes)
            if found is None:
                continue
            changed, due = found
            saved = incidents.save(self.conn, changed)
            if due.purpose is Purpose.ESCALATED:
                words = f"nobody acknowledged it: level {saved.level + 1}"
                self.tell(saved, "escalated", reason=words)
            channels = plan.channels(due.level, self.context.channels)
            batch = {
                Purpose.RAISED: self.batch or f"check {saved.check_id}",
                Purpose.DIGEST: f"digest {due.occasion}",
            }.get(due.purpose, f"tick {self.at.isoformat()}")
            self._plan(saved, due.purpose, due.occasion, channels, batch=batch)

    def _plan(
        self,
        held: Incident,
        purpose: Purpose,
        occasion: str,
        channels: Sequence[str],
        *,
        at: datetime | None = None,
        batch: str = "",
    ) -> None:
        planned = [
            Notice(
                incident=held.id,
                purpose=purpose,
                occasion=occasion,
                channel=channel,
                batch=batch or self.batch or f"tick {self.at.isoformat()}",
                created_at=self.at,
                due_at=at or self.at,
            )
            for channel in channels
        ]
        notices.plan(self.conn, planned)

    def close(self) -> None:
        """Write what the ledger and the world are told of all this."""
        if self._acts:
            ledger.append(self.conn, self._acts, self.at)
        outbox.append(self.conn, self._events)


def _without_secrets(held: Incident) -> Incident:
    return replace(held, reason=redact_text(held.reason))
