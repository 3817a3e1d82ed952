"""What a database driver's failure means to a person: one of our errors, or a bug of ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, exc

from pipewarden.errors import (
    DatabaseUnavailable,
    PipewardenError,
    StateDamaged,
    StorageUnavailable,
)

#: Seconds to wait for another writer before giving up, on both databases.
LOCK_TIMEOUT = 30

_ROLLED_BACK = "nothing of this transaction was stored"
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_STORAGE = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
)

#: SQLSTATE: disk full, out of memory at the server, read-only transaction.
_PG_STORAGE = ("53100", "25006")
#: SQLSTATE: lock not available, idle in transaction for too long.
_PG_LOCK = "55P03"
#: SQLSTATE, by prefix: connection, authorisation, no such database, resources, operator, system.
_PG_UNAVAILABLE = ("08", "28", "3D", "53", "57P", "58", "25P03", "40")
#: SQLSTATE: data corrupted, index corrupted, and a table or column that is not there.
_PG_DAMAGED = ("XX001", "XX002", "42P01", "42703")


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn failures of the driver into ours; what is not the world's fault passes unchanged.

    Raises
    ------
    DatabaseUnavailable
        The database does not answer, refuses, or stays locked by another writer.
    StorageUnavailable
        The disk is full, or the database may not be written.
    StateDamaged
        The database does not read.
    """
    try:
        yield
    except exc.TimeoutError as error:
        raise DatabaseUnavailable(
            f"no connection to {shown(url)} became free in time", left_behind="nothing was changed"
        ) from error
    except (exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        ours = _sqlite(cause, url) if isinstance(cause, sqlite3.Error) else _postgresql(cause, url)
        if ours is None:
            raise
        raise ours from error


def shown(url: URL) -> str:
    """Return the URL for a person to read: a SQLite file's path, else without the password."""
    if url.get_backend_name() == "sqlite":
        return f"the state database {url.database or '(in memory)'}"
    return f"the state database {url.render_as_string(hide_password=True)}"


def _sqlite(error: sqlite3.Error, url: URL) -> PipewardenError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return DatabaseUnavailable(
            f"{shown(url)} has been locked by another writer for more than {LOCK_TIMEOUT} s",
            left_behind=_ROLLED_BACK,
            next_step="find what holds it with 'pipewarden doctor', then type the command again",
        )
    if code in _DAMAGED or "decode to UTF-8" in str(error):
        return StateDamaged(
            f"{shown(url)} is damaged: {error}",
            left_behind="the file is as it was; manifests, outputs and reports are untouched",
            next_step=f"copy the file away, then restore it from a backup or mend it with "
            f"sqlite3 {url.database} '.recover' | sqlite3 mended.db; without it, history and "
            "ledger are lost, the manifests of folders are not",
        )
    if code in _STORAGE:
        return StorageUnavailable(
            f"{shown(url)} cannot be written or opened: {error}",
            left_behind=_ROLLED_BACK,
            next_step="free space on that disk, or correct the folder's permissions or the "
            "setting database_url, then type the command again",
        )
    return None


def _postgresql(error: BaseException | None, url: URL) -> PipewardenError | None:
    state = str(getattr(error, "sqlstate", None) or "")
    said = str(error).strip().split("\n")[0]
    if state in _PG_STORAGE:
        return StorageUnavailable(
            f"{shown(url)} cannot be written: {said}",
            left_behind=_ROLLED_BACK,
            next_step="free space at the server, or make it writable, then type the command again",
        )
    if state == _PG_LOCK:
        return DatabaseUnavailable(
            f"{shown(url)} has been locked by another writer for more than {LOCK_TIMEOUT} s",
            left_behind=_ROLLED_BACK,
            next_step="look at pg_stat_activity for application_name 'pipewarden'",
        )
    if state in _PG_DAMAGED:
        return StateDamaged(
            f"{shown(url)} is not whole: {said}",
            left_behind=_ROLLED_BACK,
            next_step="restore it from a backup",
        )
    if not state and not _lost_connection(error):
        return None
    if not state or state.startswith(_PG_UNAVAILABLE):
        return DatabaseUnavailable(
            f"{shown(url)} does not answer: {said}",
            left_behind=_ROLLED_BACK,
            next_step="check that the server runs and that the setting database_url is right",
        )
    return None


def _lost_connection(error: BaseException | None) -> bool:
    """Whether a failure without SQLSTATE is the connection's: psycopg raises that one class."""
    return type(error).__name__ in ("OperationalError", "ConnectionTimeout")
