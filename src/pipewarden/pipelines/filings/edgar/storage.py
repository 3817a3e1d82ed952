"""Durable writes: under its final name a file is the old one or the new one, whole.

The order is the classic one: temporary file in the same folder, fsync, rename, fsync of the folder
(Pillai et al., "All file systems are not created equal", OSDI 2014). Temporary names are fixed, so
that a killed run leaves nothing that the next one does not use or overwrite; the folder's lock
keeps two runs apart.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipewarden.pipelines.filings.edgar.answers import DestinationBusy, DestinationUnusable

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Digest:
    """Length in bytes and SHA-256 of a stored file."""

    size: int
    sha256: str


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses in this block into `DestinationUnusable`."""
    try:
        yield
    except OSError as error:
        raise DestinationUnusable(
            f"cannot write in {folder}: {error.strerror or error}",
            left_behind="every file under its final name is whole",
            next_step="free space or make the folder writable, then run the same command again",
        ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Create a folder and hold it for this run.

    Raises
    ------
    DestinationBusy
        Another download writes there; a killed one does not hold it.
    DestinationUnusable
        The folder cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".edgar.lock")
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise DestinationBusy(
                f"another download is writing into {folder}",
                next_step="wait for it to end, or choose another --output-dir",
            ) from error
    try:
        yield
    finally:
        lock.release()


def digest_file(path: Path) -> Digest:
    """Return the length and SHA-256 of a file, read in pieces."""
    sha, size = hashlib.sha256(), 0
    with path.open("rb") as stored:
        while piece := stored.read(_CHUNK):
            sha.update(piece)
            size += len(piece)
    return Digest(size, sha.hexdigest())


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file atomically and durably."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    publish(temporary, path)


def compress_file(source: Path, target: Path) -> None:
    """Write ``source`` to ``target`` as gzip; the same bytes always give the same file."""
    with (
        source.open("rb") as plain,
        target.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
    ):
        while piece := plain.read(_CHUNK):
            packed.write(piece)


def publish(temporary: Path, final: Path) -> None:
    """Give a temporary file its final name: its bytes are on disk before, its name after."""
    with temporary.open("r+b") as file:
        os.fsync(file.fileno())
    os.replace(temporary, final)  # noqa: PTH105 - the system call is the point
    if os.name == "nt":  # a folder cannot be opened there
        return
    descriptor = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
