"""The guard at work: looks at the machine now and then, and says how many workers may be busy."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipewarden.engine.guard.rule import Limits, Reading, Watch, decide, told

#: Seconds between two looks.
_LOOK = 1.0


class Guard:
    """How many workers of a run may be busy.

    Parameters
    ----------
    most
        How many it was given.
    limits
        When something is done.
    read
        Says how busy the machine is.
    tell
        Is told of each change, once.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        most: int,
        limits: Limits,
        read: Callable[[], Reading],
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._limits = limits
        self._read = read
        self._tell = tell
        self._clock = clock
        self._watch = Watch(workers=most)
        self._looked: float | None = None

    def __call__(self) -> int:
        """Return how many may be busy now."""
        now = self._clock()
        if self._looked is None or now - self._looked >= _LOOK:
            self._looked = now
            reading, before = self._read(), self._watch
            self._watch = decide(before, reading, now, self._limits, self._most)
            for sentence in told(before, self._watch, reading, self._most):
                self._tell(sentence)
        return self._watch.workers
