"""What steers a run from outside: requests in the database, signals, and the runner's heartbeat."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any

from pipewarden.core.jobs import Job, Lease, Request
from pipewarden.errors import IllegalTransition
from pipewarden.store.state import jobs
from pipewarden.store.state.database import Database

#: Seconds between two looks at the job's row.
_LOOK = 0.2


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
    """

    def __init__(
        self,
        database: Database,
        lease: Lease,
        actor: str,
        lease_seconds: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._lease = lease
        self._actor = actor
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._looked = self._beaten = monotonic()
        self._interrupted = ""
        self._interrupts = 0
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
            with self._database.write() as conn:
                job: Job | None = jobs.heartbeat(
                    conn, self._lease, at=self._clock(), ttl_seconds=self._lease_seconds
                )
        else:
            with self._database.read() as conn:
                job = jobs.get(conn, self._lease.job_id)
        if job is not None:
            self._see(job)

    def _see(self, job: Job) -> None:
        if job.cancel is not None:
            self.requested = Request.CANCEL
        elif job.pause is not None:
            self.requested = Request.PAUSE

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
        if self._interrupts > 1:
            raise Aborted
