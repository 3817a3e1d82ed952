"""Durable, atomic file writes: after a crash a file is either the old one or the new one, whole.

The order is the classic one (temporary file in the same folder, write, fsync, rename, fsync of the
folder); see Pillai et al., "All file systems are not created equal", OSDI 2014, for why no step can
be left out.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipewarden.errors import StorageUnavailable

#: How temporary files of ours begin and end, so that a later run knows them as leftovers. Between
#: stand the host and the process that made them, since several runs may write to one folder.
_TEMP_PREFIX, _TEMP_SUFFIX = ".pipewarden-", ".tmp"
_HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
#: Seconds after which a temporary file of another host, whose processes cannot be asked, is left.
_ABANDONED = 86_400.0

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn "disk full" and "read-only" in this block into `StorageUnavailable` about ``path``."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageUnavailable(
                f"no space left to write {path}: {error.strerror}",
                left_behind="what was committed before is intact; no half file is visible",
                next_step=f"free space on the disk of {path.parent}, then run the command again",
            ) from error
        if error.errno in _READ_ONLY:
            raise StorageUnavailable(
                f"cannot write {path}: {error.strerror}",
                left_behind="everything committed before is intact",
                next_step=f"make {path.parent} writable for this user, or choose another folder",
            ) from error
        raise


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, each made durable in its parent."""
    if folder.is_dir():
        return
    with storage_errors(folder):
        missing = [folder, *(p for p in folder.parents if not p.exists())]
        folder.mkdir(parents=True, exist_ok=True)
        for made in missing:
            sync_folder(made.parent)


def stage(folder: Path, data: bytes) -> Path:
    """Write ``data`` durably under a temporary name in ``folder`` and return its path."""
    mark = f"{_HOST}-{os.getpid()}-{secrets.token_hex(8)}"
    temporary = folder / f"{_TEMP_PREFIX}{mark}{_TEMP_SUFFIX}"
    with storage_errors(temporary):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _binary(), 0o644)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        finally:
            os.close(descriptor)
    return temporary


def _binary() -> int:
    return getattr(os, "O_BINARY", 0)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; `os.write` may write fewer."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace(staged: Path, target: Path) -> None:
    """Give a staged file its final name; durable only after `sync_folder`."""
    with storage_errors(target):
        os.replace(staged, target)  # noqa: PTH105 - the system call is the point


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to disk; where folders cannot be opened (Windows), nothing."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(folders: Iterable[Path]) -> None:
    """Force the entries of each distinct folder to disk."""
    for folder in set(folders):
        sync_folder(folder)


def write_file(path: Path, data: bytes) -> None:
    """Write a file atomically and durably, creating its folder where needed.

    Raises
    ------
    StorageUnavailable
        The disk is full or the folder cannot be written; the old file is intact.
    """
    make_folder(path.parent)
    replace(stage(path.parent, data), path)
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file durably; one that is not there is no error."""
    with storage_errors(path):
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)


def is_temporary(name: str) -> bool:
    """Whether a file name is that of a temporary file of ours."""
    return name.startswith(_TEMP_PREFIX) and name.endswith(_TEMP_SUFFIX)


def is_abandoned(path: Path) -> bool:
    """Whether a temporary file of ours was left by a process that is gone."""
    host, _, rest = path.name.removeprefix(_TEMP_PREFIX).partition("-")
    pid = rest.partition("-")[0]
    if host == _HOST and pid.isdigit():
        return _is_gone(int(pid))
    try:
        return path.stat().st_mtime < time.time() - _ABANDONED
    except OSError:
        return False  # somebody else was quicker


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    try:  # dead, and only not yet buried by its parent
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except (OSError, IndexError):
        return False
