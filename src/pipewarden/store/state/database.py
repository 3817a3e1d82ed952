"""The state database: opened, brought to the present schema, and its two kinds of transaction.

There is one writer at a time on both databases. SQLite has it so (``BEGIN IMMEDIATE``); PostgreSQL
takes an advisory lock first. Write transactions are short, and in return no two of them can
deadlock, the ledger is one chain, and the outbox becomes visible in the order of its numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from pipewarden.errors import (
    DatabaseUnavailable,
    InvalidSettings,
    MissingExtra,
    StateTooNew,
    StorageUnavailable,
)
from pipewarden.store.files.durable import storage_errors
from pipewarden.store.state.driver_errors import LOCK_TIMEOUT, shown, translated

#: The revisions that this version knows, oldest first, and the one that it works with.
REVISIONS = tuple(f"{number:04}" for number in range(1, 15))
HEAD = REVISIONS[-1]

#: First half of the advisory lock's name on PostgreSQL; the second is the schema.
_WRITER = 0x7077

#: Engines of a parent process. SQLite forbids a forked child even to close them, so they are kept.
_inherited: list[Engine] = []


class Database:
    """A state database. Open it with `Database.open`; functions take a connection from it.

    Connections are made when first needed, and never carried over into a forked child.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self._engine = _engine(url)
        self._pid = os.getpid()

    @classmethod
    def open(cls, url: str) -> Database:
        """Open the database, make it if it is a new SQLite file, and bring its schema up to date.

        Parameters
        ----------
        url
            ``sqlite:///path`` or ``postgresql://user:password@host/name``.

        Raises
        ------
        InvalidSettings
            The URL does not read, or names another kind of database.
        MissingExtra
            PostgreSQL without the extra ``postgresql``.
        DatabaseUnavailable, StorageUnavailable, StateDamaged
            See `translated`.
        StateTooNew
            A newer pipewarden has been here.
        """
        parsed = _parsed(url)
        _make_folder(parsed)
        database = cls(parsed)
        try:
            with database.read() as conn:
                version = _version(conn)
            if version != HEAD:
                database._upgrade()
        except BaseException:
            database.close()
            raise
        return database

    def __repr__(self) -> str:
        return f"Database({self.url.render_as_string(hide_password=True)!r})"

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.url.get_backend_name()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a write transaction: committed at the end, or not at all.

        Raises
        ------
        DatabaseUnavailable, StorageUnavailable, StateDamaged
            See `translated`; nothing is retried.
        """
        with translated(self.url), self._here().connect() as conn:
            conn.execution_options(pipewarden_writes=True)
            with conn.begin():
                if self.dialect == "postgresql":
                    # Wait for the turn of this writer, until the transaction ends.
                    conn.exec_driver_sql(
                        f"SELECT pg_advisory_xact_lock({_WRITER}, hashtext(current_schema()))"
                    )
                yield conn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one unchanging state; it blocks nobody and waits for nobody.

        Raises
        ------
        DatabaseUnavailable, StorageUnavailable, StateDamaged
            See `translated`.
        """
        with translated(self.url), self._here().connect() as conn:
            if self.dialect == "postgresql":
                conn.execution_options(isolation_level="REPEATABLE READ")
            with conn.begin():
                yield conn

    def close(self) -> None:
        """Close the connections that nobody uses."""
        if self._pid == os.getpid():
            self._engine.dispose()

    def _here(self) -> Engine:
        if self._pid != os.getpid():
            _inherited.append(self._engine)
            self._engine, self._pid = _engine(self.url), os.getpid()
        return self._engine

    def _upgrade(self) -> None:
        with self.write() as conn:
            version = _version(conn)  # again, now that nobody else can be upgrading
            if version == HEAD:
                return
            if version is not None and version not in REVISIONS:
                raise StateTooNew(
                    f"{shown(self.url)} has schema {version!r}; this pipewarden knows up to {HEAD}",
                    left_behind="nothing was changed",
                    next_step="pip install --upgrade pipewarden",
                )
            from alembic import command
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", "pipewarden.store.state:migrations")
            config.set_main_option("recursive_version_locations", "true")
            config.attributes["connection"] = conn
            command.upgrade(config, "head")


def _version(conn: Connection) -> str | None:
    """Return the schema's revision; None for a database that has none of our tables."""
    if conn.dialect.name == "sqlite":
        there = "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
    else:
        there = "SELECT to_regclass('alembic_version')"
    if conn.exec_driver_sql(there).scalar() is None:
        return None
    found = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise InvalidSettings(
            "the setting database_url is not a database URL",
            next_step="write sqlite:///path/to/state.db or postgresql://user:password@host/name",
        ) from error
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return parsed
    raise InvalidSettings(
        f"the state database cannot be {parsed.drivername!r}: only sqlite and postgresql",
        next_step="write sqlite:///path/to/state.db or postgresql://user:password@host/name",
    )


def _make_folder(url: URL) -> None:
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return
    folder = Path(str(url.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(
            f"the folder {folder} of the state database cannot be made: {error}",
            left_behind="nothing was changed",
            next_step="correct its permissions or the setting database_url",
        ) from error


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = create_engine(
            url,
            connect_args={"application_name": "pipewarden", "connect_timeout": 10},
            pool_size=2,
            max_overflow=8,
            pool_pre_ping=True,
        )
    except ImportError as error:
        raise MissingExtra("The state database on PostgreSQL", "postgresql") from error
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling off: it would begin late and deferred.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    if not _in_wal_mode(cursor):
        _switch_to_wal(cursor)
    cursor.close()


def _in_wal_mode(cursor: Any) -> bool:
    return cursor.execute("PRAGMA journal_mode").fetchone()[0] in ("wal", "memory")


def _switch_to_wal(cursor: Any) -> None:
    """Switch a new file to the write-ahead log, once and by one process at a time.

    Of two that try at once SQLite fails one without waiting, hence the lock beside the file.
    """
    from filelock import FileLock, Timeout

    path = cursor.execute("PRAGMA database_list").fetchone()[2]
    try:
        with storage_errors(Path(path)), FileLock(f"{path}.lock", timeout=LOCK_TIMEOUT):
            if not _in_wal_mode(cursor):
                cursor.execute("PRAGMA journal_mode = WAL")
    except Timeout as error:
        raise DatabaseUnavailable(
            f"the state database {path} is being made by another process that does not end",
            left_behind="nothing was changed",
            next_step=f"find the process that holds {path}.lock",
        ) from error


def _begin_sqlite(conn: Connection) -> None:
    writes = conn.get_execution_options().get("pipewarden_writes")
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: Any, _record: object) -> None:
    # A runner that stops in the middle of a write must not stop all others for ever.
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET lock_timeout = '{LOCK_TIMEOUT}s'; "
            "SET idle_in_transaction_session_timeout = '60s'; SET timezone = 'UTC'"
        )
    connection.commit()
