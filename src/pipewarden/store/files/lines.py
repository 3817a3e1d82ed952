"""Files of lines: appended to durably, cut back to what is committed, read by span."""

from __future__ import annotations

import os
from pathlib import Path

from pipewarden.errors import Conflict
from pipewarden.store.files import durable
from pipewarden.store.windows import Window, armed_for, passing


def append(path: Path, data: bytes, at: int, *, synced: bool = True) -> None:
    """Write ``data`` durably at byte ``at`` of a file, which ends there; make the file if need be.

    Parameters
    ----------
    synced
        Whether it is forced to disk; if not, a power cut may cost it.

    Raises
    ------
    StorageUnavailable
        The disk is full or the file cannot be written; it ends at ``at`` again.
    Conflict
        The file ends elsewhere: somebody else wrote to it or cut it off; it is left as it is.
    """
    with durable.storage_errors(path):
        new = not path.exists()
        flags = os.O_WRONLY | (os.O_CREAT if at == 0 else 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags, 0o644)
        except FileNotFoundError:
            raise _not_ours(path, at, 0) from None
        try:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            if size != at:
                raise _not_ours(path, at, size)
            os.lseek(descriptor, at, os.SEEK_SET)
            if armed_for(Window.LINES_TORN):
                durable.write_all(descriptor, data[: len(data) // 2])
            passing(Window.LINES_TORN)
            durable.write_all(descriptor, data)
            if synced:
                os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, at)
            raise
        finally:
            os.close(descriptor)
        if new and synced:
            durable.sync_folder(path.parent)


def _not_ours(path: Path, at: int, size: int) -> Conflict:
    return Conflict(
        f"{path} should end at byte {at:,} and ends at byte {size:,}: something else changed it "
        "while this run was writing to it",
        left_behind="what was committed before is known; the file was left as it is",
        next_step="find what else writes there; then run the command again: documents whose lines "
        "are gone are written anew",
    )


def ends_a_line(path: Path, length: int) -> bool:
    """Whether so many bytes of a file are whole lines."""
    return length == 0 or read_span(path, length - 1, 1) == b"\n"


def cut(path: Path, length: int) -> None:
    """Cut a file off durably after so many bytes."""
    with durable.storage_errors(path):
        descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_BINARY", 0))
        try:
            os.ftruncate(descriptor, length)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_span(path: Path, offset: int, length: int) -> bytes:
    """Return so many bytes of a file from ``offset``; fewer where it ends before.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)
