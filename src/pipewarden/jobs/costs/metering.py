"""What this process and its workers use while something is done, measured as it is done."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from pathlib import Path

from pipewarden.core.costs.figures import Used
from pipewarden.engine.metering import cpu_seconds

#: Seconds between two looks at the memory: at the beginning of a run, and later.
_SOON, _LATER = 0.05, 1.0
#: A look may take this share of the time at most.
_SHARE = 0.01

_within: ContextVar[Meter | None] = ContextVar("meter", default=None)


class Meter:
    """Measures what is used between `start` and `stop`.

    What another meter measures meanwhile in this process is not measured here: a healing that
    carries out a run leaves the run's figures to the run.

    Parameters
    ----------
    wall, cpu
        Seconds of a clock that only goes forward, and CPU seconds used so far.
    memory
        The bytes that processes hold, by their ids; None where the system does not tell.
    peak
        The most memory that this process, or any child of it, ever held.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = cpu_seconds,
        memory: Callable[[Iterable[int]], int | None] | None = None,
        peak: Callable[[], int] | None = None,
    ) -> None:
        self._wall, self._cpu = wall, cpu
        self._memory = memory or memory_of
        self._ever = peak or highest
        self._began = self._used = self._looked = 0.0
        self._held: int | None = None
        self._due = 0.0
        self._byte_seconds = 0.0
        self._before = 0
        self._inner = Used()
        self._outer: Meter | None = None
        self._token: Token[Meter | None] | None = None
        self._elsewhere = 0.0
        #: The most bytes that were held at once, as far as it was seen.
        self.peak = 0

    def start(self) -> Meter:
        """Begin; return this meter."""
        self._outer = _within.get()
        self._token = _within.set(self)
        self._began, self._used, self._before = self._wall(), self._cpu(), self._ever()
        self._looked = self._due = self._began
        self.look()
        return self

    def look(self, workers: Callable[[], Iterable[int]] = tuple) -> None:
        """Look at the memory of this process and its workers, if it is time to.

        Parameters
        ----------
        workers
            Returns the ids of the processes that work for this one.
        """
        now = self._wall()
        if now < self._due:
            return
        held = self._memory([os.getpid(), *workers()])
        after = self._wall()
        self._passed(now, held)
        pause = min(_LATER, max(_SOON, now - self._began))
        self._due = after + max(pause, (after - now) / _SHARE)

    def _passed(self, now: float, held: int | None) -> None:
        """Count the time since the last look, with the mean of what was held then and now."""
        if held is None:
            return
        before = held if self._held is None else self._held
        self._byte_seconds += (before + held) / 2 * (now - self._looked)
        self._held, self._looked = held, now
        self.peak = max(self.peak, held)

    def elsewhere(self, cpu: float) -> None:
        """Count CPU seconds that others used for it, which this process cannot see."""
        self._elsewhere += cpu

    def read(self) -> Used:
        """Return what was used so far, but for what is stored."""
        whole = self._whole()
        return Used(
            cpu_seconds=max(whole.cpu_seconds - self._inner.cpu_seconds, 0.0),
            wall_seconds=max(whole.wall_seconds - self._inner.wall_seconds, 0.0),
            memory_byte_seconds=max(
                whole.memory_byte_seconds - self._inner.memory_byte_seconds, 0.0
            ),
        )

    def _whole(self) -> Used:
        self._due = self._wall()
        self.look()
        wall, ever = self._wall() - self._began, self._ever()
        if ever > self._before:  # it was between two looks, or of a worker that has ended
            self.peak = max(self.peak, ever)
        return Used(
            cpu_seconds=self._cpu() - self._used + self._elsewhere,
            wall_seconds=wall,
            memory_byte_seconds=self.peak * wall if self._held is None else self._byte_seconds,
        )

    def stop(self) -> None:
        """End: the meter around this one goes on without what was measured here."""
        if self._token is None:
            return
        _within.reset(self._token)
        self._token = None
        if self._outer is not None:
            self._outer.leave_out(self._whole())

    def leave_out(self, inner: Used) -> None:
        """Leave out what another meter measured."""
        self._inner = self._inner.plus(inner)


@contextmanager
def measured() -> Iterator[Meter]:
    """Measure what is done in this block; of memory only what this process holds: that is cheap."""
    meter = Meter(memory=resident).start()
    try:
        yield meter
    finally:
        meter.stop()


def resident(_processes: Iterable[int]) -> int | None:
    """Return the bytes that this process alone holds; None where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - read often
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def memory_of(processes: Iterable[int]) -> int | None:
    """Return the bytes that processes hold together; None where the system does not tell.

    Of pages that several share each counts its share (proc(5), the Pss of ``smaps_rollup``): forked
    workers share most of what was loaded before. A process that has ended holds nothing.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        return None
    return sum(map(_share_of, processes))


def _share_of(process: int) -> int:
    try:
        with open(f"/proc/{process}/smaps_rollup", "rb") as file:  # noqa: PTH123 - read often
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:  # it has ended meanwhile
        return 0
    return 0


def highest() -> int:
    """Return the most bytes that this process, or one of its children that ended, ever held."""
    if sys.platform == "win32":
        return 0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) * unit
