"""From the settings to the guard of a run."""

from __future__ import annotations

from collections.abc import Callable

from pipewarden.engine.guard.machine import Machine
from pipewarden.engine.guard.rule import Limits
from pipewarden.engine.guard.watching import Guard
from pipewarden.settings import Settings


def guarded(settings: Settings, workers: int, tell: Callable[[str], None]) -> Guard | None:
    """Return what says how many workers of a run may be busy; None where nothing is watched.

    Parameters
    ----------
    workers
        How many it was given.
    tell
        Is told of each change, and where nothing can be watched.
    """
    if not settings.guard.enabled:
        return None
    machine = Machine()
    if not machine.watched:
        tell("processors and memory are not watched here: only Linux says how full they are")
        return None
    limits = Limits(
        cpu=settings.guard.cpu_percent / 100,
        memory=settings.guard.memory_percent / 100,
        room=settings.guard.room_percent / 100,
    )
    return Guard(workers, limits, machine, tell)
