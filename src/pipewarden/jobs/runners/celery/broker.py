"""A runner's own line to the broker: send chunks, read answers, and know when it is down."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pipewarden.jobs.runners.celery.application import TASK, answer_queue
from pipewarden.settings import redact_text

#: Answers taken from the broker before the runner deals with them.
_AT_ONCE = 64
#: Seconds for which Redis may hold a request for answers, and so for which hanging up may take.
_POLL = 0.2


class Unreachable(Exception):
    """The broker does not answer."""


class Line:
    """One connection, made when it is needed and made anew when it broke.

    Parameters
    ----------
    app
        The Celery application.
    queue, answers
        The names of the queue that chunks go to, and of the one that answers come to.
    """

    def __init__(self, app: Any, queue: str, answers: str) -> None:
        self._app = app
        self._queue = queue
        self._answers = answer_queue(answers)
        self._connection: Any = None
        self._producer: Any = None
        self._consumer: Any = None
        self._received: deque[str] = deque()

    @property
    def up(self) -> bool:
        """Whether there is a connection that was not seen to break."""
        return self._connection is not None

    def connect(self) -> None:
        """Connect, and make the queue of answers should it be gone.

        Raises
        ------
        Unreachable
            The broker does not answer.
        """
        connection = self._app.connection_for_write(
            heartbeat=0, transport_options={"polling_interval": _POLL}
        )
        try:
            connection.connect()
            self._producer = connection.Producer(auto_declare=False)
            self._consumer = connection.Consumer(
                [self._answers], no_ack=True, callbacks=[self._take], accept=["json"]
            )
            self._consumer.consume()
        except failures(connection) as error:
            with suppress(Exception):  # it is broken already
                connection.close()
            raise Unreachable(words(error)) from error
        self._connection = connection

    def send(self, body: str) -> None:
        """Send one chunk to the workers.

        Raises
        ------
        Unreachable
            It may not have arrived.
        """
        with self._noticing():
            self._app.send_task(
                TASK,
                args=[body],
                argsrepr="(a chunk)",  # what items hold is nothing for logs
                queue=self._queue,
                producer=self._producer,
                ignore_result=True,
                retry=False,
            )

    def receive(self, seconds: float) -> list[str]:
        """Return the answers that there are, after waiting so long for the first.

        Raises
        ------
        Unreachable
            The connection broke.
        """
        with self._noticing():
            wait = seconds
            while len(self._received) < _AT_ONCE:
                try:
                    self._connection.drain_events(timeout=wait)
                except TimeoutError:  # `socket.timeout` is this
                    break
                wait = 0.001
        taken = list(self._received)
        self._received.clear()
        return taken

    def close(self, *, delete: bool) -> None:
        """Hang up; the queue of answers goes with its last reader where that is asked."""
        if self._connection is None:
            return
        with suppress(*failures(self._connection), TimeoutError):
            self._consumer.cancel()
            if delete:
                self._connection.default_channel.queue_delete(self._answers.name)
        self._drop()

    def _take(self, body: Any, _message: Any) -> None:
        self._received.append(body)

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Turn what a broken connection raises into `Unreachable`, and drop the connection."""
        try:
            yield
        except failures(self._connection) as error:
            self._drop()
            raise Unreachable(words(error)) from error

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        with suppress(Exception):  # closing what is broken may raise anything
            connection.close()


def failures(connection: Any) -> tuple[type[BaseException], ...]:
    """Return what a connection raises when the broker fails."""
    from kombu.exceptions import OperationalError

    return (
        OperationalError,
        OSError,
        *connection.connection_errors,
        *connection.channel_errors,
    )


def words(error: BaseException) -> str:
    """Return what a broker's failure says, without secrets."""
    return redact_text(f"{type(error).__name__}: {error}".strip())[:300]
