"""One writer per source: a lock that the operating system releases when its holder dies."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from filelock import FileLock, Timeout

from pipewarden.errors import Locked
from pipewarden.store.files.durable import storage_errors


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock; ``since`` is UTC, ISO-8601."""

    host: str
    pid: int
    run_id: str
    since: str

    @classmethod
    def this_process(cls, run_id: str, since: str) -> Holder:
        """Return the holder that this process is."""
        return cls(socket.gethostname(), os.getpid(), run_id, since)


class FolderLock:
    """The lock on one manifest: exclusive, waited for with a time-out, and signed by its holder.

    Parameters
    ----------
    path
        The lock file, beside the manifest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._signature = path.with_name(path.name + ".json")
        # Not thread-local: a runner's heartbeat thread may outlive the thread that locked.
        self._lock = FileLock(path, thread_local=False)

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock.is_locked

    def acquire(
        self, holder: Holder, timeout: float, waiting: Callable[[str], None] | None = None
    ) -> None:
        """Take the lock, waiting up to ``timeout`` seconds.

        ``waiting`` is told once who is waited for.

        Raises
        ------
        Locked
            Somebody else still holds it.
        StorageUnavailable
            The lock file cannot be written.
        """
        with storage_errors(self.path):
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                self._wait(timeout, waiting)
            self._signature.write_bytes(orjson.dumps(asdict(holder)))

    def _wait(self, timeout: float, waiting: Callable[[str], None] | None) -> None:
        if waiting is not None and timeout > 0:
            waiting(f"waiting up to {timeout:g} s for the lock: {self._describe()}")
        try:
            self._lock.acquire(timeout=timeout)
        except Timeout:
            holder = self.holder()
            run_id = holder.run_id if holder else "RUN_ID"
            raise Locked(
                f"{self.path.parent} is locked: {self._describe()}",
                left_behind="nothing was changed",
                next_step=f"wait for that run, or pause it (pipewarden jobs pause {run_id}); the "
                "lock goes when its process ends. If the folder is on a network file system, and "
                f"that host is gone for good, delete {self.path}",
            ) from None

    def _describe(self) -> str:
        holder = self.holder()
        if holder is None:
            return "held by a process that has not signed it"
        who = f"run {holder.run_id} (process {holder.pid} on {holder.host})"
        return f"held by {who} since {holder.since}"

    def holder(self) -> Holder | None:
        """Return who last signed the lock, if that can be read."""
        with suppress(OSError, ValueError, TypeError):
            return Holder(**orjson.loads(self._signature.read_bytes()))
        return None

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._signature.unlink(missing_ok=True)
            self._lock.release()
