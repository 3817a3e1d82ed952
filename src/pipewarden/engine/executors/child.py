"""The inside of a worker process: take a task, work, answer, until the pipe closes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from pipewarden.engine.task import Worked
from pipewarden.engine.worker import Workshop
from pipewarden.errors import PipewardenError

#: Seconds between two looks at whether the parent still lives, where the kernel does not tell.
_ORPHAN_CHECK = 1.0
#: What the libraries of GNU, LLVM and Intel are called.
_OPENMP = (b"libgomp", b"libomp", b"libiomp")


def start_context(carried: object = None) -> Any:
    """Return how workers are started: by fork where that is safe, else as fresh interpreters.

    A fork keeps functions that cannot be pickled and what is already loaded; it is safe only while
    no other thread could hold a lock at that moment, and while OpenMP has none: a model that
    answered here leaves threads behind, for which its library waits in the child for ever. What
    cannot be pickled is forked then all the same, since only what uses OpenMP itself waits, and
    that for no longer than its item may take.

    Parameters
    ----------
    carried
        What every worker is given.
    """
    forks = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    alone = threading.active_count() == 1 and not (_openmp_works() and _pickles(carried))
    context: BaseContext = multiprocessing.get_context("fork" if forks and alone else "spawn")
    return context


def _pickles(carried: object) -> bool:
    try:
        pickle.dumps(carried)
    except Exception:  # noqa: BLE001 - whatever an object of a stranger raises
        return False
    return True


def _openmp_works() -> bool:
    """Say whether a library of OpenMP is loaded beside threads that Python does not know."""
    try:
        if len(list(Path("/proc/self/task").iterdir())) == 1:
            return False
        loaded = Path("/proc/self/maps").read_bytes()
    except OSError:  # the kernel does not tell
        return False
    return any(library in loaded for library in _OPENMP)


def serve(
    workshop: Workshop,
    pipe: Connection,
    inherited: Sequence[Connection],
    begin: Callable[[], None] | None = None,
) -> None:
    """Answer tasks from ``pipe`` until it closes or the parent is gone.

    ``inherited`` are the parent's ends of pipes, closed here so that a pipe closes when its last
    real user does. ``begin`` is called first, so that the process knows whom it works for.
    """
    if begin is not None:
        begin()
    die_with(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the runner's business
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in inherited:
        with suppress(OSError):
            other.close()
    parent = os.getppid()
    try:
        set_up(workshop)
        pipe.send(None)
        while True:
            if not pipe.poll(_ORPHAN_CHECK):
                if os.getppid() != parent:
                    return
                continue
            pipe.send(answer(workshop, pipe.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except PipewardenError as error:
        with suppress(OSError):
            pipe.send(error)


def set_up(workshop: Workshop) -> None:
    """Run the pipeline's set-up.

    Raises
    ------
    PipewardenError
        The set-up failed, whatever it raised: no item could be worked on.
    """
    if workshop.pipeline.setup is None:
        return
    try:
        workshop.pipeline.setup()
    except PipewardenError:
        raise
    except Exception as error:
        raise PipewardenError(
            f"the set-up of pipeline {workshop.pipeline.name!r} failed: "
            f"{type(error).__name__}: {error}",
            left_behind="no item was worked on",
        ) from error


def answer(workshop: Workshop, task: Any) -> Worked:
    """Return what came of a task, worked on under the memory ceiling of its pipeline."""
    limit = workshop.pipeline.memory_limit
    restore = _set_ceiling(limit) if limit else None
    try:
        return workshop.work(task)
    finally:
        if restore is not None:
            _restore_ceiling(restore)


def _set_ceiling(limit: int) -> tuple[int, tuple[int, int]] | None:
    """Let the process allocate ``limit`` bytes more than it holds; return what to restore.

    On Linux ``RLIMIT_DATA`` counts private writable memory, which is what a leak or a bomb takes,
    and not mapped libraries (see getrlimit(2), since Linux 4.7).
    """
    if sys.platform != "linux":
        return None
    import resource

    held = _data_bytes()
    before = resource.getrlimit(resource.RLIMIT_DATA)
    ceiling = held + limit
    if before[1] != resource.RLIM_INFINITY:
        ceiling = min(ceiling, before[1])
    resource.setrlimit(resource.RLIMIT_DATA, (ceiling, before[1]))
    return resource.RLIMIT_DATA, before


def _restore_ceiling(restore: tuple[int, tuple[int, int]]) -> None:
    import resource

    resource.setrlimit(*restore)


def _data_bytes() -> int:
    """Return the bytes of private writable memory that this process holds (Linux)."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - read for every item
        pages = int(file.read().split()[5])
    return pages * os.sysconf("SC_PAGE_SIZE")


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies (Linux, prctl(2))."""
    if sys.platform != "linux":
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(0)
