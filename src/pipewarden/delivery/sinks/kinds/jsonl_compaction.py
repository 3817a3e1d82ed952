"""Keeping only the newest line of each document in files of lines.

Files are rewritten one by one, oldest first, each atomically. Killed at any instant they hold the
newest line of every document, and a withdrawal stays until the older lines that it withdraws are
gone. Readers that have a file open go on reading the old one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from filelock import Timeout

from pipewarden.delivery.sinks.kinds.jsonl import JsonlSink, files_of, writing
from pipewarden.errors import Locked
from pipewarden.store.files import durable


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: lines kept, lines dropped, and bytes freed."""

    kept: int = 0
    dropped: int = 0
    freed: int = 0


def compact(sink: JsonlSink, timeout: float) -> Compacted:
    """Drop every line that a later one replaces, and withdrawals with what they withdraw.

    Raises
    ------
    Locked
        Another process writes there, for all of ``timeout`` seconds.
    StorageUnavailable
        The disk is full; every file is whole.
    """
    try:
        with writing(sink.folder, timeout):
            for left in filter(durable.is_abandoned, sink.folder.glob(".pipewarden-*.tmp")):
                durable.remove_file(left)
            return _compact(files_of(sink.folder, sink.pattern))
    except Timeout:
        raise Locked(
            f"{sink.folder} is being written to by another process",
            left_behind="nothing was changed",
            next_step="wait for it, then compact again",
        ) from None


def _compact(files: list[Path]) -> Compacted:
    newest = {line.id: (path, line.offset) for path in files for line in _lines(path)}
    done = Compacted()
    for path in files:
        held = list(_lines(path))
        keep = [line for line in held if newest[line.id] == (path, line.offset)]
        keep = [line for line in keep if not line.withdrawn]
        freed = path.stat().st_size - sum(line.length for line in keep)
        if freed:
            _rewrite(path, keep)
        dropped = len(held) - len(keep)
        done = Compacted(done.kept + len(keep), done.dropped + dropped, done.freed + freed)
    return done


@dataclass(frozen=True, slots=True)
class _Line:
    """One whole line: where it lies, and what it says."""

    offset: int
    length: int
    id: str
    withdrawn: bool


def _lines(path: Path) -> Iterator[_Line]:
    offset = 0
    with path.open("rb") as file:
        for data in file:
            if data.endswith(b"\n"):
                held = orjson.loads(data)
                yield _Line(offset, len(data), held["id"], "withdrawn" in held)
            offset += len(data)


def _rewrite(path: Path, keep: list[_Line]) -> None:
    """Replace a file by some of its lines, or remove it where none is left."""
    if not keep:
        durable.remove_file(path)
        return
    with path.open("rb") as file:
        staged = durable.stage(path.parent, b"")
        with durable.storage_errors(path), staged.open("wb") as into:
            for line in keep:
                file.seek(line.offset)
                into.write(file.read(line.length))
            into.flush()
            os.fsync(into.fileno())
    durable.replace(staged, path)
    durable.sync_folder(path.parent)
