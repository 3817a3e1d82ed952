"""Shadows: challengers that are asked behind the answers, by one thread, with bounded effort.

A request leaves its rows here and goes on. What finds no room is not asked, and counted. The thread
rests after each work for as long as that took, so that a slow challenger takes at most half of one
core from the requests; and whatever it raises is counted and logged, and reaches nobody.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipewarden.core.models.challengers import beside
from pipewarden.core.models.comparisons import Figures
from pipewarden.models.serving import answering
from pipewarden.models.serving.answering import Answer
from pipewarden.models.serving.beside.running import Beside

log = logging.getLogger(__name__)

#: Rows that wait at most; seconds that what waits at the end may take.
ROOM, _AT_THE_END = 10_000, 5.0


@dataclass(frozen=True, slots=True)
class Question:
    """A row that the champion answered.

    Parameters
    ----------
    id
        Of the champion's answer.
    """

    row: Mapping[str, Any]
    id: str
    entity: str
    request_id: str


#: Logs the answers of a shadow: its own id, the question and the answer of each.
Log = Callable[[list[tuple[str, Question, Answer]]], None]


@dataclass(frozen=True, slots=True)
class _Work:
    held: Beside
    questions: Sequence[Question]
    log: Log


class Shadows:
    """Asks shadows, behind the answers.

    Parameters
    ----------
    room
        Rows that wait at most.
    """

    def __init__(self, *, room: int = ROOM) -> None:
        self._room = room
        self._waiting: deque[_Work] = deque()
        self._rows = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._thread = threading.Thread(target=self._work, name="shadows")
        self._thread.start()

    def offer(self, held: Beside, questions: Sequence[Question], log: Log) -> None:
        """Leave what a champion answered to its shadow; this waits for nothing."""
        number = len(questions)
        with self._changed:
            if self._rows + number <= self._room and not self._closing.is_set():
                self._rows += number
                self._waiting.append(_Work(held, questions, log))
                self._changed.notify_all()
                return
        held.count(Figures(skipped=number))

    def close(self) -> None:
        """Ask what waits, within some seconds, and end."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def settle(self) -> None:
        """Wait until nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: not self._rows)

    def _work(self) -> None:
        until: float | None = None
        while (work := self._next()) is not None:
            began = time.monotonic()
            if self._closing.is_set() and until is None:
                until = began + _AT_THE_END
            if work.held.harm or (until is not None and began > until):
                work.held.count(Figures(skipped=len(work.questions)))
            else:
                ask(work.held, work.questions, work.log)
            with self._changed:
                self._rows -= len(work.questions)
                self._changed.notify_all()
            self._closing.wait(time.monotonic() - began)

    def _next(self) -> _Work | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set())
            return self._waiting.popleft() if self._waiting else None


def ask(held: Beside, questions: Sequence[Question], logged: Log) -> None:
    """Ask a shadow, count how it did, and log its answers."""
    began = time.thread_time()
    number = len(questions)
    try:
        answers = answering.predict(held.served, [one.row for one in questions])
    except Exception:
        log.exception("a shadow failed", extra=held.named())
        held.count(Figures(asked=number, failed=number, seconds=time.thread_time() - began))
        return
    good = [
        (beside(one.id, held.challenger.id), one, answer)
        for one, answer in zip(questions, answers, strict=True)
        if answer.refusal is None
    ]
    failed = number - len(good)
    held.count(Figures(asked=number, failed=failed, seconds=time.thread_time() - began))
    try:
        logged(good)
    except Exception:
        log.exception("answers of a shadow are not logged", extra=held.named())
        held.count(Figures(skipped=len(good)))
