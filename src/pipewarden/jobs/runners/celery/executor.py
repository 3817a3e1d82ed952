"""The Celery executor: tasks go to workers in chunks, results come back, the runner commits.

A broker is not trusted to remember anything. The runner knows what it has sent and what was
answered; it sends again what a dead worker or a restarted broker lost, and takes each item's
first answer only. Workers write nothing but documents under temporary names.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

from pipewarden.engine.task import Task, Worked
from pipewarden.errors import StorageUnavailable
from pipewarden.jobs.runners import outages
from pipewarden.jobs.runners.celery.broker import Line, Unreachable
from pipewarden.jobs.runners.celery.messages import (
    Answer,
    Brief,
    Chunk,
    Sent,
    Sign,
    decode_answer,
    encode_chunk,
)
from pipewarden.jobs.runners.celery.outstanding import Outstanding
from pipewarden.jobs.workspace import utc_now
from pipewarden.settings import CelerySettings

#: Seconds between two ticks, at which the runner looks for requests and sends its heartbeat.
_TICK = 0.2

_log = logging.getLogger(__name__)


class CeleryExecutor:
    """Sends tasks to Celery workers.

    Parameters
    ----------
    brief
        What every chunk of the job says.
    line
        The way to the broker.
    settings
        Sizes and times.
    place
        Returns where in its file a record lies; None for what is no record.
    stopping
        Whether the run was asked to stop: what no worker has begun is then not waited for.
    tell
        Told, once each, when the broker goes and comes, and when no worker answers.
    lead
        How many tasks may be handed out ahead of the oldest unanswered one; None for any number.
    broker
        What this process knows of the broker, and how soon one that is down is tried again.
    clock, sleep
        Monotonic seconds, and what waits.
    """

    def __init__(  # noqa: PLR0913 - the seams, each with one meaning
        self,
        brief: Brief,
        line: Line,
        settings: CelerySettings,
        *,
        place: Callable[[str], tuple[int, int] | None] = lambda _: None,
        stopping: Callable[[], bool] = lambda: False,
        tell: Callable[[str], None] = lambda _: None,
        lead: int | None = None,
        broker: outages.Dependency | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._brief = brief
        self._line = line
        self._settings = settings
        self._place = place
        self._stopping = stopping
        self._tell = tell
        self._lead = lead
        self._clock = clock
        self._sleep = sleep
        self._out = Outstanding(settings.silence_seconds, clock)
        self._broker = broker or outages.Dependency(utc_now, outages.BROKER)
        self._down, self._again_at = False, 0.0
        self._told_unheard = False
        self._held: Task | None = None

    @property
    def replaced(self) -> int:
        """How many workers were lost; each may have left a temporary file."""
        return self._out.workers_lost

    def results(self, tasks: Iterator[Task]) -> Generator[Worked | None]:
        """Yield what came of each task, in order of arrival, and None at each tick.

        Raises
        ------
        PipewardenError
            A worker cannot work for this job: its code, settings, folders or database are others.
        """
        exhausted = False
        try:
            while True:
                if self._stopping():
                    self._out.withdraw()
                exhausted = exhausted or self._fill(tasks)
                yield from self._exchange()
                if exhausted and not len(self._out):
                    return
                yield None
        finally:
            self.stop()

    def processes(self) -> list[int]:
        """Return the ids of the processes that work on this machine: not known here."""
        return []

    def stop(self) -> None:
        """Hang up; what workers still have is of no use to anybody, and they will find out."""
        self._line.close(delete=True)

    # ── chunks ───────────────────────────────────────────────────────────────────────────────

    def _fill(self, tasks: Iterator[Task]) -> bool:
        """Take tasks until enough chunks are on their way; return whether none is left."""
        while len(self._out) < self._settings.chunks_ahead:
            room = self._settings.chunk_items
            if self._lead is not None:
                room = min(room, self._lead - self._out.spread)
            if room < 1:
                return False
            chunk = self._chunk(tasks, room)
            if not chunk:
                return True
            self._out.add(chunk)
        return False

    def _chunk(self, tasks: Iterator[Task], room: int) -> tuple[Sent, ...]:
        chunk: list[Sent] = []
        weight = 0
        while len(chunk) < room:
            task, self._held = self._held or next(tasks, None), None
            if task is None:
                break
            sent = self._sent(task)
            weight += len(sent.task.record or b"")
            if chunk and weight > self._settings.message_bytes:
                self._held = task
                break
            chunk.append(sent)
        return tuple(chunk)

    def _sent(self, task: Task) -> Sent:
        """Return a task as it travels: without the bytes that its worker can read itself."""
        place = None if task.record is None or task.problem else self._place(task.key)
        if place is None or task.record is None:
            return Sent(task)
        if self._settings.records_in_messages and len(task.record) <= self._settings.message_bytes:
            return Sent(task)
        return Sent(replace(task, record=None), place)

    # ── the broker ───────────────────────────────────────────────────────────────────────────

    def _exchange(self) -> Iterator[Worked]:
        """Send what waits, and yield what has come."""
        try:
            if not self._line.up and not self._reconnected():
                return
            while (upcoming := self._out.upcoming()) is not None:
                number, tasks = upcoming
                chunk = Chunk(number, self._brief, tasks, self._out.repeated(tasks))
                self._line.send(encode_chunk(chunk))
                self._out.sent()
            received = self._line.receive(_TICK)
        except Unreachable as error:
            self._broke(error)
            return
        for text in received:
            yield from self._understood(decode_answer(text))
        yield from self._out.overdue()
        self._tell_if_unheard()

    def _reconnected(self) -> bool:
        if self._clock() < self._again_at:
            self._sleep(min(_TICK, self._again_at - self._clock()))
            return False
        self._line.connect()
        seconds = self._broker.answered()
        if self._down:
            self._tell(f"the broker answers again after {seconds or 0.0:.0f} s")
            self._down = False
        self._out.outage_over()
        return True

    def _broke(self, error: Unreachable) -> None:
        if not self._down:
            self._down = True
            self._tell(f"the broker does not answer, waiting for it; nothing is lost: {error}")
        self._again_at = self._clock() + self._broker.failed()

    def _tell_if_unheard(self) -> None:
        if self._out.unheard and not self._told_unheard:
            self._tell(
                f"no worker has given a sign for {self._settings.silence_seconds:g} s; start one "
                f"with 'pipewarden worker --pipelines {self._brief.pipeline}'"
            )
        self._told_unheard = self._out.unheard

    # ── answers ──────────────────────────────────────────────────────────────────────────────

    def _understood(self, answer: Answer) -> Iterator[Worked]:
        if answer.error is not None:
            raise answer.error
        if answer.sign is Sign.RETURNED:
            _log.info("%s gives chunk %s back", answer.worker, answer.number)
            self._out.returned(answer.number, answer.worker)
            return
        self._out.taken(answer.number, answer.worker)
        for worked in answer.results:
            spooled = (answer.spooled or {}).get(worked.key)
            if self._out.answered(worked.key):
                yield _here(worked, spooled, answer.worker)
            else:
                _discard(worked, spooled)


def _here(worked: Worked, spooled: str | None, worker: str) -> Worked:
    """Return a result whose document this machine can see.

    Raises
    ------
    StorageUnavailable
        The worker's output folder is not the runner's.
    """
    if spooled is not None:
        path = Path(spooled)
        try:
            line = path.read_bytes()
        except OSError as error:
            raise _elsewhere(spooled, worker) from error
        path.unlink()
        return replace(worked, line=line)
    if worked.staged is not None and not worked.staged.exists():
        raise _elsewhere(str(worked.staged), worker)
    return worked


def _elsewhere(path: str, worker: str) -> StorageUnavailable:
    return StorageUnavailable(
        f"worker {worker} wrote {path}, which is not there",
        left_behind="what was committed before is intact",
        next_step="put the output folder on storage that every worker mounts under the same path",
    )


def _discard(worked: Worked, spooled: str | None) -> None:
    """Remove what the second answer to an item has staged."""
    for path in (worked.staged, Path(spooled) if spooled else None):
        if path is not None:
            path.unlink(missing_ok=True)
