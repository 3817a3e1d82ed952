"""Results in the order in which their tasks were handed out."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator

from pipewarden.engine.task import Task, Worked

#: How many tasks may be handed out ahead of the oldest that is not answered: so many results wait
#: in memory at most while one item takes long.
LEAD = 512


class Order:
    """Remembers the order of tasks, and gives results back in it."""

    def __init__(self) -> None:
        self._keys: deque[str] = deque()
        self._early: dict[str, Worked] = {}

    def of(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Yield the tasks, remembering their order."""
        for task in tasks:
            self._keys.append(task.key)
            yield task

    def restored(self, results: Iterable[Worked | None]) -> Generator[Worked | None]:
        """Yield the results in the order of their tasks, and None at each tick."""
        for worked in results:
            if worked is None:
                yield None
                continue
            self._early[worked.key] = worked
            while self._keys and self._keys[0] in self._early:
                yield self._early.pop(self._keys.popleft())
