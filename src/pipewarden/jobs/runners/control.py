"""What steers a run from outside: requests in the database, signals, and the runner's heartbeat."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from pipewarden.core.jobs import Job, Lease, Request
from pipewarden.errors import IllegalTransition
from pipewarden.jobs.runners.outages import Telling
from pipewarden.store.state import jobs
from pipewarden.store.state.database import Database

#: Seconds between two looks at the job's row.
_LOOK = 0.2

T = TypeVar("T")


class Aborted(KeyboardInterrupt):
    """The user asked twice: stop now, without waiting for items in work."""


class Control:
    """Looks for requests and keeps the lease alive, between two items.

    Parameters
    ----------
    database, lease
        The job under way.
    actor
        Who started the run, and so who pressed Ctrl-C.
    lease_seconds
        For how long a heartbeat holds.
    clock, monotonic
        The present time, UTC and aware; and seconds for intervals.
    tell
        Is told when a request is first seen.
    waiting_dir
        Where others look for what the database cannot be told.
    """

    def __init__(
        self,
        database: Database,
        lease: Lease,
        actor: str,
        lease_seconds: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        tell: Callable[[str], None] = lambda _: None,
        waiting_dir: Path | None = None,
    ) -> None:
        self._database = database
        self._lease = lease
        self._actor = actor
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._looked = self._beaten = monotonic()
        self._decided = 0
        self._interrupted = ""
        self._interrupts = 0
        self._waiting = False
        self._tell = tell
        #: What others are told of the broker and the database that this job needs.
        self.telling = Telling(lease.owner, lease.job_id, waiting_dir)
        #: What was asked for, once it is known.
        self.requested: Request | None = None

    @property
    def stopping(self) -> bool:
        """Whether no further item should be begun."""
        return self.requested is not None or bool(self._interrupted)

    def poll(self) -> None:
        """Look for requests, and send a heartbeat when one is due.

        Raises
        ------
        Fenced
            Another runner has taken the job over.
        """
        now = self._monotonic()
        if self._interrupted and self.requested is None:
            self._record_interrupt()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        if now - self._beaten >= self._lease_seconds / 3:
            self._beaten = now
            job: Job | None = self._beat()
        elif self.telling.changed():
            with self._database.write() as conn:
                self.telling.tell(conn)
                job = jobs.get(conn, self._lease.job_id)
        else:
            with self._database.read() as conn:
                job = jobs.get(conn, self._lease.job_id)
        if job is not None:
            self._see(job)

    def _beat(self) -> Job:
        """Say that the runner lives, how far the job is, and what it waits for."""
        at = self._clock()
        with self._database.write() as conn:
            job = jobs.heartbeat(conn, self._lease, at=at, ttl_seconds=self._lease_seconds)
            self.telling.tell(conn)
            decided = job.progress.published + job.progress.quarantined
            if decided > self._decided:
                jobs.tell_progress(conn, job, at=at)
        self._decided = decided
        return job

    def _see(self, job: Job) -> None:
        intent, before = job.cancel or job.pause, self.requested
        if intent is None:
            return
        self.requested = Request.CANCEL if job.cancel is not None else Request.PAUSE
        if self.requested is not before:
            why = f" ({intent.reason})" if intent.reason else ""
            again = " again" if self._interrupts else " twice"
            asked = f"{self.requested} requested by {intent.actor}{why}"
            self._tell(f"{asked}: stopping after the items in work; Ctrl-C{again} stops at once")

    def _record_interrupt(self) -> None:
        try:
            with self._database.write() as conn:
                job = jobs.request(
                    conn,
                    self._lease.job_id,
                    Request.PAUSE,
                    actor=self._actor,
                    at=self._clock(),
                    reason=self._interrupted,
                )
            self._see(job)
        except IllegalTransition:  # it just ended: nothing is left to pause
            self.requested = Request.PAUSE

    def abortable(self, results: Iterable[T]) -> Generator[T]:
        """Yield from ``results``; a second Ctrl-C ends the wait for the next, and only the wait.

        What is done with a result, above all committing it, is never cut in half.
        """
        pending = iter(results)
        while True:
            self._waiting = True
            try:
                if self._interrupts > 1:
                    raise Aborted
                result = next(pending)
            except StopIteration:
                return
            finally:
                self._waiting = False
            yield result

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take Ctrl-C and SIGTERM as a request to pause within this block; a second one aborts."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[signal.Signals, Any] = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._interrupts += 1
        self._interrupted = "Ctrl-C" if number == signal.SIGINT else "SIGTERM"
        if self._interrupts > 1 and self._waiting:
            raise Aborted
