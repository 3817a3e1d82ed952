"""What the work on an item takes, measured where it is done: processors, and the time of stages."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from pipewarden.errors import UsageError

#: The whole of an item's work, which has a time of its own beside the stages that are told.
WORK = "work"
#: How many different stages a process may tell.
STAGES_MAX = 32

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_taken: ContextVar[dict[str, float] | None] = ContextVar("stages", default=None)
_names: set[str] = set()


def cpu_seconds() -> float:
    """Return the CPU seconds used so far by this process and by its children that have ended.

    All threads count, and those of libraries. A child counts once it was waited for, with all that
    it waited for itself (getrusage(2)); the difference of two calls is what was used between them.
    """
    if sys.platform == "win32":
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system
    import resource

    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class _Stage:
    """Adds the time of a block to its stage."""

    __slots__ = ("_began", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._began
        taken = _taken.get()
        if taken is not None:
            taken[self._name] = taken.get(self._name, 0.0) + seconds


def stage(name: str) -> AbstractContextManager[None]:
    """Let the time of a ``with`` block count as a stage of the item that is being processed here.

    Metrics, ``jobs status`` and the report of a run then say where the time of its items goes. The
    times of a stage that comes again are added up; a stage inside of another counts in both; what
    failed counts until then. Outside of a run, and in threads that a pipeline starts, nothing is
    counted.

    Parameters
    ----------
    name
        Lower-case letters, digits and ``_``, such as ``parse``; it is a name of the code, never of
        the data.

    Raises
    ------
    UsageError
        The name is of another form, is ``work`` (the whole), or there are too many.
    """
    if name not in _names:
        _learn(name)
    return _Stage(name)


def _learn(name: str) -> None:
    if name == WORK or not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:60]!r} cannot name a stage",
            next_step="use up to 40 lower-case letters, digits and '_', and not 'work': that is "
            "the whole",
        )
    if len(_names) >= STAGES_MAX:
        raise UsageError(
            f"there are more than {STAGES_MAX} different stages",
            next_step="name stages after steps of the code, not after what is in the data",
        )
    _names.add(name)


@contextmanager
def measuring(taken: dict[str, float]) -> Iterator[None]:
    """Let the stages within the block put their seconds here, by name."""
    token = _taken.set(taken)
    try:
        yield
    finally:
        _taken.reset(token)
