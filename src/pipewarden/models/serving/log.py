"""The log of predictions: written behind the answers, in batches, by one thread.

A prediction waits in memory for some hundredths of a second, then it is in the database; where that
does not answer, it is in a file until it does. Memory is bounded: what finds no room there is
written to the file before it is answered. A clean end leaves nothing in memory. What kills the
process at once costs at most what was answered as ``queued`` in that short time; who cannot bear
even that asks for an answer that is ``stored``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipewarden.errors import PipewardenError
from pipewarden.models.serving.spill import Spill
from pipewarden.store.state.models.predictions import Prediction

log = logging.getLogger(__name__)

#: Predictions in one transaction, and that wait in memory at most.
BATCH, ROOM = 250, 50_000
#: Seconds in which predictions gather before they are written.
_GATHER = 0.05
#: Seconds for which a database that failed is left alone.
_AGAIN = 5.0

Write = Callable[[Sequence[Prediction]], None]
#: A prediction that is put together only when it is written.
Later = Callable[[], Prediction]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStanding:
    """How the log is.

    Parameters
    ----------
    waiting
        Predictions in memory.
    stored, spilled
        How many of this process were written to the database at once, and to the file.
    spilled_bytes
        What lies in the file, of any process.
    lost
        How many could be written nowhere when the process ended.
    failure
        What keeps the database from taking them, while something does.
    """

    waiting: int
    stored: int
    spilled: int
    spilled_bytes: int
    lost: int
    failure: str


class PredictionLog:
    """Writes predictions behind the answers.

    Parameters
    ----------
    write
        Writes to the database; what is there already is left as it is.
    spill
        Takes what the database does not.
    monotonic
        Gives seconds.
    """

    def __init__(
        self,
        write: Write,
        spill: Spill,
        *,
        room: int = ROOM,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._spill = write, spill
        self._room, self._monotonic = room, monotonic
        self._waiting: deque[Later] = deque()
        self._changed = threading.Condition()
        self._added = self._settled = 0
        self._stored = self._spilled = self._lost = 0
        self._failure = ""
        self._retry_at = 0.0
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._work, name="predictions")
        self._thread.start()

    def add(self, rows: Sequence[Later]) -> int:
        """Leave predictions to the log; return the number to wait for.

        Raises
        ------
        StorageUnavailable
            There is no room in memory, and the disk does not take them: they must not be answered.
        """
        with self._changed:
            if len(self._waiting) < self._room and not self._closing:
                if not self._waiting:
                    self._changed.notify_all()
                self._waiting.extend(rows)
                self._added += len(rows)
                return self._added
        self._spill.append([later() for later in rows])
        with self._changed:
            self._spilled += len(rows)
            return 0

    def wait(self, number: int, seconds: float) -> bool:
        """Wait until all up to a number are in the database or on disk; say whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: self._settled >= number, seconds)

    def close(self) -> int:
        """Write all that waits, and end; return how many predictions could be written nowhere."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._lost:
            log.error("predictions are lost", extra={"number": self._lost})
        return self._lost

    def standing(self) -> LogStanding:
        """Return how the log is."""
        with self._changed:
            return LogStanding(
                waiting=len(self._waiting),
                stored=self._stored,
                spilled=self._spilled,
                spilled_bytes=self._spill.bytes,
                lost=self._lost,
                failure=self._failure,
            )

    def _work(self) -> None:
        while True:
            batch = self._gathered()
            if batch:
                self._settle(batch)
            elif self._closing:
                return
            if self._monotonic() >= self._retry_at:
                self._catch_up()

    def _gathered(self) -> list[Prediction]:
        """Return the next batch, after a while in which more may come; it still counts as held."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing, _AGAIN)
            self._changed.wait_for(lambda: len(self._waiting) >= BATCH or self._closing, _GATHER)
            some = [self._waiting[n] for n in range(min(BATCH, len(self._waiting)))]
        return [later() for later in some]

    def _settle(self, batch: list[Prediction]) -> None:
        stored = self._monotonic() >= self._retry_at and self._offered(batch)
        if not stored and not self._kept(batch):
            return
        with self._changed:
            for _ in batch:
                self._waiting.popleft()
            self._settled += len(batch)
            self._changed.notify_all()

    def _offered(self, batch: list[Prediction]) -> bool:
        """Write to the database; say whether it took them."""
        try:
            self._write(batch)
        except Exception as error:  # noqa: BLE001 - told in the standing, and tried again
            self._failed(error)
            return False
        self._stored += len(batch)
        self._failure = ""
        return True

    def _kept(self, batch: list[Prediction]) -> bool:
        """Write to disk; say whether that is settled: at the end nothing waits any longer."""
        try:
            self._spill.append(batch)
        except Exception as error:  # noqa: BLE001 - told in the standing, and tried again
            self._failed(error)
            if self._closing:
                self._lost += len(batch)
                return True
            time.sleep(_GATHER)
            return False
        self._spilled += len(batch)
        return True

    def _catch_up(self) -> None:
        """Bring to the database what lies on disk."""
        try:
            if number := self._spill.replay(self._write):
                log.info("spilled predictions are stored", extra={"number": number})
            self._failure = ""
        except Exception as error:  # noqa: BLE001 - told in the standing, and tried again
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        words = error.message if isinstance(error, PipewardenError) else repr(error)
        if words != self._failure:
            log.error("predictions cannot be stored now", exc_info=error)
        self._failure = words
        self._retry_at = self._monotonic() + _AGAIN
