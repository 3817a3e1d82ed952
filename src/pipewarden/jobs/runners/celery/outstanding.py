"""What a runner has sent and waits for: which chunk is where, what is lost, what is given up.

The decisions are made here, from what workers tell and from how long they have been silent; nothing
here talks to a broker. A broker may deliver twice, lose everything or keep it for days: an item
is done when its first answer has come, and it is sent again when nobody can be at it any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from pipewarden.engine.task import Worked
from pipewarden.engine.worker import lost
from pipewarden.jobs.runners.celery.messages import Sent

#: How often an item may lose its worker before it is given up.
_LOSSES = 2
#: Silence after which a chunk that nobody took is sent again grows up to so many times.
_PATIENCE_MAX = 64


@dataclass(slots=True)
class Parcel:
    """A chunk that was sent, and what of it is not answered yet, in its order.

    Parameters
    ----------
    worker
        Who took it; empty while nobody is known to have it.
    heard
        When its worker last gave a sign; for one that nobody took, when it was overtaken.
    """

    number: int
    tasks: dict[str, Sent]
    worker: str = ""
    heard: float | None = None


@dataclass(slots=True)
class Outstanding:
    """The chunks of a job that are on their way, and those that wait to be sent.

    Parameters
    ----------
    silence
        Seconds without a sign after which a worker, or a chunk that another overtook, is lost.
    clock
        Monotonic seconds.
    """

    silence: float
    clock: Callable[[], float]
    #: What is to be sent next, oldest first.
    waiting: deque[tuple[Sent, ...]] = field(default_factory=deque)
    #: How many workers were lost.
    workers_lost: int = 0
    _parcels: dict[int, Parcel] = field(default_factory=dict)
    _order: dict[str, int] = field(default_factory=dict)
    _losses: dict[str, int] = field(default_factory=dict)
    _handed: int = 0
    _number: int = 0
    _sent: set[str] = field(default_factory=set)
    _sign_at: float = 0.0
    _patience: float = 1.0

    def __len__(self) -> int:
        """Return how many chunks are on their way or wait to be sent."""
        return len(self._parcels) + len(self.waiting)

    @property
    def spread(self) -> int:
        """How many items were handed out since the oldest that is not answered."""
        oldest = next(iter(self._order.values()), self._handed)
        return self._handed - oldest

    @property
    def unheard(self) -> bool:
        """Whether no worker has given a sign although a chunk was sent once more."""
        return self._patience > 1.0

    # ── sending ──────────────────────────────────────────────────────────────────────────────

    def add(self, chunk: tuple[Sent, ...]) -> None:
        """Take in a new chunk, to be sent."""
        for sent in chunk:
            self._handed += 1
            self._order[sent.task.key] = self._handed
        self.waiting.append(chunk)

    def upcoming(self) -> tuple[int, tuple[Sent, ...]] | None:
        """Return the chunk to send next, and its number, without what was answered."""
        while self.waiting:
            left = tuple(s for s in self.waiting[0] if s.task.key in self._order)
            if left:
                self.waiting[0] = left
                return self._number + 1, left
            self.waiting.popleft()
        return None

    def repeated(self, chunk: tuple[Sent, ...]) -> bool:
        """Whether some of a chunk was sent before."""
        return any(sent.task.key in self._sent for sent in chunk)

    def sent(self) -> None:
        """Take note that the chunk of `upcoming` has been sent."""
        self._number += 1
        chunk = self.waiting.popleft()
        self._sent.update(sent.task.key for sent in chunk)
        if all(parcel.worker for parcel in self._parcels.values()):
            self._sign_at = self.clock()
        self._parcels[self._number] = Parcel(self._number, {s.task.key: s for s in chunk})

    # ── what workers tell ────────────────────────────────────────────────────────────────────

    def taken(self, number: int, worker: str) -> None:
        """A worker has begun with a chunk, or is still at it."""
        self._signed()
        parcel = self._parcels.get(number)
        if parcel is None or parcel.worker not in ("", worker):
            return
        parcel.worker, parcel.heard = worker, self.clock()

    def answered(self, key: str) -> bool:
        """An item is done; return whether this is its first answer."""
        if self._order.pop(key, None) is None:
            return False
        self._sent.discard(key)
        self._losses.pop(key, None)
        for number, parcel in list(self._parcels.items()):
            if parcel.tasks.pop(key, None) is not None and not parcel.tasks:
                del self._parcels[number]
        return True

    def returned(self, number: int, worker: str) -> None:
        """A worker gives a chunk back, its own or one that the broker delivered twice.

        Of one that another worker has begun, that worker's own signs tell.
        """
        self._signed()
        parcel = self._parcels.get(number)
        if parcel is not None and parcel.worker in ("", worker):
            self._again(parcel)

    def _signed(self) -> None:
        self._sign_at, self._patience = self.clock(), 1.0

    # ── what silence tells ───────────────────────────────────────────────────────────────────

    def overdue(self) -> list[Worked]:
        """Send again what nobody can be at; return the items that are given up."""
        now, given_up = self.clock(), []
        newest = max((p.number for p in self._parcels.values() if p.worker), default=0)
        for parcel in list(self._parcels.values()):
            if not parcel.worker and parcel.number < newest and parcel.heard is None:
                parcel.heard = now  # a later one was delivered before it: it may be lost
            if parcel.heard is None or now - parcel.heard < self.silence:
                continue
            if parcel.worker:
                given_up += self._worker_lost(parcel)
            else:
                self._again(parcel)
        self._ask_again(now)
        return given_up

    def outage_over(self) -> None:
        """The broker answers again: silence counts from now."""
        self._sign_at = self.clock()
        for parcel in self._parcels.values():
            if parcel.heard is not None:
                parcel.heard = self._sign_at

    def withdraw(self) -> None:
        """Wait no longer for what no worker has begun."""
        self.waiting.clear()
        for parcel in list(self._parcels.values()):
            if not parcel.worker:
                del self._parcels[parcel.number]
        held = {key for parcel in self._parcels.values() for key in parcel.tasks}
        for key in self._order.keys() - held:
            del self._order[key]

    def _ask_again(self, now: float) -> None:
        """Send the oldest chunk that nobody took once more, less and less often.

        If the broker lost its messages, the one sent again overtakes the lost ones; if there is no
        worker, the queue does not fill with copies.
        """
        if now - self._sign_at < self.silence * self._patience:
            return
        oldest = next((p for p in self._parcels.values() if not p.worker), None)
        if oldest is None:
            return
        self._sign_at, self._patience = now, min(self._patience * 2, _PATIENCE_MAX)
        self._again(oldest)

    def _worker_lost(self, parcel: Parcel) -> list[Worked]:
        """Blame the first unanswered item; send all that are left one by one.

        Answers are told in groups, so that the blame may fall on an item just before the guilty
        one; alone in its chunk, an item is blamed for itself only.
        """
        self.workers_lost += 1
        del self._parcels[parcel.number]
        key, sent = next(iter(parcel.tasks.items()))
        self._losses[key] = self._losses.get(key, 0) + 1
        given_up = self._losses[key] >= _LOSSES
        if given_up:
            self.answered(key)
            del parcel.tasks[key]
        self.waiting.extend((left,) for left in parcel.tasks.values())
        if not given_up:
            return []
        message = f"{_LOSSES} workers were lost while working on it; the last was {parcel.worker}"
        return [lost(sent.task, "worker_lost", message, self.silence)]

    def _again(self, parcel: Parcel) -> None:
        del self._parcels[parcel.number]
        self.waiting.append(tuple(parcel.tasks.values()))
