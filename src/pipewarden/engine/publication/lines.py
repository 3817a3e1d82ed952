"""Outputs that are lines of a file: each document one line, appended in the order of the items.

An item that is published again has a later line, and one that is withdrawn a line that says so:
readers take the last line of each key. What is committed never moves.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipewarden.core.canonical import digest
from pipewarden.core.planning import OutputState
from pipewarden.engine.publication import documents
from pipewarden.engine.task import Worked
from pipewarden.store.files import durable, lines
from pipewarden.store.files.folder_lock import FolderLock, Holder
from pipewarden.store.files.hashing import RACY_NS, Signature, signature, trusted_signature
from pipewarden.store.manifest import line_files
from pipewarden.store.manifest.contract import ManifestStore
from pipewarden.store.manifest.document import relative_key
from pipewarden.store.manifest.line_files import LineFile
from pipewarden.store.manifest.record import Entry
from pipewarden.store.state.database import Database

LOCK = ".lines.lock"


def file_name(pattern: str, at: datetime) -> str:
    """Return the name of the file that lines of a moment go to: ``{date}`` is the UTC date."""
    return pattern.replace("{date}", at.astimezone(UTC).strftime("%Y-%m-%d"))


@dataclass(slots=True)
class LineOutputs:
    """The one writer of the files of lines in an output folder.

    Parameters
    ----------
    folder
        The output folder.
    base
        The folder that the manifest's paths are relative to.
    pattern
        The name of the files; ``{date}`` in it is the UTC date.
    database
        Remembers how much of each file is committed.
    run_id
        Who writes.
    clock
        Gives the present time, UTC and aware.
    key_field
        The field of a line that holds the item's key.
    catch_up
        Makes the database know all that dead runs committed, before what they did not is cut off.
    """

    folder: Path
    base: Path
    pattern: str
    key_field: str
    database: Database
    run_id: str
    clock: Callable[[], datetime]
    catch_up: Callable[[], None] = lambda: None
    _ends: dict[Path, int] = field(default_factory=dict)
    _vouched: dict[Path, int] = field(default_factory=dict)
    _waiting: dict[Path, list[bytes]] = field(default_factory=dict)
    _last: tuple[str, int] | None = None
    _lock: FolderLock | None = None

    def open(self, lock_timeout: float, note: Callable[[str], None]) -> None:
        """Become the writer, and cut off what a dead writer appended and did not commit.

        Raises
        ------
        Locked
            Another run writes here.
        """
        durable.make_folder(self.folder)
        self._lock = FolderLock(self.folder / LOCK)
        since = self.clock().isoformat(timespec="seconds")
        self._lock.acquire(Holder.this_process(self.run_id, since), lock_timeout, note)
        names = glob.escape(self.pattern).replace(glob.escape("{date}"), "*")
        found = [str(p) for p in sorted(self.folder.glob(names))]
        with self.database.read() as conn:
            held = line_files.known(conn, found)
        dead = [Path(path) for path, file in held.items() if file.writer]
        if dead:
            self.catch_up()
        for path in dead:
            self._take(path, note)

    def _take(self, path: Path, note: Callable[[str], None]) -> None:
        """Become the writer of a file: of what it holds, all but a dead writer's rest stays."""
        stat = path.stat() if path.exists() else None
        size = stat.st_size if stat is not None else 0
        with self.database.write() as conn:
            held = line_files.known(conn, [str(path)]).get(str(path))
            committed = vouched_from = size
            if held is not None and held.writer and size > held.committed:
                committed = held.committed
            if held is not None:
                as_left = stat is not None and held.signature == signature(stat)
                vouched_from = held.vouched_from if as_left else max(size, held.committed)
            line_files.take(conn, str(path), committed, self.run_id, vouched_from)
        if committed < size:
            lines.cut(path, committed)
            note(f"{path}: {size - committed:,} bytes that a dead run did not commit were cut off")
        self._ends[path], self._vouched[path] = committed, vouched_from
        if not lines.ends_a_line(path, committed):  # what something else wrote stays a line apart
            self._waiting[path] = [b"\n"]
            self._ends[path] += 1

    def publish(self, key: str, worked: Worked, entry: Entry) -> Path:  # noqa: ARG002 - the line names its item
        """Take a document; return the file that its line will be in."""
        assert worked.line is not None
        return self._put(worked.line, entry)

    def _put(self, data: bytes, entry: Entry) -> Path:
        path = self.folder / file_name(self.pattern, self.clock())
        if path not in self._ends:
            self._take(path, lambda _: None)
        start = self._ends[path]
        self._waiting.setdefault(path, []).append(data)
        self._ends[path] = start + len(data)
        self._last = str(path), self._ends[path]
        entry["output_path"] = relative_key(path, self.base)
        entry["output_hash"] = digest(data)
        entry["output_span"] = [start, len(data)]
        return path

    def keep(self, before: Entry, entry: Entry) -> None:
        """Let the line of an earlier entry stay that of a new one."""
        entry["output_path"] = before.get("output_path")
        entry["output_hash"] = before.get("output_hash")
        if "output_span" in before:
            entry["output_span"] = before["output_span"]

    def read(self, entry: Entry) -> bytes | None:
        """Return a published document, if it is still as it was published."""
        path = self.base / str(entry.get("output_path"))
        if not path.is_file():
            return None
        span = entry.get("output_span")  # None: it was published as a file, before it was a line
        data = lines.read_span(path, *span) if span else path.read_bytes()
        return data if digest(data) == entry.get("output_hash") else None

    def withdraw(self, key: str, before: Entry, reason: str) -> None:  # noqa: ARG002 - what is committed never moves
        """Take a line that says that the item's earlier lines are withdrawn."""
        told = {"run_id": self.run_id, "at": self.clock().isoformat(), "reason": reason}
        line = {self.key_field: key, "withdrawn": told}
        self._put(documents.encode_line(line), {})

    def withdraw_uncommitted(self, key: str) -> None:
        """Nothing: what was not committed was cut off before anything else was done."""

    def move(self, key: str, before: Entry, entry: Entry) -> None:  # noqa: ARG002 - no line moves
        """Never asked for: a line tells its item's key, so that the planner moves none."""
        raise AssertionError(f"the plan moves {key}, whose output is a line")

    def appended(self) -> tuple[str, int] | None:
        """Return path and end of the file that the batch's latest line goes to."""
        return self._last

    def flush(self) -> None:
        """Append the batch durably.

        Raises
        ------
        StorageUnavailable
            The disk is full; nothing of this batch is in the file it could not be written to.
        """
        for path, data in self._waiting.items():
            whole = b"".join(data)
            lines.append(path, whole, self._ends[path] - len(whole))
        self._waiting.clear()

    def remember(self, store: ManifestStore) -> None:
        """Nothing: the signature of a file of lines is kept with what is committed of it."""

    def close(self) -> None:
        """Stop being the writer; only after everything that was appended is committed."""
        with self.database.write() as conn:
            for path, vouched_from in self._vouched.items():
                vouching = _vouching(path) if path.exists() else None
                line_files.give_back(conn, str(path), self.run_id, vouching, vouched_from)
        self.release()

    def release(self) -> None:
        """Give the lock back, as a dead process would: what is not committed will be cut off."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _vouching(path: Path) -> Signature | None:
    """Return the signature of a file just written to, once its clock has moved on from that."""
    vouching = trusted_signature(path.stat())
    if vouching is None:  # by a tick of most file systems' clocks; a coarser one has to do without
        time.sleep(RACY_NS / 1e9)
        vouching = trusted_signature(path.stat())
    return vouching


class PublishedLines:
    """What lies in the files of lines of an output folder, for a plan.

    Parameters
    ----------
    folder
        The output folder.
    base
        The folder that the manifest's paths are relative to.
    database
        Knows the files.
    """

    def __init__(self, folder: Path, base: Path, database: Database) -> None:
        self._base = base
        self._folder = folder
        self._files: dict[str, _File] = {}
        self._database = database

    def state(self, entry: Entry) -> OutputState:
        """Return what was found where the line of an item should be."""
        recorded = str(entry.get("output_path"))
        if "output_span" not in entry:  # it was published as a file, before it was a line
            return OutputState.MISSING
        offset, length = entry["output_span"]
        held = self._files.get(recorded)
        if held is None:
            held = self._files[recorded] = self._examined(recorded)
        if held.elsewhere:
            return OutputState.ELSEWHERE
        if held.size < offset + length:
            return OutputState.MISSING
        vouched = held.vouched_from is not None and offset >= held.vouched_from
        if vouched or digest(held.read(offset, length)) == entry.get("output_hash"):
            return OutputState.SOUND
        return OutputState.ALTERED

    def _examined(self, recorded: str) -> _File:
        path = Path(os.path.normpath(self._base / recorded))
        if path.parent != self._folder:
            return _File(path, 0)
        with self._database.read() as conn:
            known: LineFile | None = line_files.known(conn, [str(path)]).get(str(path))
        if not path.is_file():  # one that is not known was written on another machine
            return _File(path, 0, elsewhere=known is None)
        stat = path.stat()
        if known is None or known.signature != signature(stat):
            return _File(path, stat.st_size)
        return _File(path, stat.st_size, vouched_from=known.vouched_from)

    def close(self) -> None:
        """Close the files that had to be read."""
        for held in self._files.values():
            held.close()


class _File:
    """One file of lines; opened when it is first read."""

    def __init__(
        self, path: Path, size: int, *, vouched_from: int | None = None, elsewhere: bool = False
    ) -> None:
        self.size = size
        self.vouched_from = vouched_from
        self.elsewhere = elsewhere
        self._path = path
        self._descriptor: int | None = None

    def read(self, offset: int, length: int) -> bytes:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDONLY)
        return os.pread(self._descriptor, length, offset)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
