"""The journal: one fsync'd line for each committed item, between two saves of the manifest.

A line is ``<crc32> <json>\n``. Writing and forcing it to disk *is* the commit of the item. A torn
last line, the trace of a crash in the middle of a write, was never reported as done: it is ignored
when read and cut off before the next line is appended.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from pipewarden.errors import StateDamaged
from pipewarden.store.files import durable
from pipewarden.store.manifest.record import Record
from pipewarden.store.windows import Window, armed_for, passing


@dataclass(frozen=True, slots=True)
class Line:
    """One journal line.

    ``n`` counts lines since the manifest began; ``base`` is the generation of the saved manifest
    that the line adds to.
    """

    n: int
    base: str
    record: Record


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a journal; a journal that is not there has none.

    Raises
    ------
    StateDamaged
        A line other than the last does not read.
    """
    for raw, _ in _whole_lines(path):
        plain = orjson.loads(raw[9:-1])
        yield Line(plain["n"], plain["base"], Record.from_dict(plain))


def _whole_lines(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield each sound line and the offset behind it; stop before a torn tail."""
    if not path.exists():
        return
    with path.open("rb") as file:
        offset, number = 0, 0
        for raw in file:
            offset, number = offset + len(raw), number + 1
            if _sound(raw):
                yield raw, offset
                continue
            if file.read(1):
                raise StateDamaged(
                    f"line {number} of the journal {path} is damaged, and lines follow it",
                    left_behind="the manifest and all lines before it are intact",
                    next_step=f"restore {path.name} from a backup, or delete it: items recorded "
                    "since the manifest was last saved are then processed again",
                )


def _sound(raw: bytes) -> bool:
    if not raw.endswith(b"\n") or len(raw) < 11:
        return False
    try:
        return int(raw[:8], 16) == zlib.crc32(raw[9:-1])
    except ValueError:
        return False


def _encode(line: Line) -> bytes:
    body = orjson.dumps({"n": line.n, "base": line.base, **line.record.as_dict()})
    return b"%08x %s\n" % (zlib.crc32(body), body)


class Journal:
    """The journal open for appending, held by the one writer of its manifest."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def append(self, lines: Sequence[Line]) -> None:
        """Commit lines: when this returns they survive ``kill -9`` and power loss.

        Raises
        ------
        StorageUnavailable
            The disk is full; none of the lines counts as committed.
        """
        data = b"".join(_encode(line) for line in lines)
        with durable.storage_errors(self.path):
            descriptor = self._open()
            start = os.lseek(descriptor, 0, os.SEEK_END)
            try:
                if armed_for(Window.JOURNAL_TORN):
                    durable.write_all(descriptor, data[: len(data) // 2])
                passing(Window.JOURNAL_TORN)
                durable.write_all(descriptor, data)
                passing(Window.JOURNAL_WRITTEN)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, start)
                raise
        passing(Window.JOURNAL_SYNCED)

    def _open(self) -> int:
        if self._descriptor is None:
            end = max((offset for _, offset in _whole_lines(self.path)), default=0)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(self.path, flags, 0o644)
            os.ftruncate(self._descriptor, end)  # cut a torn tail off
            durable.sync_folder(self.path.parent)
        return self._descriptor

    def restart(self, retained: Iterable[Line], backup: Path) -> None:
        """Keep the journal as ``backup`` and begin a new one with the ``retained`` lines.

        The backup belongs to the manifest's own backup: the two together are the present state, so
        that a manifest damaged later costs no item. Retained lines are in the journal throughout.
        """
        self.close()
        if not self.path.exists():
            return
        data = b"".join(_encode(line) for line in retained)
        if data:
            kept = durable.stage(self.path.parent, self.path.read_bytes())
            durable.replace(kept, backup)
            durable.replace(durable.stage(self.path.parent, data), self.path)
        else:
            durable.replace(self.path, backup)
        durable.sync_folder(self.path.parent)

    def close(self) -> None:
        """Close the file; the next append opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
