"""A worker's way to a job's runner: results in small groups, and a sign of life between them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipewarden.engine.task import Worked
from pipewarden.errors import PipewardenError
from pipewarden.jobs.runners.celery.application import answer_queue
from pipewarden.jobs.runners.celery.messages import Answer, Chunk, Sign, encode_answer
from pipewarden.store.files import durable

#: Seconds that a result may wait for others, so that quick items share a message.
_GATHER = 0.05
#: Signs of life within the silence after which a worker counts as lost.
_BEATS = 5
#: Spans of that silence for which a worker tries to reach a broker that is down.
_TRIES = 4

_log = logging.getLogger(__name__)


class Channel:
    """One process's connection for answers, kept between chunks and made anew when it broke."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._connection: Any = None
        self._producer: Any = None

    def publish(self, queue: str, text: str) -> bool:
        """Put a text into a queue; return whether the broker has it."""
        try:
            if self._connection is None:
                self._connection = self._app.connection_for_write(heartbeat=0)
                self._producer = self._connection.Producer(auto_declare=False)
            self._producer.publish(
                text,
                exchange="",
                routing_key=queue,
                declare=[answer_queue(queue)],
                serializer="json",
                delivery_mode="transient",
                retry=False,
            )
        except Exception as error:  # noqa: BLE001 - each transport has errors of its own
            _log.warning("the broker does not take answers: %s", type(error).__name__)
            self.close()
            return False
        return True

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # closing what is broken may raise anything
                connection.close()


class Answers:
    """What one chunk's worker tells its runner.

    Parameters
    ----------
    publish
        Puts a text into a queue, and says whether it got there.
    chunk
        What is answered.
    worker
        ``host:pid`` of this process.
    clock, sleep
        Monotonic seconds, and what waits.
    """

    def __init__(
        self,
        publish: Callable[[str, str], bool],
        chunk: Chunk,
        worker: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._publish = publish
        self._chunk = chunk
        self._worker = worker
        self._silence = chunk.brief.silence
        self._clock = clock
        self._sleep = sleep
        self._results: list[Worked] = []
        self._spooled: dict[str, str] = {}
        self._weight = 0
        self._first = self._signed = clock()

    def tell(self, sign: Sign, error: PipewardenError | None = None) -> bool:
        """Tell the runner something besides results."""
        answer = Answer(sign=sign, number=self._chunk.number, worker=self._worker, error=error)
        return self._send(answer)

    def add(self, worked: Worked) -> None:
        """Take a result, to be told soon.

        Raises
        ------
        StorageUnavailable
            A line that is too long for a message could not be written to the output folder.
        """
        line, limit = worked.line, self._chunk.brief.line_bytes
        if line is not None and len(line) > limit:
            folder = Path(self._chunk.brief.output_dir)
            durable.make_folder(folder)
            self._spooled[worked.key] = str(durable.stage(folder, line))
            worked = replace(worked, line=None)
        elif line is not None:
            if self._weight + len(line) > limit:
                self.flush()
            self._weight += len(line)
        if not self._results:
            self._first = self._clock()
        self._results.append(worked)

    def tick(self) -> None:
        """Tell what has waited long enough, or that the worker lives."""
        now = self._clock()
        if self._results and now - self._first >= _GATHER:
            self.flush()
        elif now - self._signed >= self._silence / _BEATS:
            self.tell(Sign.ALIVE)

    def flush(self) -> bool:
        """Tell all results; return whether the broker has them."""
        if not self._results:
            return True
        answer = Answer(
            sign=Sign.WORKED,
            number=self._chunk.number,
            worker=self._worker,
            results=tuple(self._results),
            spooled=self._spooled,
        )
        if not self._send(answer):
            return False
        self._results, self._spooled, self._weight = [], {}, 0
        return True

    def finish(self) -> bool:
        """Tell what is left, waiting for a broker that is down as long as it is of use."""
        until = self._clock() + self._silence * _TRIES
        while not self.flush():
            if self._clock() >= until:
                _log.warning("%s answers were not delivered", len(self._results))
                return False
            self._sleep(min(1.0, self._silence / _BEATS))
        return True

    def _send(self, answer: Answer) -> bool:
        self._signed = self._clock()
        return self._publish(self._chunk.brief.answers, encode_answer(answer))
