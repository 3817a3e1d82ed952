"""The document processes: work is handed out, bounded in time, and done again when one is lost.

Each process has one document in work and one waiting, so that it never idles while the event loop
passes an answer on. A document whose time is over costs its process; what waited there goes to
another. When nobody asks for a while, the processes rest: they end, and the next request starts
them again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pipewarden.app.api.work import process
from pipewarden.app.api.work.frames import frame, receive
from pipewarden.settings import Settings

log = logging.getLogger(__name__)

#: Documents handed to a process at a time.
_HANDED = 2
#: How often a document may lose its process before it is given up.
_LOSSES = 2
#: The longest wait, in seconds, before a process that does not start is started again.
_LONGEST_WAIT = 30.0


class Crowded(Exception):
    """More documents wait than the service lets wait."""


class Overdue(Exception):
    """A document's time was over."""


class Lost(Exception):
    """A document lost its process more than once."""


Answer = tuple[dict[str, Any], bytes]


@dataclass(slots=True, eq=False)
class _Ask:
    message: bytes
    answer: asyncio.Future[Answer]
    losses: int = 0


@dataclass(slots=True, eq=False)
class _Worker:
    process: asyncio.subprocess.Process
    loaded: dict[str, str] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    answered_at: float = 0.0
    asks: deque[_Ask] = field(default_factory=deque)
    resting: bool = False


class Pool:
    """Document processes, kept alive.

    Parameters
    ----------
    settings
        The service's; ``service.workers`` is how many processes there are.
    offered
        Name → reference of the pipelines.
    """

    def __init__(self, settings: Settings, offered: Mapping[str, str]) -> None:
        self._settings = settings
        self._offered = offered
        self._workers: list[_Worker] = []
        self._waiting: deque[_Ask] = deque()
        self._keepers: list[asyncio.Task[None]] = []
        self._wanted = asyncio.Event()
        self._used_at = 0.0
        #: How many processes were lost or killed since the start.
        self.lost = 0

    @property
    def waiting(self) -> int:
        """How many documents wait for a process."""
        return len(self._waiting)

    @property
    def ready(self) -> int:
        """How many processes are loaded and live."""
        return sum(worker.loaded is not None for worker in self._workers)

    @property
    def idle(self) -> bool:
        """Whether a process has nothing to do."""
        return any(w.loaded is not None and not w.asks for w in self._workers)

    @property
    def silence(self) -> float:
        """Seconds since a process answered last, or was loaded."""
        answered = [w.answered_at for w in self._workers if w.loaded is not None]
        return time.monotonic() - max(answered) if answered else float("inf")

    @property
    def resting(self) -> bool:
        """Whether no process is kept, because nobody asked for a while."""
        return bool(self._keepers) and not self._wanted.is_set()

    def loaded(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Return of each pipeline what is wrong with it or nothing, and what it says it runs on."""
        for worker in self._workers:
            if worker.loaded is not None:
                return worker.loaded, worker.facts
        return {}, {}

    async def start(self) -> None:
        """Begin to keep the processes; they load in their own time."""
        self._wanted.set()
        for number in range(self._settings.service.workers):
            self._keepers.append(asyncio.create_task(self._keep(), name=f"documents-{number}"))
        if self._settings.service.idle_seconds:
            self._keepers.append(asyncio.create_task(self._rest(), name="documents-rest"))

    async def stop(self) -> None:
        """Kill the processes; what they had is not answered."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers.clear()
        while self._waiting:
            self._waiting.popleft().answer.cancel()

    async def ask(
        self, header: Mapping[str, Any], payload: bytes = b"", seconds: float | None = None
    ) -> Answer:
        """Return the answer to a message, within so many seconds, waiting included.

        Raises
        ------
        Crowded, Overdue, Lost
            See there.
        """
        if len(self._waiting) >= self._settings.service.waiting_documents:
            raise Crowded
        if header.get("kind") != "ping":  # a question of health is no request
            self._used_at = time.monotonic()
            self._wanted.set()
        ask = _Ask(frame(header, payload), asyncio.get_running_loop().create_future())
        self._waiting.append(ask)
        self._hand_out()
        try:
            limit = self._settings.service.request_seconds if seconds is None else seconds
            return await asyncio.wait_for(asyncio.shield(ask.answer), limit)
        except TimeoutError:
            self._withdraw(ask)
            raise Overdue from None
        except asyncio.CancelledError:
            self._withdraw(ask)
            raise

    def _withdraw(self, ask: _Ask) -> None:
        """Give a document up; where it is in work, its process goes with it."""
        ask.answer.cancel()
        with suppress(ValueError):
            self._waiting.remove(ask)
        for worker in self._workers:
            if worker.asks and worker.asks[0] is ask:
                _kill(worker)

    def _hand_out(self) -> None:
        for handed in range(_HANDED):
            for worker in self._workers:
                if worker.loaded is None or len(worker.asks) > handed:
                    continue
                ask = self._next()
                if ask is None:
                    return
                worker.asks.append(ask)
                assert worker.process.stdin is not None
                worker.process.stdin.write(ask.message)

    def _next(self) -> _Ask | None:
        while self._waiting:
            ask = self._waiting.popleft()
            if not ask.answer.done():
                return ask
        return None

    # ── one process ──────────────────────────────────────────────────────────────────────────

    async def _keep(self) -> None:
        """Keep one process alive: a lost one is replaced, one that never starts ever later."""
        failures = 0
        while True:
            await self._wanted.wait()
            worker = await self._begun()
            try:
                await self._serve(worker)
            except (EOFError, ConnectionError):
                if worker.resting:
                    continue
                failures = failures + 1 if worker.loaded is None else 0
                self.lost += 1
                log.warning("document process lost", extra={"exit_code": worker.process.returncode})
            finally:
                self._workers.remove(worker)
                _kill(worker)
                await worker.process.wait()
                self._take_back(worker)
            if failures:
                await asyncio.sleep(min(_LONGEST_WAIT, 2.0 ** (failures - 1)))

    async def _rest(self) -> None:
        """End all processes each time that nobody has asked for ``service.idle_seconds``."""
        while True:
            await self._wanted.wait()
            busy = self._waiting or any(w.asks or w.loaded is None for w in self._workers)
            if busy or not self._workers:
                self._used_at = time.monotonic()
            left = self._used_at + self._settings.service.idle_seconds - time.monotonic()
            if left > 0:
                await asyncio.sleep(left)
                continue
            log.info("document processes rest", extra={"processes": len(self._workers)})
            self._wanted.clear()
            for worker in self._workers:
                worker.resting = True
                _kill(worker)

    async def _begun(self) -> _Worker:
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            process.__name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, ["", *sys.path]))},
        )
        worker = _Worker(started)
        self._workers.append(worker)
        asked = {
            "service_pid": os.getpid(),
            "settings": self._settings.model_dump(mode="json"),
            "offered": self._offered,
        }
        assert started.stdin is not None
        started.stdin.write(frame(asked))
        return worker

    async def _serve(self, worker: _Worker) -> None:
        """Pass answers on until the process ends, in the order in which it was asked."""
        assert worker.process.stdout is not None
        hello, _ = await receive(worker.process.stdout)
        worker.loaded, worker.facts = hello["loaded"], hello["facts"]
        worker.answered_at = time.monotonic()
        self._hand_out()
        while True:
            header, payload = await receive(worker.process.stdout)
            worker.answered_at = time.monotonic()
            ask = worker.asks.popleft()
            if not ask.answer.done():
                ask.answer.set_result((header, payload))
            self._hand_out()

    def _take_back(self, worker: _Worker) -> None:
        """Let other processes do what a lost one had; the document it died on only once more."""
        if worker.asks:
            worker.asks[0].losses += 1
            if worker.asks[0].losses >= _LOSSES:
                given_up = worker.asks.popleft()
                if not given_up.answer.done():
                    given_up.answer.set_exception(Lost())
        self._waiting.extendleft(reversed(worker.asks))
        worker.asks.clear()
        self._hand_out()


def _kill(worker: _Worker) -> None:
    with suppress(ProcessLookupError):
        worker.process.kill()
