"""One round of sending, as plain values: what may go, in which order, and what follows from it.

Two events of one subject are never on their way together, so their order does not hang on what a
client or broker does with several at once. What one event's failure means:

=================  ==============================  ==============================================
the target         the event                       the later ones of its subject
=================  ==============================  ==============================================
is unavailable     stays, and is tried for ever    stay behind it
rejects it         is dead at once, with reason    go on without it
fails on it alone  waits, then is dead             wait behind it, then go on without it
=================  ==============================  ==============================================

"Alone" means that the target took others in the same round, or did when the event failed before. A
target that takes nothing is unavailable, whatever it says of each event: an outage kills no event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipewarden.core.outages.breaker import Policy
from pipewarden.delivery.outcome import Fate, Outcome
from pipewarden.store.state.delivery.undelivered import Fortune, Undelivered
from pipewarden.store.state.outbox import OutboxEvent

_TOUCHED = (Fate.DELIVERED, Fate.REJECTED, Fate.FAILED)


@dataclass(frozen=True, slots=True)
class Queued:
    """One event to be sent now.

    Parameters
    ----------
    seq
        Its number in the outbox.
    attempts
        How often it was found at fault before.
    parked
        Whether the cursor has passed it, so that the database holds a row about it.
    """

    seq: int
    event: OutboxEvent
    attempts: int = 0
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round does with what waits and with a page of new events.

    Parameters
    ----------
    queue
        To be sent, in order.
    held
        New events whose subject still waits: not to be sent.
    page
        The numbers of the page, in order, with those that the target does not want.
    """

    queue: tuple[Queued, ...] = ()
    held: tuple[Queued, ...] = ()
    page: tuple[int, ...] = ()


def plan(
    parked: Sequence[Queued],
    behind: frozenset[str],
    page: Sequence[tuple[int, OutboxEvent]],
    wants: Callable[[OutboxEvent], bool],
) -> Plan:
    """Return what to do with what is due and with a page of new events.

    Parameters
    ----------
    behind
        The subjects of which more waits than ``parked`` holds.
    wants
        Whether the target takes events of this type.
    """
    new = [Queued(seq, event) for seq, event in page if wants(event)]
    return Plan(
        queue=(*parked, *(queued for queued in new if queued.event.subject not in behind)),
        held=tuple(queued for queued in new if queued.event.subject in behind),
        page=tuple(seq for seq, _ in page),
    )


@dataclass(slots=True)
class Round:
    """A plan on its way: gives out waves of events of different subjects, and keeps outcomes."""

    plan: Plan
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    halted: bool = False
    _subjects: dict[str, deque[Queued]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for queued in self.plan.queue:
            self._subjects.setdefault(queued.event.subject, deque()).append(queued)

    def wave(self, limit: int) -> list[Queued]:
        """Return the next event of each subject, the oldest ``limit`` of them; none: it is over."""
        if self.halted:
            return []
        heads = sorted((line[0] for line in self._subjects.values()), key=lambda head: head.seq)
        return heads[:limit]

    def record(self, wave: Sequence[Queued], outcomes: Sequence[Outcome]) -> None:
        """Keep what became of a wave; an unavailable target ends the round."""
        for queued, outcome in zip(wave, outcomes, strict=True):
            subject = queued.event.subject
            if outcome.fate is Fate.UNAVAILABLE:
                self.halted = True
            if outcome.fate in _TOUCHED:
                self._subjects[subject].popleft()
            if outcome.fate is Fate.FAILED or not self._subjects[subject]:
                del self._subjects[subject]
            self.outcomes[queued.seq] = outcome
        if all(outcome.fate is Fate.UNTRIED for outcome in outcomes):
            self.halted = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a round changes in the database.

    Parameters
    ----------
    cursor
        The last number that needs no further look at the outbox.
    delivered
        The numbers that were confirmed.
    letters
        What the target lacks although the cursor has passed it.
    failure
        What the target as a whole answered, where it was found unavailable.
    alive
        Whether it took or refused anything.
    """

    cursor: int
    delivered: tuple[int, ...] = ()
    letters: tuple[Undelivered, ...] = ()
    failure: Outcome | None = None
    alive: bool = False


def settle(
    sent: Round, cursor: int, now: datetime, policy: Policy, random: Callable[[], float]
) -> Settlement:
    """Return what follows from a round.

    Parameters
    ----------
    cursor
        Where the target stood before.
    random
        Gives a number from 0 up to 1.
    """
    outcomes = sent.outcomes.values()
    alive = any(o.fate in (Fate.DELIVERED, Fate.REJECTED) for o in outcomes)
    failure = next((o for o in outcomes if o.fate is Fate.UNAVAILABLE), None)
    done = {seq for seq, o in sent.outcomes.items() if o.fate is Fate.DELIVERED}
    letters, stopped = {}, set()
    for queued in sent.plan.queue:
        outcome = sent.outcomes.get(queued.seq)
        if outcome is None or outcome.fate not in (Fate.REJECTED, Fate.FAILED):
            continue
        if outcome.fate is Fate.REJECTED:
            letters[queued.seq] = _dead(queued, outcome, now)
        elif alive or queued.attempts:
            letters[queued.seq] = _at_fault(queued, outcome, now, policy, random)
            stopped.add(queued.event.subject)
        else:
            failure = failure or outcome
    idle = [
        queued
        for queued in (*sent.plan.queue, *sent.plan.held)
        if queued.seq not in done and queued.seq not in letters and not queued.parked
    ]
    behind = stopped | {queued.event.subject for queued in sent.plan.held}
    open_ = {queued.seq for queued in idle if queued.event.subject not in behind}
    reached = _reached(sent.plan.page, cursor, open_, done | letters.keys())
    for queued in idle:
        if queued.seq <= reached:
            letters[queued.seq] = _letter(queued, Fortune.WAITING, now, reason="held", retry_at=now)
    return Settlement(
        cursor=reached,
        delivered=tuple(sorted(done)),
        letters=tuple(letters[seq] for seq in sorted(letters)),
        failure=failure,
        alive=alive,
    )


def _reached(page: Sequence[int], cursor: int, open_: set[int], decided: set[int]) -> int:
    """Return how far the cursor goes: up to the first open event, or past it to the last decided.

    So nothing that was delivered is sent again for want of a place to remember it.
    """
    first_open = min((seq for seq in page if seq in open_), default=None)
    if first_open is None:
        return page[-1] if page else cursor
    before = max((seq for seq in page if seq < first_open), default=cursor)
    return max(before, max((seq for seq in page if seq in decided), default=cursor))


def _dead(queued: Queued, outcome: Outcome, now: datetime) -> Undelivered:
    return _letter(queued, Fortune.DEAD, now, reason=outcome.reason, error=outcome.error)


def _at_fault(
    queued: Queued, outcome: Outcome, now: datetime, policy: Policy, random: Callable[[], float]
) -> Undelivered:
    attempts = queued.attempts + 1
    over = attempts >= policy.attempts
    return _letter(
        queued,
        Fortune.DEAD if over else Fortune.WAITING,
        now,
        attempts=attempts,
        retry_at=None if over else now + timedelta(seconds=policy.delay(attempts, random)),
        reason="attempts" if over else outcome.reason,
        error=outcome.error,
    )


def _letter(
    queued: Queued,
    fortune: Fortune,
    now: datetime,
    *,
    attempts: int | None = None,
    retry_at: datetime | None = None,
    reason: str = "",
    error: str = "",
) -> Undelivered:
    return Undelivered(
        seq=queued.seq,
        subject=queued.event.subject,
        state=fortune,
        attempts=queued.attempts if attempts is None else attempts,
        retry_at=retry_at,
        reason=reason,
        error=error,
        at=now,
    )
