"""`TableManifest`: what is done of a source whose manifest lives in the state database.

The twin of the manifest file, for document sets and for folders configured so. Here the commit is
one transaction: entries, items, ledger, outbox, progress and cursor together, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Table, Text, bindparam, delete, func, select, type_coerce

from pipewarden.core.jobs import Lease
from pipewarden.store.manifest.record import Entry, Record
from pipewarden.store.manifest.stat_cache import StatRow
from pipewarden.store.state.apply import applied_through, apply_records, unapplied
from pipewarden.store.state.column_types import decode_json, encode_json, storable
from pipewarden.store.state.database import Database
from pipewarden.store.state.jobs import check_fence
from pipewarden.store.state.schema import (
    insert_or_replace,
    manifest_entries,
    manifest_run_configs,
    manifest_stats,
)
from pipewarden.store.windows import Window, passing

#: Rows fetched at a time when all are streamed.
_BATCH = 5_000
#: Keys asked for in one query, well under the databases' limits on parameters.
_CHUNK = 500


class TableManifest:
    """The manifest of one source, as rows of the state database.

    Parameters
    ----------
    database
        The open state database.
    source
        The source's name; another source's rows are never seen.
    """

    def __init__(self, database: Database, source: str) -> None:
        self.source = source
        #: What the cursors of `apply_records` know this manifest by.
        self.identity = f"table:{source}"
        self._database = database

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield every key and entry, in bytewise order of the keys, without holding them all."""
        for key, text in self._stream(manifest_entries, "entry"):
            yield key, cast(Entry, decode_json(text))

    def in_order(self) -> Iterator[tuple[str, Entry, StatRow | None]]:
        """Yield every key, in bytewise order, with its entry and its signatures.

        Each batch is a transaction of its own, for the caller may read files between them for a
        long time.
        """
        entries, stats = manifest_entries.c, manifest_stats.c
        signed = (stats.source == entries.source) & (stats.key == entries.key)
        query = (
            select(type_coerce(entries.key, Text), entries.entry, stats.row)
            .select_from(manifest_entries.outerjoin(manifest_stats, signed))
            .where(entries.source == self.source, entries.key > bindparam("after"))
            .order_by(entries.key)
            .limit(_BATCH)
        )
        batch: Sequence[Any] = [("", "", None)]
        while batch:
            with self._database.read() as conn:
                # The next batch of rows, text as it is.
                batch = conn.execute(query, {"after": batch[-1][0]}).all()
            for key, entry, row in batch:
                yield key, decode_json(entry), None if row is None else decode_json(row)

    def get(self, key: str) -> Entry | None:
        """Return what is known of the item, or None."""
        return self.get_many([key]).get(storable(key))

    def get_many(self, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the entries of those keys that are known."""
        wanted = list(keys)
        found: dict[str, Entry] = {}
        with self._database.read() as conn:
            for start in range(0, len(wanted), _CHUNK):
                # The entries of one chunk of keys.
                query = select(manifest_entries.c.key, manifest_entries.c.entry).where(
                    manifest_entries.c.source == self.source,
                    manifest_entries.c.key.in_(wanted[start : start + _CHUNK]),
                )
                found |= {row.key: decode_json(row.entry) for row in conn.execute(query)}
        return found

    def commit(self, records: Sequence[Record], lease: Lease | None = None) -> int:
        """Commit records with all that follows from them, in one transaction; return how many.

        Records that were committed before are skipped. A record without a number (``seq`` 0)
        changes the manifest only.

        Raises
        ------
        Fenced
            The lease is another's by now; nothing was committed.
        """
        with self._database.write() as conn:
            if lease is not None:
                check_fence(conn, lease)
            numbered = unapplied(conn, [r for r in records if r.seq], self.identity)
            fresh = [r for r in records if not r.seq] + numbered
            self._write(conn, fresh)
            apply_records(conn, numbered, manifest=self.identity, lease=lease)
        passing(Window.APPLY_COMMITTED)
        return len(fresh)

    def next_seq(self, run_id: str) -> int:
        """Return the number that the run's next record takes."""
        with self._database.read() as conn:
            return applied_through(conn, self.identity, run_id) + 1

    def _write(self, conn: Connection, records: Sequence[Record]) -> None:
        """Bring the entries to what the records leave behind, each key written once."""
        final: dict[str, Entry | None] = {}
        for record in records:
            if record.moved_from is not None:
                final[record.moved_from] = None
            final[record.key] = record.entry
        gone = [key for key, entry in final.items() if entry is None]
        self._remove(conn, manifest_entries, gone)
        self._remove(conn, manifest_stats, gone)
        rows = [
            {"source": self.source, "key": k, "status": e["status"], "entry": encode_json(e)}
            for k, e in final.items()
            if e is not None
        ]
        if rows:
            conn.execute(insert_or_replace(conn, manifest_entries), rows)

    def _remove(self, conn: Connection, table: Table, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), _CHUNK):
            # Rows of items that are gone.
            conn.execute(
                delete(table).where(
                    table.c.source == self.source, table.c.key.in_(keys[start : start + _CHUNK])
                )
            )

    def statistics(self) -> dict[str, int]:
        """Return how many items are known: ``total``, ``success`` and ``failed``."""
        query = (
            select(manifest_entries.c.status, func.count().label("number"))
            .where(manifest_entries.c.source == self.source)
            .group_by(manifest_entries.c.status)
        )
        with self._database.read() as conn:
            counts = {row.status: row.number for row in conn.execute(query)}
        success, failed = counts.get("success", 0), counts.get("failed", 0)
        return {"total": success + failed, "success": success, "failed": failed}

    def stats(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Yield every key and row of the stat cache, in bytewise order of the keys."""
        for key, text in self._stream(manifest_stats, "row"):
            yield key, tuple(decode_json(text))

    def stat(self, key: str) -> StatRow | None:
        """Return one row of the stat cache, or None."""
        query = select(manifest_stats.c.row).where(
            manifest_stats.c.source == self.source, manifest_stats.c.key == key
        )
        with self._database.read() as conn:
            text = conn.execute(query).scalar()
        return None if text is None else cast(StatRow, decode_json(text))

    def save_stats(
        self, rows: Iterable[tuple[str, Sequence[Any]]], removed: Iterable[str] = ()
    ) -> None:
        """Remember signatures by key, and drop those of items that are gone.

        A row is a flat or nested sequence of integers and None: size, mtime_ns, inode, ctime_ns of
        the input, then of the output.
        """
        kept = [
            {"source": self.source, "key": key, "row": encode_json(list(row))} for key, row in rows
        ]
        gone = list(removed)
        if not kept and not gone:
            return
        with self._database.write() as conn:
            self._remove(conn, manifest_stats, gone)
            if kept:
                conn.execute(insert_or_replace(conn, manifest_stats), kept)

    def put_run_config(self, run_id: str, snapshot: Mapping[str, Any]) -> None:
        """Keep the configuration snapshot of a run."""
        row = {"source": self.source, "run_id": run_id, "snapshot": dict(snapshot)}
        with self._database.write() as conn:
            conn.execute(insert_or_replace(conn, manifest_run_configs), [row])

    def run_config(self, run_id: str) -> dict[str, Any] | None:
        """Return the configuration snapshot of a run, or None."""
        query = select(manifest_run_configs.c.snapshot).where(
            manifest_run_configs.c.source == self.source, manifest_run_configs.c.run_id == run_id
        )
        with self._database.read() as conn:
            found: dict[str, Any] | None = conn.execute(query).scalar()
        return found

    def _stream(self, table: Table, column: str) -> Iterator[Any]:
        # All rows of the source in order of the primary key; text as it is, decoded by the caller.
        query = (
            select(type_coerce(table.c.key, Text), table.c[column])
            .where(table.c.source == self.source)
            .order_by(table.c.key)
        )
        query = query.execution_options(yield_per=_BATCH)
        # Closed here and not when it is collected: a caller may stop before the end.
        with self._database.read() as conn, conn.execute(query) as rows:
            yield from rows
