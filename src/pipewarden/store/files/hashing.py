"""The hash of a file's bytes, and the stat signature that says when it must be taken again."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from pipewarden.core.canonical import HASH_PREFIX

#: Size, mtime_ns, inode, ctime_ns. ctime betrays edits whose mtime was set back.
Signature = tuple[int, int, int, int]

#: Git's racy-timestamp rule: a file modified this shortly before it was hashed may change again
#: without its timestamp changing, so its signature proves nothing.
RACY_NS = 20_000_000
#: File systems that keep whole seconds (or two, FAT) need a window as coarse as their clock.
_RACY_COARSE_NS = 2_000_000_000


def compute_file_hash(path: Path | str, chunk_size: int = 65536) -> str:
    """Return ``sha256:<hex>`` of a file's bytes.

    Parameters
    ----------
    path
        The file.
    chunk_size
        Bytes read at a time.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    state = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - half the time of Path.open
        while chunk := file.read(chunk_size):
            state.update(chunk)
    return HASH_PREFIX + state.hexdigest()


def signature(stat: os.stat_result) -> Signature:
    """Return the stat signature of a file."""
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns


def trusted_signature(stat: os.stat_result, taken_ns: int | None = None) -> Signature | None:
    """Return the signature if it proves that the bytes have not changed since ``taken_ns``.

    ``taken_ns`` is the time just before the bytes were read (``time.time_ns()``, the default).
    """
    now = time.time_ns() if taken_ns is None else taken_ns
    window = _RACY_COARSE_NS if stat.st_mtime_ns % 1_000_000_000 == 0 else RACY_NS
    if stat.st_mtime_ns > now - window:
        return None
    return signature(stat)
