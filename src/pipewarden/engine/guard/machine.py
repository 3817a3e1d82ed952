"""How busy this machine, or the container around this process, is (Linux).

Read from ``/proc`` (proc(5)) and from every control group that this process is in, since each may
have a limit of its own (cgroups(7); kernel documentation, "Control Group v2"). The fullest counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipewarden.engine.guard.rule import Reading

#: Seconds over which the use of processors is averaged.
_SPAN = 10.0
#: Version 2 of control groups names a process' group once, version 1 once a controller.
_CGROUPS = Path("sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class _Spent:
    """Processor time spent, and what there was to spend, up to a moment; both in one unit."""

    spent: float
    offered: float


class Machine:
    """Reads how busy it is.

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` are mounted.
    clock
        Monotonic seconds.
    """

    def __init__(self, root: Path = Path("/"), clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._clock = clock
        self._groups = list(_groups(root))
        self._since: float | None = None
        self._before: list[_Spent] = []
        self._cpu: float | None = None

    @property
    def watched(self) -> bool:
        """Whether anything can be read here."""
        return (self._root / "proc/meminfo").exists()

    def __call__(self) -> Reading:
        """Return how busy it is now; what cannot be read is None."""
        return Reading(cpu=self._busy(), memory=self._full())

    # ── memory ───────────────────────────────────────────────────────────────────────────────

    def _full(self) -> float | None:
        shares = [_machine_memory(self._root), *(group.memory() for group in self._groups)]
        return max((share for share in shares if share is not None), default=None)

    # ── processors ───────────────────────────────────────────────────────────────────────────

    def _busy(self) -> float | None:
        """Return the share of the last span that was spent; None before the first is over."""
        now = self._clock()
        if self._since is not None and now - self._since < _SPAN:
            return self._cpu
        spent = [_machine_cpu(self._root), *(group.cpu(now) for group in self._groups)]
        counted = [one or _Spent(0.0, 0.0) for one in spent]
        pairs = zip(self._before, counted, strict=False)
        shares = [
            (after.spent - before.spent) / (after.offered - before.offered)
            for before, after in pairs
            if after.offered > before.offered
        ]
        self._cpu = max(shares, default=None)
        self._since, self._before = now, counted
        return self._cpu


def _machine_memory(root: Path) -> float | None:
    held = _table(root / "proc/meminfo")
    total, available = held.get("MemTotal:"), held.get("MemAvailable:")
    return None if not total or available is None else 1 - available / total


def _machine_cpu(root: Path) -> _Spent | None:
    """Return ticks of all processors; to wait for a disk is idle, what a host steals is not."""
    first = _text(root / "proc/stat").partition("\n")[0].split()
    if not first or first[0] != "cpu":
        return None
    ticks = [float(one) for one in first[1:9]]  # guests' ticks, behind, are counted in these
    return _Spent(sum(ticks) - sum(ticks[3:5]), sum(ticks))


# ── control groups ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Group:
    """One control group, of version 2, or of version 1 for the one controller it has."""

    folder: Path

    def memory(self) -> float | None:
        """Return how full its limit is: without pages of files that were not used lately."""
        for limit, usage, idle in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, used = _number(self.folder / limit), _number(self.folder / usage)
            if most and used is not None:
                return max(0.0, used - _table(self.folder / "memory.stat").get(idle, 0.0)) / most
        return None

    def cpu(self, now: float) -> _Spent | None:
        """Return seconds of processor time spent, and allowed by its quota."""
        quota, _, period = _text(self.folder / "cpu.max").partition(" ")
        spent = _table(self.folder / "cpu.stat").get("usage_usec")
        scale = 1e-6
        if not period:
            quota = _text(self.folder / "cpu.cfs_quota_us")
            period = _text(self.folder / "cpu.cfs_period_us")
            spent, scale = _number(self.folder / "cpuacct.usage"), 1e-9
        if spent is None or not quota.strip().isdigit() or not period.strip().isdigit():
            return None  # no quota: "max", or -1
        return _Spent(spent * scale, now * int(quota) / int(period))


def _groups(root: Path) -> Iterator[_Group]:
    """Yield the control groups of this process and those around them."""
    top = root / _CGROUPS
    for line in _text(root / "proc/self/cgroup").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        folder = top / controllers / path.lstrip("/") if controllers else top / path.lstrip("/")
        base = top / controllers if controllers else top
        if controllers and not {"memory", "cpu", "cpuacct"} & set(controllers.split(",")):
            continue
        if not folder.is_dir() or ".." in folder.parts:  # seen from inside, the top is its own
            folder = base
        while folder != base:
            yield _Group(folder)
            folder = folder.parent
        yield _Group(base)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _number(path: Path) -> float | None:
    text = _text(path).strip()
    return float(text) if text.isdigit() else None


def _table(path: Path) -> dict[str, float]:
    """Return the numbers of a file of lines ``name number [unit]``."""
    rows = (line.split() for line in _text(path).splitlines())
    return {row[0]: float(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
