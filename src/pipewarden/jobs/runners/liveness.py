"""Whether the process that runs a job still lives."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path


def this_owner() -> str:
    """Return the name of this process as the owner of a lease: ``host:pid:start``."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start_mark(os.getpid())}"


def is_alive(owner: str) -> bool | None:
    """Return whether an owner lives; None when that cannot be known from this host.

    A process id that was given to another process since is told apart by the time it started.
    """
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    mark = owner.rpartition(":")[2]
    if host != socket.gethostname() or not rest.isdigit():
        return None
    pid = int(rest)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _start_mark(pid) == mark


def _start_mark(pid: int) -> str:
    """Return when a process started, in the kernel's clock ticks; ``0`` where it does not say."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if fields[0] in ("Z", "X"):  # dead, and only not yet buried by its parent
            return "dead"
        return fields[19]
    return "0"
