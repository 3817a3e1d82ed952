"""The answer of somebody else's database to a query, kept as a table."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, exc, make_url, text

from pipewarden.errors import (
    DependencyUnavailable,
    InvalidSettings,
    MissingExtra,
    SourceNotFound,
    UsageError,
)
from pipewarden.store.files import durable

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

_ROWS_AT_ONCE = 1_000
#: What SQLAlchemy would take for a parameter.
_PLACEHOLDER = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
#: By dialect: what the driver calls the seconds to wait, and what keeps us from writing.
_MANNERS = {
    "sqlite": ("timeout", "PRAGMA query_only = ON"),
    "postgresql": ("connect_timeout", "SET TRANSACTION READ ONLY"),
}


def keep_answer(url: str, query: str, path: Path) -> int:
    """Write the rows of a query as CSV with a header, and return how many there are.

    Nothing is committed, and on SQLite and PostgreSQL the transaction is read-only. The file has
    its name when it is whole: what stood there before stays until then.

    Parameters
    ----------
    url
        The SQLAlchemy URL of a database; its password is in no message.
    query
        One ``SELECT``. A value that is missing becomes an empty cell.

    Raises
    ------
    InvalidSettings
        The URL is none.
    SourceNotFound
        The file of an SQLite database does not exist.
    DependencyUnavailable
        The database does not answer, or does not let us in.
    UsageError
        The query does not run, or gives no rows.
    StorageUnavailable
        The disk is full, or the folder cannot be written.
    """
    where = _url(url)
    durable.make_folder(path.parent)
    temporary = durable.stage(path.parent, b"")
    try:
        with (
            _reading(where) as connection,
            durable.storage_errors(path),
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer, written = csv.writer(file), -1  # the header is no row
            for row in _rows(connection, query, where):
                writer.writerow(row)
                written += 1
            file.flush()
            os.fsync(file.fileno())
        durable.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return written


def _url(url: str) -> URL:
    try:
        return make_url(url)
    except exc.ArgumentError:  # its words hold the URL
        raise InvalidSettings(
            "the connection is no database URL",
            next_step="write it as dialect+driver://user:password@host/database",
        ) from None


@contextmanager
def _reading(where: URL) -> Iterator[Connection]:
    shown = where.render_as_string(hide_password=True)
    timeout, read_only = _MANNERS.get(where.get_backend_name(), ("", ""))
    if where.get_backend_name() == "sqlite" and not Path(where.database or "").is_file():
        raise SourceNotFound(f"the database {where.database} does not exist")
    try:
        engine = create_engine(where, connect_args={timeout: 10} if timeout else {})
    except (ImportError, exc.NoSuchModuleError) as error:
        if where.get_backend_name() == "postgresql":
            raise MissingExtra("reading from PostgreSQL", "postgresql") from error
        raise InvalidSettings(f"no driver for {shown} is installed: {error}") from error
    try:
        with closing(engine.connect()) as connection:
            if read_only:
                connection.execute(text(read_only))
            yield connection
    except exc.DBAPIError as error:
        raise DependencyUnavailable(
            f"the database {shown} does not answer: {_said(error, where)}",
            left_behind="nothing was run",
            next_step="check the connection in the settings, and run it again",
        ) from error
    finally:
        engine.dispose()


def _rows(connection: Connection, query: str, where: URL) -> Iterator[tuple[object, ...]]:
    """Yield the names of the columns, then the rows."""
    shown = where.render_as_string(hide_password=True)
    try:
        asked = text(_PLACEHOLDER.sub(r"\\:\1", query))  # a colon is a colon
        answer = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(asked)
        if not answer.returns_rows:
            raise UsageError(
                f"the query of {shown} gives no rows",
                left_behind="nothing was run",
                next_step="write one SELECT",
            )
        yield tuple(answer.keys())
        for row in answer:
            yield tuple(row)
    except exc.DBAPIError as error:
        raise UsageError(
            f"the query of {shown} does not run: {_said(error, where)}",
            left_behind="nothing was run",
            next_step="correct the query, and run it again",
        ) from error


def _said(error: exc.DBAPIError, where: URL) -> str:
    """Return the driver's own first line, without the password should it stand there."""
    said = str(error.orig).strip().partition("\n")[0]
    return said.replace(str(where.password), "***") if where.password else said
