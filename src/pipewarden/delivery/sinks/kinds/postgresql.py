"""Documents as rows of a table: one row each, upserted in batches.

The table holds a document as ``jsonb`` beside its key, version and hashes. It is made, and brought
up to date, by `postgresql_table` on first use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from pipewarden.core.sinks import Delivery
from pipewarden.delivery.outcome import DELIVERED, UNTRIED, Outcome, rejected, unavailable
from pipewarden.delivery.sinks.kinds.postgresql_table import COLUMNS, Table, prepare
from pipewarden.delivery.sinks.options import SinkOptions
from pipewarden.errors import InvalidSettings, MissingExtra, StateTooNew
from pipewarden.settings import redact_text

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

#: The classes of SQLSTATE that mean the data of one document: data exception, integrity constraint
#: violation, program limit exceeded (PostgreSQL documentation, appendix A).
_OF_THE_DOCUMENT = {"22": "not_storable", "23": "refused_by_constraint", "54": "too_large"}
#: Conflicts with others that a second try settles: serialization failure, deadlock.
_AGAIN = frozenset({"40001", "40P01"})
_TRIES = 3
#: Seconds that a connection is waited for.
_WAIT = 2.0


class PostgresqlOptions(SinkOptions):
    """A table of a database."""

    kind: Literal["postgresql"]
    url: str = Field(repr=False, description="`postgresql://user:password@host/database`.")
    schema_name: str = Field(
        default="",
        alias="schema",
        max_length=63,
        description="The schema, made if it does not exist; empty: the connection's own.",
    )
    table: str = Field(
        default="pipewarden_documents", min_length=1, max_length=50, description="The table."
    )
    pool_min: int = Field(default=5, ge=1, description="Connections held open.")
    pool_max: int = Field(default=20, ge=1, description="Connections at most.")

    @model_validator(mode="after")
    def _pool_holds(self) -> PostgresqlOptions:
        if self.pool_max < self.pool_min:
            raise ValueError("pool_max is less than pool_min")
        return self


class PostgresqlSink:
    """Upserts batches; it may be used by many threads at once, which then share a pool."""

    def __init__(self, options: PostgresqlOptions) -> None:
        try:
            import psycopg
            from psycopg.conninfo import conninfo_to_dict
            from psycopg_pool import ConnectionPool, PoolTimeout
        except ImportError as error:
            raise MissingExtra("A sink of kind postgresql", "postgresql") from error
        try:
            conninfo_to_dict(_plain(options.url))
        except psycopg.Error:
            raise InvalidSettings("its url is no URL of a PostgreSQL database") from None
        self._psycopg, self._pool_class, self._late = psycopg, ConnectionPool, PoolTimeout
        self._options = options
        self._table = Table(options.schema_name, options.table)
        self._pool: ConnectionPool[Connection] | None = None
        self._own: Connection | None = None
        self._alone, self._opening = Lock(), Lock()
        self._prepared = False

    # ── storing ──────────────────────────────────────────────────────────────────────────────

    def deliver(self, deliveries: Sequence[Delivery], timeout: float) -> list[Outcome]:
        """Upsert and delete rows in one transaction; see `Sink`."""
        ends = time.monotonic() + timeout
        outcomes: dict[str, Outcome] = {}
        error = self._attempt(ends, lambda conn: self._store(conn, deliveries, outcomes))
        first = next((d.id for d in deliveries if d.id not in outcomes), None)
        if error is not None and first is not None:
            outcomes[first] = error
        return [outcomes.get(delivery.id, UNTRIED) for delivery in deliveries]

    def _store(
        self, conn: Connection, deliveries: Sequence[Delivery], outcomes: dict[str, Outcome]
    ) -> None:
        """Store documents; where one of them is at fault, halve them until it is alone."""
        left = [delivery for delivery in deliveries if delivery.id not in outcomes]
        if not left:
            return
        try:
            with conn.transaction():
                self._write(conn, left)
        except (self._psycopg.Error, UnicodeEncodeError) as error:
            reason = _reason(error)
            if not reason:
                raise
            if len(left) > 1:
                middle = len(left) // 2
                self._store(conn, left[:middle], outcomes)
                self._store(conn, left[middle:], outcomes)
            else:
                outcomes[left[0].id] = rejected(reason, _words(error))
        else:
            outcomes.update({delivery.id: DELIVERED for delivery in left})

    def _write(self, conn: Connection, deliveries: Sequence[Delivery]) -> None:
        gone = [delivery.id for delivery in deliveries if delivery.document is None]
        rows = [_row(delivery) for delivery in deliveries if delivery.document is not None]
        with conn.cursor() as cursor:
            if gone:
                cursor.execute(self._table.delete(), [gone])
            if rows:
                cursor.executemany(self._table.upsert(), rows)

    # ── connections ──────────────────────────────────────────────────────────────────────────

    def _attempt(self, ends: float, work: Callable[[Connection], None]) -> Outcome | None:
        """Do ``work`` with a prepared connection; return why it could not be finished."""
        for tried in range(1, _TRIES + 1):
            left = min(_WAIT, max(0.1, ends - time.monotonic()))
            try:
                with self._connection(left) as conn:
                    if not self._prepared:
                        with conn.transaction():
                            prepare(conn, self._table)
                        self._prepared = True
                    work(conn)
                return None
            except self._late:
                self.close()
                return unavailable(f"postgresql: no connection within {left:.3g} s")
            except StateTooNew as error:
                return unavailable(error.message)
            except self._psycopg.Error as error:
                if error.sqlstate in _AGAIN and tried < _TRIES and time.monotonic() < ends:
                    continue
                self._prepared = False  # the table may have been dropped
                self.close()
                if tried == 1 and _is_lost(error):  # such as one that a restart has cut
                    continue
                return unavailable(_words(error))
        raise AssertionError("the last try returns")

    def _limit(self, conn: Connection) -> None:
        """Let the server give up when we do."""
        millis = str(int(self._options.timeout * 1000))
        conn.execute("SELECT set_config('statement_timeout', %s, false)", [millis])
        conn.commit()

    @contextmanager
    def _connection(self, seconds: float) -> Iterator[Connection]:
        """Give a connection: the first thread its own, others that come meanwhile one of a pool.

        A pool has threads, and beside threads no worker of a run can be forked: a run, which sends
        from one thread at a time, gets by without.
        """
        if not self._alone.acquire(blocking=False):
            with self._opened(seconds).connection(timeout=seconds) as conn:
                yield conn
            return
        try:
            if self._own is None or self._own.closed:
                self._own = self._connect(seconds)
                self._limit(self._own)
            yield self._own
        finally:
            self._alone.release()

    def _opened(self, seconds: float) -> ConnectionPool[Connection]:
        """Return the pool, opened by the first of the threads that need it."""
        if not self._opening.acquire(timeout=seconds):
            raise self._late(f"the pool was not opened within {seconds:g} s")
        try:
            if self._pool is None:
                self._pool = self._new_pool(seconds)
            return self._pool
        finally:
            self._opening.release()

    def _new_pool(self, seconds: float) -> ConnectionPool[Connection]:
        # One that is down says so at once; the pool would wait and try again.
        self._connect(seconds).close()
        pool = self._pool_class(
            _plain(self._options.url),
            min_size=self._options.pool_min,
            max_size=self._options.pool_max,
            kwargs={"application_name": "pipewarden sink", "connect_timeout": 10},
            configure=self._limit,
            check=self._pool_class.check_connection,
            reconnect_timeout=self._options.timeout,
            name="pipewarden-sink",
            open=False,
        )
        pool.open()
        return pool

    def probe(self, timeout: float) -> Outcome:
        """Return whether the database answers."""
        try:
            self._connect(timeout).close()
        except self._psycopg.Error as error:
            return unavailable(_words(error))
        return DELIVERED

    def _connect(self, seconds: float) -> Connection:
        # libpq takes whole seconds, and two at least.
        limit = max(2, int(seconds))
        return self._psycopg.connect(_plain(self._options.url), connect_timeout=limit)

    def close(self) -> None:
        """Close the connections."""
        if self._own is not None:
            self._own.close()
            self._own = None
        if self._pool is not None:
            self._pool.close(timeout=5)
            self._pool = None


def _row(delivery: Delivery) -> dict[str, str]:
    row = {name: str(getattr(delivery, name)) for name in COLUMNS if name != "document"}
    return {**row, "document": (delivery.document or b"").decode()}


def _plain(url: str) -> str:
    """Return a URL as psycopg takes it; SQLAlchemy's form of it will do."""
    scheme, _, rest = url.partition("://")
    return f"postgresql://{rest}" if scheme == "postgresql+psycopg" else url


def _reason(error: Exception) -> str:
    """Return why a document will never be taken; empty where it is not the document's fault."""
    state = getattr(error, "sqlstate", None)
    if state is None:  # found by the client: a NUL, or half a character
        from psycopg import DataError

        return "not_storable" if isinstance(error, (UnicodeEncodeError, DataError)) else ""
    return _OF_THE_DOCUMENT.get(state[:2], "")


def _is_lost(error: Exception) -> bool:
    """Whether the connection is gone, and not only what was asked of it refused."""
    from psycopg import OperationalError

    state = getattr(error, "sqlstate", None)
    return isinstance(error, OperationalError) and (state is None or state.startswith("57P"))


def _words(error: Exception) -> str:
    return redact_text(f"postgresql: {' '.join(str(error).split())}"[:400])
