"""The inline executor: items are worked on in this process, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from pipewarden.engine.executors.child import set_up
from pipewarden.engine.task import Task, Worked
from pipewarden.engine.worker import Workshop


class InlineExecutor:
    """Works in the runner's own process: no start-up cost, and no way to kill an item that hangs.

    A pipeline's ``timeout`` and ``memory_limit`` are not enforced here, and an item that ends the
    process ends the run (which resumes); use `ProcessExecutor` for functions you do not trust.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        #: No worker is ever replaced here.
        self.replaced = 0

    def results(self, tasks: Iterator[Task]) -> Generator[Worked | None]:
        """Yield what came of each task, in order."""
        ready = False
        for task in tasks:
            if not ready:
                set_up(self._workshop)
                ready = True
            yield self._workshop.work(task)

    def processes(self) -> list[int]:
        """Return the ids of the processes that work beside this one: none."""
        return []

    def stop(self) -> None:
        """Nothing to stop: no item is in flight between two results."""
