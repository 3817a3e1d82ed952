"""The one face of a manifest for the engine, and its two stores: a file, or the state database.

The source decides which, never the caller. Either way an item is committed exactly once, and the
ledger, the outbox and the progress of the run learn of it exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pipewarden.core.jobs import Lease
from pipewarden.errors import Locked
from pipewarden.store.files.folder_lock import Holder
from pipewarden.store.files.hashing import Signature
from pipewarden.store.manifest.manifest_file import ManifestFile
from pipewarden.store.manifest.record import Entry, Record
from pipewarden.store.manifest.stat_cache import StatRow
from pipewarden.store.manifest.table import TableManifest
from pipewarden.store.state.apply import apply_records, next_seq
from pipewarden.store.state.column_types import storable
from pipewarden.store.state.database import Database
from pipewarden.store.windows import Window, passing


class ManifestStore(Protocol):
    """What the engine asks of a manifest."""

    @property
    def folder(self) -> Path:
        """The folder that keys and paths are relative to."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """What a person should know about how the state was read."""
        ...

    def lock(self, holder: Holder, timeout: float, waiting: Callable[[str], None]) -> None:
        """Become the one writer, or raise `Locked`."""
        ...

    def catch_up(self) -> int:
        """Apply what a dead runner committed but did not live to apply; return how many records."""
        ...

    def next_seq(self, run_id: str) -> int:
        """Return the number of the run's next record."""
        ...

    def entries(self) -> Iterable[tuple[str, Entry]]:
        """Yield every key and entry."""
        ...

    def get(self, key: str) -> Entry | None:
        """Return what is known of the item, or None."""
        ...

    def in_order(self) -> Iterable[tuple[str, Entry, StatRow | None]]:
        """Yield every key, in order, with its entry and its signatures."""
        ...

    def expect(self, keys: Sequence[str]) -> None:
        """Be told which entries will be asked for next, to read them together."""
        ...

    def commit(self, records: Sequence[Record], lease: Lease | None) -> None:
        """Commit records and apply them; when it returns they survive ``kill -9``."""
        ...

    def remember(self, key: str, source: Signature | None, output: Signature | None) -> None:
        """Remember the signatures of an item's input and output; made durable by `save`."""
        ...

    def forget(self, keys: Iterable[str]) -> None:
        """Drop the signatures of items that are gone."""
        ...

    def keep_run_config(self, run_id: str, snapshot: Mapping[str, Any]) -> None:
        """Keep the configuration snapshot of a run whose items the manifest holds."""
        ...

    def save(self) -> None:
        """Compact and save what is not durable yet (signatures, snapshots)."""
        ...

    def close(self) -> None:
        """Stop being the writer."""
        ...


class FileStore:
    """A folder's manifest file, with the state database learning from its journal.

    Run ids are unique in the database, so the cursors need no name for the manifest: a folder may
    be renamed between a crash and the next run.
    """

    _CURSOR = "file"

    def __init__(self, file: ManifestFile, database: Database, pipeline: str = "") -> None:
        self.file = file
        self._pipeline = pipeline
        self._database = database
        self.folder = file.folder
        self.entries = file.entries
        self.get = file.get

    @property
    def notices(self) -> Sequence[str]:
        """What a person should know about how the state was read."""
        return self.file.notices

    def lock(self, holder: Holder, timeout: float, waiting: Callable[[str], None]) -> None:
        """Take the folder's lock; a runner holds it for its life."""
        self.file.lock.acquire(holder, timeout, waiting)
        self.file.refresh()
        if self._pipeline:
            self._claim()

    def _claim(self) -> None:
        """Let a new manifest say at once whose it is: a run may be killed before it is saved."""
        owner = self.file.document.metadata.setdefault("pipeline", self._pipeline)
        if owner != self._pipeline:
            self.close()
            raise Locked(
                f"{self.file.path} was taken by pipeline {owner!r} a moment ago",
                left_behind="nothing was changed",
                next_step=f"run it again: {self._pipeline!r} gets a manifest of its own",
            )
        if not self.file.path.exists():
            self.file.save()

    def catch_up(self) -> int:
        """Apply what a dead runner committed but did not live to apply; return how many records."""
        pending = list(self.file.pending())
        if not pending:
            return 0
        with self._database.write() as conn:
            applied = apply_records(conn, pending, manifest=self._CURSOR)
        for record in pending:
            self.file.mark_applied(record.run_id, record.seq)
        return applied

    def next_seq(self, run_id: str) -> int:
        """Return the number of the run's next record."""
        with self._database.read() as conn:
            return next_seq(conn, self._CURSOR, run_id)

    def in_order(self) -> Iterator[tuple[str, Entry, StatRow | None]]:
        """Yield every key, in order, with its entry and its signatures."""
        files, rows = self.file.document.files, self.file.stats.rows()
        for key in sorted(files):
            yield key, files[key], rows.get(key)

    def expect(self, keys: Sequence[str]) -> None:
        """Nothing: all entries are in memory."""

    def commit(self, records: Sequence[Record], lease: Lease | None) -> None:
        """Force the records to the journal, which commits them, then apply them."""
        self.file.commit(records)
        with self._database.write() as conn:
            apply_records(conn, records, manifest=self._CURSOR, lease=lease)
        passing(Window.APPLY_COMMITTED)
        self.file.mark_applied(records[-1].run_id, records[-1].seq)

    def remember(self, key: str, source: Signature | None, output: Signature | None) -> None:
        """Remember the signatures of an item's input and output."""
        self.file.stats.put(key, source, output)

    def forget(self, keys: Iterable[str]) -> None:
        """Drop the signatures of items that are gone."""
        self.file.stats.forget(keys)

    def keep_run_config(self, run_id: str, snapshot: Mapping[str, Any]) -> None:
        """Keep the configuration snapshot of a run; written with the run's first item or never."""
        self.file.document.run_configs[run_id] = dict(snapshot)

    def save(self) -> None:
        """Compact manifest and journal if anything changed, and save the signatures."""
        self.file.save()

    def close(self) -> None:
        """Close the journal and give the lock back."""
        self.file.close()


class _StoredSignatures(Mapping[str, StatRow]):
    """The signatures in a table, under those that are not saved yet; there may be a million."""

    def __init__(self, table: TableManifest, changed: Mapping[str, StatRow]) -> None:
        self._table = table
        self._changed = changed

    def __getitem__(self, key: str) -> StatRow:
        row = self._changed.get(key) or self._table.stat(key)
        if row is None:
            raise KeyError(key)
        return row

    def __iter__(self) -> Iterator[str]:
        return iter({key for key, _ in self._table.stats()} | self._changed.keys())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class TableStore:
    """A source's manifest in the state database; the job's lease makes one runner its writer."""

    def __init__(self, table: TableManifest, folder: Path) -> None:
        self._table = table
        self.folder = folder
        self.notices: Sequence[str] = ()
        self.entries = table.entries
        self.in_order = table.in_order
        self.keep_run_config = table.put_run_config
        self._changed: dict[str, StatRow] = {}
        self._removed: set[str] = set()
        #: Entries read ahead, until they change; None for a key that is not known.
        self._ahead: dict[str, Entry | None] = {}

    def lock(self, holder: Holder, timeout: float, waiting: Callable[[str], None]) -> None:
        """Nothing to take: claiming the job exclusively keeps other runners of the source out."""

    def catch_up(self) -> int:
        """Forget what was read ahead; commit and application are one transaction."""
        self._ahead.clear()
        return 0

    def next_seq(self, run_id: str) -> int:
        """Return the number of the run's next record."""
        return self._table.next_seq(run_id)

    def expect(self, keys: Sequence[str]) -> None:
        """Read entries ahead: one by one, reading would take as long as committing."""
        found = self._table.get_many(keys)
        self._ahead |= {key: found.get(storable(key)) for key in keys}

    def get(self, key: str) -> Entry | None:
        """Return what is known of the item, or None."""
        return self._ahead[key] if key in self._ahead else self._table.get(key)

    def commit(self, records: Sequence[Record], lease: Lease | None) -> None:
        """Commit and apply the records in one transaction."""
        self._table.commit(records, lease)
        for record in records:
            self._ahead.pop(record.key, None)
            self._ahead.pop(record.moved_from or "", None)

    def remember(self, key: str, source: Signature | None, output: Signature | None) -> None:
        """Remember the signatures of an item's input and output."""
        self._changed[key] = [list(source) if source else None, list(output) if output else None]

    def forget(self, keys: Iterable[str]) -> None:
        """Drop the signatures of items that are gone."""
        self._removed.update(keys)

    def save(self) -> None:
        """Save the signatures that changed."""
        kept = ((key, row) for key, row in self._changed.items() if key not in self._removed)
        self._table.save_stats(kept, self._removed)
        self._changed.clear()
        self._removed.clear()

    def close(self) -> None:
        """Nothing to give back."""
