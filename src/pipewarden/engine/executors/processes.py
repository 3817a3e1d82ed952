"""The processes executor: a pool whose workers can be killed, and whose death costs one item.

Each worker has its own pipe and no lock is shared, so a worker that is killed at any instant cannot
leave the others waiting. The parent knows which item each worker holds: tasks are answered in the
order in which they were handed over, so the first unanswered one is the one being worked on.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pickle import PicklingError
from typing import Any

from pipewarden.engine.executors.child import serve, start_context
from pipewarden.engine.task import Task, Worked
from pipewarden.engine.worker import Workshop, lost
from pipewarden.errors import InvalidSettings, PipewardenError

#: Tasks handed to a worker at a time: one in work, one waiting, so that it never idles while the
#: runner commits.
_HANDED = 2
#: How often a task may lose its worker before it is given up.
_LOSSES = 2
#: Seconds between two ticks, at which the runner looks for requests and sends its heartbeat.
_TICK = 0.2


@dataclass(slots=True)
class _Slot:
    """One worker process, and the tasks it was handed, oldest first."""

    process: Any
    pipe: Connection
    tasks: deque[Task] = field(default_factory=deque)
    started: float = 0.0
    ready: bool = False


class ProcessExecutor:
    """A pool of worker processes, each loaded once.

    Parameters
    ----------
    workshop
        What each worker does.
    workers
        How many processes.
    lead
        How many tasks may be handed out ahead of the oldest unanswered one; None for any number.
    clock
        Monotonic seconds.
    allowed
        Says how many of the workers may be busy now; None for all. The others finish what they
        were handed and end, which gives their memory back.
    begin
        Called first in each process. It may be started afresh, and must then find this by name.
    """

    def __init__(
        self,
        workshop: Workshop,
        workers: int,
        lead: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        allowed: Callable[[], int] | None = None,
        *,
        begin: Callable[[], None] | None = None,
    ) -> None:
        self._workshop = workshop
        self._begin = begin
        self._workers = workers
        self._allowed = allowed
        self._lead = lead
        self._clock = clock
        self._handed = 0
        self._unanswered: dict[str, int] = {}
        self._context = start_context(workshop)
        self._slots: list[_Slot] = []
        self._retry: deque[Task] = deque()
        self._losses: dict[str, int] = {}
        #: How many workers had to be replaced; each may have left a temporary file.
        self.replaced = 0

    def results(self, tasks: Iterator[Task]) -> Generator[Worked | None]:
        """Yield what came of each task, in order of completion, and None at each tick.

        At most ``2 x workers`` tasks are taken from ``tasks`` ahead of their results.

        Raises
        ------
        PipewardenError
            A worker could not be set up, or could not write to the disk.
        """
        try:
            exhausted = self._hand_out(tasks)
            while self._retry or not exhausted or any(slot.tasks for slot in self._slots):
                for worked in self._collect():
                    self._unanswered.pop(worked.key, None)
                    yield worked
                exhausted = self._hand_out(tasks)
                yield None
        finally:
            self.stop()

    # ── handing out ──────────────────────────────────────────────────────────────────────────

    def _hand_out(self, tasks: Iterator[Task]) -> bool:
        """Fill every worker; return whether ``tasks`` is exhausted.

        An idle worker first gets a task that lost its worker before. Too far ahead of such a task
        nothing new is handed out, until a worker is idle and takes it.
        """
        workers = self._busy_workers()
        for handed in range(_HANDED):
            for index in range(workers):
                if len(self._slots) > index and len(self._slots[index].tasks) > handed:
                    continue
                if self._retry and handed == 0:
                    task: Task | None = self._retry.popleft()
                elif self._too_far_ahead():
                    return False
                else:
                    task = next(tasks, None)
                if task is None:
                    return not self._retry
                self._hand(self._slot(index), task)
        return False

    def _busy_workers(self) -> int:
        """Return how many workers may be handed tasks; of the others, end those that are idle."""
        if self._allowed is None:
            return self._workers
        workers = max(1, min(self._workers, self._allowed()))
        for slot in self._slots[workers:]:
            if not slot.tasks:
                self._end(slot)
                self._slots.remove(slot)
        return workers

    def _too_far_ahead(self) -> bool:
        if self._lead is None or not self._unanswered:
            return False
        return self._handed - min(self._unanswered.values()) >= self._lead

    def _slot(self, index: int) -> _Slot:
        while len(self._slots) <= index:
            self._slots.append(self._start())
        return self._slots[index]

    def _start(self) -> _Slot:
        ours, theirs = self._context.Pipe()
        inherited = [slot.pipe for slot in self._slots] + [ours]
        process = self._context.Process(
            target=serve, args=(self._workshop, theirs, inherited, self._begin), daemon=True
        )
        try:
            process.start()
        except (PicklingError, AttributeError, TypeError) as error:
            ours.close()
            raise InvalidSettings(
                f"pipeline {self._workshop.pipeline.name!r} cannot be sent to a worker: {error}",
                left_behind="no item was worked on",
                next_step="define its functions at the top of a module, not inside another "
                "function; or use the executor 'inline'",
            ) from error
        finally:
            theirs.close()
        return _Slot(process, ours)

    def _hand(self, slot: _Slot, task: Task) -> None:
        if not slot.tasks:
            slot.started = self._clock()
        slot.tasks.append(task)
        self._handed += 1
        self._unanswered.setdefault(task.key, self._handed)
        try:
            slot.pipe.send(task)
        except (BrokenPipeError, ConnectionResetError):
            return  # its end is noticed, and its tasks taken back, when results are collected

    # ── collecting ───────────────────────────────────────────────────────────────────────────

    def _collect(self) -> Iterator[Worked]:
        pipes = {slot.pipe: slot for slot in self._slots}
        for pipe in wait(list(pipes), timeout=self._patience()):
            slot = pipes[pipe]  # type: ignore[index]
            try:
                answer = slot.pipe.recv()
            except (EOFError, ConnectionResetError, OSError):
                yield from self._worker_lost(slot)
                continue
            if answer is None:  # its set-up is done: only now does the first item's time begin
                slot.started, slot.ready = self._clock(), True
            elif isinstance(answer, PipewardenError):
                raise answer
            else:
                slot.tasks.popleft()
                slot.started = self._clock()
                if answer.reason == "memory":  # what it took may not have been given back
                    self._replace(slot)
                yield answer
        yield from self._overdue()

    def _patience(self) -> float:
        timeout = self._workshop.pipeline.timeout
        if timeout is None:
            return _TICK
        now = self._clock()
        left = [slot.started + timeout - now for slot in self._slots if slot.tasks and slot.ready]
        return max(0.0, min([_TICK, *left]))

    def _overdue(self) -> Iterator[Worked]:
        timeout = self._workshop.pipeline.timeout
        if timeout is None:
            return
        now = self._clock()
        for slot in list(self._slots):
            if slot.ready and slot.tasks and now - slot.started >= timeout and not slot.pipe.poll():
                task = slot.tasks.popleft()
                self._replace(slot)
                message = f"it took longer than {timeout:g} s and its worker was killed"
                yield lost(task, "timeout", message, now - slot.started)

    def _worker_lost(self, slot: _Slot) -> Iterator[Worked]:
        slot.process.join(5.0)
        code = slot.process.exitcode
        task = slot.tasks.popleft() if slot.tasks else None
        setup_failed = not slot.ready
        self._replace(slot)
        if task is None:
            return
        self._losses[task.key] = self._losses.get(task.key, 0) + 1
        if self._losses[task.key] < _LOSSES:
            self._retry.append(task)
            return
        del self._losses[task.key]
        what = f"killed by signal {-code}" if code and code < 0 else f"ended with exit code {code}"
        when = "while it was being set up" if setup_failed else "while working on it"
        message = f"{_LOSSES} workers were lost {when}; the last was {what}"
        if self._workshop.pipeline.memory_limit is not None and code and code < 0:
            limit = self._workshop.pipeline.memory_limit
            message += f" (code in C may die so at the memory ceiling of {limit} bytes)"
        yield lost(task, "worker_lost", message, self._clock() - slot.started)

    def _replace(self, slot: _Slot) -> None:
        """Put a fresh worker in the slot's place; tasks it had not begun are handed out again."""
        self.replaced += 1
        self._retry.extend(slot.tasks)
        self._end(slot)
        self._slots.remove(slot)

    @staticmethod
    def _end(slot: _Slot) -> None:
        slot.pipe.close()
        if slot.process.is_alive():
            slot.process.kill()
        slot.process.join()
        slot.process.close()

    def processes(self) -> list[int]:
        """Return the ids of the processes that work beside this one."""
        return [slot.process.pid for slot in self._slots]

    def stop(self) -> None:
        """Kill every worker; what they held is not done."""
        for slot in self._slots:
            self._end(slot)
        self._slots.clear()
