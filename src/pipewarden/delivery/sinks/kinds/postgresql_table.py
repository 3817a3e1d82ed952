"""The table that documents are rows of: its statements, and its versions.

Every identifier is quoted by psycopg, whatever characters it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipewarden.errors import StateTooNew

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import SQL, Composed, Identifier

#: What a row holds; ``id`` is the primary key.
COLUMNS = (
    "id",
    "pipeline",
    "key",
    "version",
    "content_hash",
    "fingerprint",
    "input_hash",
    "run_id",
    "at",
    "document",
)
_TYPES = {"at": "timestamptz", "document": "jsonb"}
#: First half of the advisory lock under which a table is made; the second is its name.
_MAKING = 0x7078


@dataclass(frozen=True, slots=True)
class Table:
    """A table by its name, and its schema; an empty schema is the connection's own."""

    schema: str
    name: str

    def identifier(self, suffix: str = "") -> Identifier:
        """Return the quoted name of the table, or of one that belongs to it."""
        from psycopg.sql import Identifier

        name = self.name + suffix
        return Identifier(self.schema, name) if self.schema else Identifier(name)

    def among_parameters(self, suffix: str = "") -> SQL:
        """Return the quoted name for a statement with parameters, where ``%`` is written twice."""
        from psycopg.sql import SQL

        return SQL(self.identifier(suffix).as_string().replace("%", "%%"))

    def upsert(self) -> Composed:
        """Return the statement that stores a row, or replaces what it was."""
        from psycopg.sql import SQL, Identifier, Placeholder

        others = [Identifier(name) for name in COLUMNS if name != "id"]
        values = [
            SQL("{}::{}").format(Placeholder(name), SQL(_TYPES.get(name, "text")))
            for name in COLUMNS
        ]
        return SQL(
            "INSERT INTO {table} ({columns}) VALUES ({values})"
            " ON CONFLICT (id) DO UPDATE SET {changes}, delivered_at = now()"
        ).format(
            table=self.among_parameters(),
            columns=SQL(", ").join(map(Identifier, COLUMNS)),
            values=SQL(", ").join(values),
            changes=SQL(", ").join(SQL("{0} = EXCLUDED.{0}").format(name) for name in others),
        )

    def delete(self) -> Composed:
        """Return the statement that removes rows by their ids."""
        from psycopg.sql import SQL

        return SQL("DELETE FROM {} WHERE id = ANY(%s)").format(self.among_parameters())


#: What brings a table from each version to the next. Never edit one that was released.
_MIGRATIONS = (
    """CREATE TABLE {table} (
        id text PRIMARY KEY,
        pipeline text NOT NULL,
        key text NOT NULL,
        version text NOT NULL,
        content_hash text NOT NULL,
        fingerprint text NOT NULL,
        input_hash text NOT NULL,
        run_id text NOT NULL,
        at timestamptz NOT NULL,
        delivered_at timestamptz NOT NULL DEFAULT now(),
        document jsonb NOT NULL
    )""",
)


def prepare(conn: Connection, table: Table) -> None:
    """Make the table, or bring it up to date, within the transaction under way.

    Raises
    ------
    StateTooNew
        A newer pipewarden has been here.
    """
    from psycopg.sql import SQL, Identifier

    conn.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_MAKING, table.name])
    if table.schema and not _exists(conn, "to_regnamespace", Identifier(table.schema).as_string()):
        conn.execute(SQL("CREATE SCHEMA {}").format(Identifier(table.schema)))
    versions = table.identifier("_version")
    if not _exists(conn, "to_regclass", versions.as_string()):
        conn.execute(SQL("CREATE TABLE {} (version integer NOT NULL)").format(versions))
        conn.execute(SQL("INSERT INTO {} VALUES (0)").format(versions))
    row = conn.execute(SQL("SELECT version FROM {}").format(versions)).fetchone()
    version = int(row[0]) if row else 0
    if version > len(_MIGRATIONS):
        raise StateTooNew(
            f"table {table.name} is of version {version}; this pipewarden knows {len(_MIGRATIONS)}",
            next_step="pip install --upgrade pipewarden",
        )
    for migration in _MIGRATIONS[version:]:
        conn.execute(SQL(migration).format(table=table.identifier()))
    if version < len(_MIGRATIONS):
        change = SQL("UPDATE {} SET version = %s").format(table.among_parameters("_version"))
        conn.execute(change, [len(_MIGRATIONS)])


def _exists(conn: Connection, function: str, name: str) -> bool:
    from psycopg.sql import SQL

    found = conn.execute(SQL("SELECT {}(%s)").format(SQL(function)), [name]).fetchone()
    return found is not None and found[0] is not None
