"""The relay: from the outbox to each target, from where it stands, under a lease.

An event is sent first and noted afterwards, so a relay that dies in between sends it again under
the same id: at least once. Each target has its own place, lease and breaker; none waits for others.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING

from pipewarden.core.outages.breaker import Breaker, BreakerState
from pipewarden.delivery.events.cloud import cloud_event, full_type, wanted
from pipewarden.delivery.events.ordering import Plan, Queued, Round, Settlement, plan, settle
from pipewarden.delivery.events.target import Target
from pipewarden.delivery.outcome import Outcome, rejected, unavailable
from pipewarden.errors import Fenced, Locked
from pipewarden.settings import redact_text
from pipewarden.store.state import outbox
from pipewarden.store.state.database import Database
from pipewarden.store.state.delivery import targets as places, undelivered
from pipewarden.store.state.delivery.targets import TargetLease, TargetState

if TYPE_CHECKING:
    from cloudevents.core.v1.event import CloudEvent

log = logging.getLogger(__name__)

#: Events looked at in one round, sent in one wave, and tried where the breaker is half open.
PAGE, WAVE, TRIAL = 500, 100, 3
#: Seconds that must be left of a lease, beyond what one call may take, before a wave is sent.
MARGIN = 30.0
#: Signs of an error that are kept.
_WORDS = 500

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReport:
    """What one pass did for a target.

    Parameters
    ----------
    delivered, waiting, dead
        Deliveries confirmed, and events set aside to wait or as dead, in this pass.
    breaker
        Its state afterwards.
    error
        Why it stopped early: what the target or another relay's lease says; empty: it did not.
    """

    name: str
    delivered: int = 0
    waiting: int = 0
    dead: int = 0
    breaker: BreakerState = BreakerState.CLOSED
    error: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one pass over all targets did, and how many old events it removed from the outbox."""

    targets: tuple[TargetReport, ...]
    pruned: int = 0


def relay_once(
    database: Database,
    targets: Sequence[Target],
    clock: Clock,
    *,
    keep: timedelta | None = None,
) -> Report:
    """Send each target what it lacks, all targets at once, and return when each has it or failed.

    Parameters
    ----------
    clock
        Gives the present time, UTC and aware.
    keep
        How long events stay in the outbox after every target has them; None: for ever.

    Raises
    ------
    DatabaseUnavailable, StorageUnavailable, StateDamaged
        The state database; what was sent and not noted will be sent again.
    """
    owner = this_relay()
    with ThreadPoolExecutor(max_workers=max(1, len(targets))) as threads:
        passes = [threads.submit(relay_target, database, t, clock, owner=owner) for t in targets]
        reports = tuple(done.result() for done in passes)
    pruned = 0 if keep is None else prune(database, targets, clock() - keep)
    return Report(reports, pruned)


def relay_target(
    database: Database,
    target: Target,
    clock: Clock,
    *,
    owner: str,
    stop: Event | None = None,
) -> TargetReport:
    """Send one target what it lacks, until it has everything, fails, or ``stop`` is set.

    Parameters
    ----------
    owner
        This relay; see `this_relay`.
    """
    with database.read() as conn:
        state = places.get(conn, target.name)
        idle = state.cursor >= outbox.newest(conn)
        idle = idle and not undelivered.due(conn, target.name, clock(), 1)
    breaker = Breaker(state.failures, state.retry_at)
    report = TargetReport(name=target.name, breaker=breaker.state(clock(), target.policy))
    if idle or not breaker.is_due(clock()):
        return report
    ttl = lease_seconds(target)
    try:
        with database.write() as conn:
            lease = places.claim(conn, target.name, owner=owner, at=clock(), ttl_seconds=ttl)
    except Locked as held:
        return TargetReport(name=target.name, breaker=report.breaker, error=held.message)
    serving = _Serving(database, target, clock, lease, stop or Event())
    try:
        return serving.run()
    except Fenced as fenced:
        return TargetReport(name=target.name, breaker=report.breaker, error=fenced.message)


@dataclass(slots=True)
class _Serving:
    """One pass for one target, under its lease."""

    database: Database
    target: Target
    clock: Clock
    lease: TargetLease
    stop: Event
    delivered: int = 0
    waiting: int = 0
    dead: int = 0
    error: str = ""
    released: bool = False
    breaker: Breaker = field(default_factory=Breaker)

    def run(self) -> TargetReport:
        try:
            while self._round():
                pass
        finally:
            if not self.released:
                with self.database.write() as conn:
                    places.release(conn, self.lease)
        return TargetReport(
            name=self.target.name,
            delivered=self.delivered,
            waiting=self.waiting,
            dead=self.dead,
            breaker=self.breaker.state(self.clock(), self.target.policy),
            error=self.error,
        )

    def _round(self) -> bool:
        """Send one page; return whether another round may follow at once."""
        state, planned = self._read()
        self.breaker = Breaker(state.failures, state.retry_at)
        if not (planned.queue or planned.page):
            return False
        trial = self.breaker.state(self.clock(), self.target.policy) is not BreakerState.CLOSED
        sent = Round(planned)
        wave = sent.wave(TRIAL if trial else WAVE)
        while wave:
            self._keep_lease()
            sent.record(wave, self._publish(wave))
            wave = [] if trial or self.stop.is_set() else sent.wave(WAVE)
        settled = settle(sent, state.cursor, self.clock(), self.target.policy, random.random)
        moved = settled.alive or settled.cursor > state.cursor or bool(settled.letters)
        ended = settled.failure is not None or self.stop.is_set() or not moved
        full = trial or bool(settled.letters) or PAGE in (len(planned.page), len(planned.queue))
        self._note(state, settled, last=ended or not full)
        return not ended and full

    def _read(self) -> tuple[TargetState, Plan]:
        """Return where the target stands and what to do."""
        with self.database.read() as conn:
            state = places.get(conn, self.target.name)
            rows = undelivered.due(conn, self.target.name, self.clock(), PAGE)
            attempts = {row.seq: row.attempts for row in rows}
            again = [
                Queued(seq, event, attempts[seq], parked=True)
                for seq, event in outbox.numbered(conn, list(attempts))
            ]
            page = outbox.page(conn, state.cursor, PAGE)
            told = {event.subject for _, event in page}
            taken = Counter(queued.event.subject for queued in again)
            waits = undelivered.waiting_of(conn, self.target.name, told)
        behind = frozenset(subject for subject, held in waits.items() if held > taken[subject])
        return state, plan(again, behind, page, self._wants)

    def _wants(self, event: outbox.OutboxEvent) -> bool:
        return wanted(full_type(event, self.target.type_prefix), self.target.types)

    def _keep_lease(self) -> None:
        """Renew the lease where it might end during the next call, since then another may send."""
        left = (self.lease.expires_at - self.clock()).total_seconds()
        if left < self.target.timeout + MARGIN:
            with self.database.write() as conn:
                ttl = lease_seconds(self.target)
                self.lease = places.renew(conn, self.lease, at=self.clock(), ttl_seconds=ttl)

    def _publish(self, wave: Sequence[Queued]) -> list[Outcome]:
        """Send a wave; what breaks a rule of CloudEvents is rejected without being sent."""
        from cloudevents.core.exceptions import BaseCloudEventException

        outcomes: dict[int, Outcome] = {}
        events = []
        for queued in wave:
            try:
                events.append((queued.seq, cloud_event(queued.event, self.target.type_prefix)))
            except BaseCloudEventException as error:
                outcomes[queued.seq] = rejected("invalid", str(error))
        if events:
            answers = self._call([event for _, event in events])
            outcomes |= dict(zip((seq for seq, _ in events), answers, strict=True))
        return [outcomes[queued.seq] for queued in wave]

    def _call(self, events: list[CloudEvent]) -> list[Outcome]:
        try:
            return self.target.publisher.publish(events, self.target.timeout)
        except Exception as error:
            # A fault in one target's client must stop no other target, and must be seen.
            log.exception("event target failed", extra={"target": self.target.name})
            return [unavailable(f"{type(error).__name__}: {error}")] * len(events)

    def _note(self, state: TargetState, settled: Settlement, *, last: bool) -> None:
        """Write what a round changed, under the lease; the last round gives the lease back."""
        now, policy, failure = self.clock(), self.target.policy, settled.failure
        values: dict[str, object] = {
            "cursor": settled.cursor,
            "delivered": state.delivered + len(settled.delivered),
        }
        if settled.alive:
            self.breaker = Breaker()
            values["last_success_at"] = now
        if failure is not None:
            after = failure.retry_after
            self.breaker = self.breaker.after_failure(now, policy, random.random, after)
            self.error = redact_text(failure.error)[:_WORDS]
            values |= {"last_error": self.error, "last_error_at": now}
        values |= {"failures": self.breaker.failures, "retry_at": self.breaker.retry_at}
        with self.database.write() as conn:
            places.record(conn, self.lease, **values)
            undelivered.remove(conn, self.target.name, settled.delivered)
            undelivered.put(conn, self.target.name, settled.letters)
            if last:
                places.release(conn, self.lease)
        self.released = last
        self.delivered += len(settled.delivered)
        for letter in settled.letters:
            if letter.state is undelivered.Fortune.DEAD:
                self.dead += 1
            else:
                self.waiting += 1


def prune(database: Database, targets: Sequence[Target], before: datetime) -> int:
    """Remove old events that every enabled target has; return how many.

    What a target lacks stays, waiting or dead, and so does all that a target has not come to.

    Parameters
    ----------
    before
        Only events that happened earlier than so.
    """
    removed = 0
    while True:
        with database.read() as conn:
            cursors = [places.get(conn, target.name).cursor for target in targets]
            through = min(cursors, default=outbox.newest(conn))
            old = outbox.prunable(conn, through=through, before=before)
        if not old:
            return removed
        with database.write() as conn:
            removed += outbox.remove(conn, old)


def lease_seconds(target: Target) -> float:
    """Return how long a lease lasts, and so how long a relay that died is waited for."""
    return 2 * target.timeout + MARGIN


def this_relay() -> str:
    """Return a name for this relay that no other has: ``host:pid:random``."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
