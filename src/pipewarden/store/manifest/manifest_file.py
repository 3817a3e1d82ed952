"""The manifest file: a JSON document, its backup, its journal, its stat cache and its lock.

Reading replays the journal over the document. Committing appends to the journal. Saving compacts
both, in an order in which a crash at any step loses nothing; see `Window` for the steps.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from pathlib import Path

from pipewarden.core.planning import OutputState
from pipewarden.errors import StateDamaged
from pipewarden.store.files import durable
from pipewarden.store.files.folder_lock import FolderLock, Holder
from pipewarden.store.files.hashing import compute_file_hash, signature
from pipewarden.store.manifest.document import Document, decode, relative_key
from pipewarden.store.manifest.journal import Journal, Line, read_lines
from pipewarden.store.manifest.record import Entry, Record
from pipewarden.store.manifest.stat_cache import StatCache
from pipewarden.store.windows import Window, passing

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())  # who embeds us decides what is shown


class ManifestFile:
    """One manifest on disk, with the entries in memory.

    Parameters
    ----------
    path
        The JSON file.
    clock
        Gives the present time, UTC and aware.
    """

    def __init__(self, path: Path | str, clock: Callable[[], datetime]) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100 - links are not followed
        self.folder = self.path.parent
        self.backup = self.path.with_name(self.path.name + ".bak")
        self.journal = Journal(self.path.with_suffix(".journal"))
        self.journal_backup = self.journal.path.with_name(self.journal.path.name + ".bak")
        self.lock = FolderLock(self.path.with_suffix(".lock"))
        self.stats = StatCache(self.path.with_suffix(".stat"))
        #: What a person should know about how the state was read.
        self.notices: list[str] = []
        self._clock = clock
        self._loaded: Document | None = None
        self._disk: tuple[object, ...] = ()
        self._n = 0
        self._dirty = False
        self._applied: dict[str, int] = {}

    @property
    def document(self) -> Document:
        """The entries in memory, read from disk on first use."""
        if self._loaded is None:
            self.load()
            assert self._loaded is not None
        return self._loaded

    def load(self) -> None:
        """Read the manifest and replay its journal; a damaged one falls back to its backup.

        Raises
        ------
        StateDamaged
            The manifest does not read, and neither does its backup: it never silently starts empty.
        StateTooNew
            It was written by a newer pipewarden.
        """
        disk = self._state_of_disk()
        document, from_backup = self._read_document()
        number = document.journal_n
        ignored = 0
        journals = (self.journal_backup, self.journal.path)
        for line in chain.from_iterable(map(read_lines, journals[0 if from_backup else 1 :])):
            if line.n > number and (line.base == document.generation or from_backup):
                _replay(document.files, line.record)
                number = line.n
                self._dirty = True
            else:
                ignored += line.n > number
        if ignored:
            self._notice(
                f"{ignored} journal lines belong to another version of {self.path}; their items "
                "are checked again"
            )
        self._loaded, self._n, self._disk = document, number, disk
        self._dirty = self._dirty or document.upgraded or from_backup

    def _read_document(self) -> tuple[Document, bool]:
        if not self.path.exists():
            if not self.backup.exists():
                return Document(), False
            self._notice(f"{self.path} is missing; its backup {self.backup.name} was loaded")
            return decode(self.backup.read_bytes(), self.backup), True
        try:
            return decode(self.path.read_bytes(), self.path), False
        except StateDamaged as damaged:
            return self._read_backup(damaged), True

    def _read_backup(self, damaged: StateDamaged) -> Document:
        if not self.backup.exists() and self._journal_is_complete():
            self._notice(f"{self.path} is damaged; it was rebuilt from its journal")
            return Document()
        try:
            document = decode(self.backup.read_bytes(), self.backup)
        except (OSError, StateDamaged) as error:
            raise StateDamaged(
                f"{damaged.message}; its backup does not help: {error}",
                left_behind="nothing was changed; inputs and outputs are untouched",
                next_step=f"restore {self.path.name} from version control or a backup; or move "
                f"{self.path.name} and {self.backup.name} away to process everything again",
            ) from damaged
        self._notice(f"{self.path} is damaged; its backup {self.backup.name} was loaded")
        return document

    def _journal_is_complete(self) -> bool:
        """Whether the kept journal begins with the manifest's very first line."""
        first = next(read_lines(self.journal_backup), None)
        return first is not None and first.n == 1

    def _notice(self, text: str) -> None:
        log.warning("manifest notice", extra={"manifest": str(self.path), "notice": text})
        self.notices.append(text)

    def _state_of_disk(self) -> tuple[object, ...]:
        found: list[object] = []
        for path in (self.path, self.journal.path):
            try:
                found.append(signature(path.stat()))
            except OSError:
                found.append(None)
        return tuple(found)

    def key(self, path: Path | str) -> str:
        """Return the key of a path: POSIX, relative to the manifest's folder."""
        return relative_key(path, self.folder)

    def get(self, key: str) -> Entry | None:
        """Return what is known of the item, or None."""
        return self.document.files.get(key)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield every key and entry."""
        return iter(self.document.files.items())

    def output_state(self, key: str, entry: Entry) -> OutputState:
        """Return what is found where the output of an item should be, hashing only if needed."""
        recorded = entry.get("output_path")
        if not recorded:
            return OutputState.SOUND
        output = self.folder / recorded
        try:
            found = output.stat()
        except OSError:
            local = key in self.stats or os.path.isabs(recorded)  # noqa: PTH117
            return OutputState.MISSING if local else OutputState.ELSEWHERE
        row = self.stats.rows().get(key)
        if row is not None and row[1] is not None and tuple(row[1]) == signature(found):
            return OutputState.SOUND
        wanted = entry.get("output_hash")
        if output.is_file() and wanted and compute_file_hash(output) != wanted:
            return OutputState.ALTERED
        return OutputState.SOUND

    def become_writer(self, run_id: str, timeout: float) -> None:
        """Take the lock if it is not held, and read again what another writer changed meanwhile."""
        if self.lock.held:
            return
        durable.make_folder(self.folder)
        self.lock.acquire(Holder.this_process(run_id, self._clock().isoformat()), timeout)
        self.refresh()

    def refresh(self) -> None:
        """Read manifest and journal again if they are not what was read; to be called locked."""
        if self._loaded is None or self._state_of_disk() != self._disk:
            self.load()

    def commit(self, records: Sequence[Record]) -> None:
        """Commit records: force them to the journal, then change the entries in memory.

        Raises
        ------
        StorageUnavailable
            The disk is full; none of the records counts.
        """
        base = self.document.generation
        lines = [Line(self._n + i, base, record) for i, record in enumerate(records, 1)]
        self.journal.append(lines)
        self._n += len(lines)
        for record in records:
            _replay(self.document.files, record)
        self._dirty, self._disk = True, self._state_of_disk()

    def pending(self) -> Iterator[Record]:
        """Yield every record that a run committed and that may not be applied to the ledger yet."""
        for line in read_lines(self.journal.path):
            if line.record.seq:
                yield line.record

    def touch(self) -> None:
        """Note that the document was changed in memory, so that `save` writes it."""
        self._dirty = True

    def mark_applied(self, run_id: str, seq: int) -> None:
        """Note that the ledger knows the run's records up to ``seq``; `save` may drop them."""
        self._applied[run_id] = max(seq, self._applied.get(run_id, 0))

    def save(self, timeout: float = 10.0) -> None:
        """Compact: write the manifest atomically and durably, keep the previous one as backup.

        Raises
        ------
        StorageUnavailable
            The disk is full; manifest and journal are as before.
        """
        borrowed = not self.lock.held
        self.become_writer("save", timeout)
        try:
            if self._dirty or not self.path.exists():
                self._compact()
            self.stats.save()
        finally:
            if borrowed:
                self.lock.release()

    def _compact(self) -> None:
        held = self.document
        used = {entry.get("run_id") for entry in held.files.values()}
        latest = list(held.run_configs)[-1:]
        held.run_configs = {
            run: config for run, config in held.run_configs.items() if run in used or run in latest
        }
        held.metadata |= {
            "last_updated": self._clock().isoformat(),
            "generation": secrets.token_hex(8),
            "journal_n": self._n,
        }
        staged = durable.stage(self.folder, held.encode())
        passing(Window.MANIFEST_STAGED)
        if self.path.exists():
            self._keep_backup()
        passing(Window.MANIFEST_BACKED_UP)
        durable.replace(staged, self.path)
        durable.sync_folder(self.folder)
        passing(Window.MANIFEST_REPLACED)
        retained = [
            line
            for line in read_lines(self.journal.path)
            if line.record.seq > self._applied.get(line.record.run_id, 0)
        ]
        self.journal.restart(retained, self.journal_backup)
        passing(Window.JOURNAL_CLEARED)
        held.upgraded, self._dirty, self._disk = False, False, self._state_of_disk()

    def _keep_backup(self) -> None:
        """Keep the present manifest as the backup, unless it is the damaged one."""
        data = self.path.read_bytes()
        with suppress(StateDamaged):
            decode(data, self.path)
            durable.write_file(self.backup, data)

    def close(self) -> None:
        """Close the journal and give the lock back; nothing is saved."""
        self.journal.close()
        self.lock.release()


def _replay(files: dict[str, Entry], record: Record) -> None:
    if record.moved_from is not None:
        files.pop(record.moved_from, None)
    if record.entry is None:
        files.pop(record.key, None)
    else:
        files[record.key] = record.entry
