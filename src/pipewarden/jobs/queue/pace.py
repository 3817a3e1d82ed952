"""How fast a running job is, counted from committed items, and what it takes of this machine."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipewarden.core.jobs import Job, JobStatus
from pipewarden.jobs.runners import liveness
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import items, jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The speed of a job since it was last taken up.

    Parameters
    ----------
    items_per_second
        Items decided in that time, by its seconds; None before the first.
    eta_seconds
        How long the rest takes at that speed; None where that cannot be said.
    memory_bytes
        What its runner and its workers hold; None where they are not on this machine.
    """

    items_per_second: float | None = None
    eta_seconds: float | None = None
    memory_bytes: int | None = None


def pace(workspace: Workspace, job: Job) -> Pace:
    """Return how fast a job is; nothing is known of one that is not running."""
    if job.status is not JobStatus.RUNNING:
        return Pace()
    decided = job.progress.published + job.progress.quarantined
    with workspace.database.read() as conn:
        taken_up = [e for e in jobs.history(conn, job.id) if e.to_status is JobStatus.RUNNING]
        began = taken_up[-1].at
        if len(taken_up) > 1:
            decided = items.decided_since(conn, job.id, began)
    seconds = (workspace.clock() - began).total_seconds()
    memory = _memory(job.lease_owner or "")
    if not decided or seconds <= 0:
        return Pace(memory_bytes=memory)
    speed = decided / seconds
    left = max(0, job.progress.seen - job.progress.accounted)
    return Pace(items_per_second=speed, eta_seconds=left / speed, memory_bytes=memory)


def _memory(owner: str) -> int | None:
    """Return the bytes that a runner on this host and its descendants hold (Linux), else None."""
    if not liveness.is_alive(owner or "::"):
        return None
    pids, found = [int(owner.rsplit(":", 2)[1])], []
    while pids:
        pid = pids.pop()
        found.append(_held(pid))
        pids += _children(pid)
    return sum(found) or None


def _held(pid: int) -> int:
    """Return the bytes of a process; a shared page is divided among its sharers (proc(5))."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with suppress(OSError):
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found
