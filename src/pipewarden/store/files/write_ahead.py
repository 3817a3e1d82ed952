"""A database file of somebody else's making, put on the write-ahead log before it is made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pipewarden.store.files.durable import storage_errors

_SECONDS = 10.0


def begin_with_log(path: Path) -> bool:
    """Make ``path`` an empty SQLite database with a write-ahead log; return whether it was made.

    The mode is kept in the file, so that whoever fills it commits with one flush instead of three.
    A file that exists already stays as it is, and so does one that another process makes just now.

    Raises
    ------
    StorageUnavailable
        The folder cannot be written.
    """
    if path.exists():
        return False
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=_SECONDS)) as connection:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    except sqlite3.OperationalError:  # the other process keeps its file, with the mode it chose
        return False
    return bool(mode == "wal")
