"""Outputs whose documents are handed to sinks as well, before they are committed.

What is about to be handed over is written down first. A run that dies between hand-over and commit
leaves that note, and the next run of the source makes the sinks agree with the manifest again, even
about an item that has vanished or is rejected by then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipewarden.core.canonical import digest
from pipewarden.core.sinks import Delivery, Handover
from pipewarden.engine.publication import documents
from pipewarden.engine.publication.files import Outputs
from pipewarden.engine.task import Worked
from pipewarden.errors import StateDamaged, StorageUnavailable
from pipewarden.store.files import durable, lines
from pipewarden.store.manifest.contract import ManifestStore
from pipewarden.store.manifest.record import Entry

#: How many documents, and bytes of them, are handed over together.
_TOGETHER, _TOGETHER_BYTES = 500, 8 * 1024 * 1024
#: How long the file of the note may become before it is begun anew.
_NOTE_BYTES = 1024 * 1024
#: Stands for a hash that no document has.
_UNSETTLED = "?"


@dataclass(slots=True)
class HandedOutputs:
    """Outputs of a run, and the hand-over of its documents.

    Parameters
    ----------
    inner
        Where documents are published.
    handover
        Where they are handed to.
    store
        The source's manifest: what is committed.
    note
        The file that says what is being handed over.
    pipeline, run_id
        Whose documents they are.
    clock
        Gives the present time, UTC and aware.
    """

    inner: Outputs
    handover: Handover
    store: ManifestStore
    note: Path
    pipeline: str
    run_id: str
    clock: Callable[[], datetime]
    _waiting: dict[str, Entry | None] = field(default_factory=dict)
    _handed: int = 0
    _noted: bool = False
    _note_end: int = 0
    #: The key of each published output, once a move asks for it; moves are a run's first batch.
    _movable: dict[str, str] = field(default_factory=dict)
    #: Keys that a dead run handed over and did not commit.
    _unsettled: set[str] | None = None

    # ── what is published is handed over, too ────────────────────────────────────────────────

    def publish(self, key: str, worked: Worked, entry: Entry) -> Path:
        """Take a document; see `Outputs`."""
        path = self.inner.publish(key, worked, entry)
        self._waiting[key] = entry
        return path

    def withdraw(self, key: str, before: Entry, reason: str) -> None:
        """Take a withdrawal; a document that the batch gives the same key stays."""
        self.inner.withdraw(key, before, reason)
        self._waiting.setdefault(key, None)

    def withdraw_uncommitted(self, key: str) -> None:
        """Take the withdrawal of what a dead run may have handed over."""
        self.inner.withdraw_uncommitted(key)
        if key in self._left_behind():
            self._waiting.setdefault(key, None)

    def move(self, key: str, before: Entry, entry: Entry) -> None:
        """Take a move: the document appears under its new key and vanishes under the old."""
        if not self._movable:
            held = self.store.entries()
            self._movable = {str(e["output_path"]): k for k, e in held if e.get("output_path")}
        self.inner.move(key, before, entry)
        self._waiting[key] = entry
        self._waiting.setdefault(self._movable[str(before.get("output_path"))], None)

    def flush(self) -> None:
        """Publish what was taken, then hand it over.

        Raises
        ------
        StorageUnavailable
            The disk is full; nothing of the batch is committed.
        """
        self.inner.flush()
        if self._waiting:
            self._hand(self._waiting)
            self._waiting = {}

    # ── the rest is as it was ────────────────────────────────────────────────────────────────

    def open(self, lock_timeout: float, note: Callable[[str], None]) -> None:
        """Become the one writer."""
        self.inner.open(lock_timeout, note)

    def keep(self, before: Entry, entry: Entry) -> None:
        """Let an earlier output stay: the sinks have it."""
        self.inner.keep(before, entry)

    def read(self, entry: Entry) -> bytes | None:
        """Return a published document."""
        return self.inner.read(entry)

    def appended(self) -> tuple[str, int] | None:
        """Return what a record must tell of a file of lines."""
        return self.inner.appended()

    def remember(self, store: ManifestStore) -> None:
        """Let the manifest remember the signatures of what was published."""
        self.inner.remember(store)

    def close(self) -> None:
        """Stop being the writer, with everything committed and settled."""
        self._agree()
        self.inner.close()

    def release(self) -> None:
        """Stop being the writer, as a dead process would."""
        self.inner.release()
        self.handover.close()

    # ── handing over ─────────────────────────────────────────────────────────────────────────

    def settle(self) -> dict[str, dict[str, int]]:
        """Make the sinks agree with the manifest about what a dead run left; return the counts.

        Returns
        -------
        Of each sink, by its name, how many documents of the run were ``delivered``, are
        ``spooled``, or were ``refused``.
        """
        self._agree()
        return self.handover.settle(self.run_id, self._handed)

    def _agree(self) -> None:
        """Hand over what is committed of each item that a dead run left in between.

        One whose output was altered stays noted: the next run that works on it hands it over.
        """
        entries = {key: self._published(key) for key in sorted(self._left_behind())}
        clear = {k: e for k, e in entries.items() if e is None or self.inner.read(e) is not None}
        if clear:
            self._hand(clear)
        if self._noted:
            self._write_note(dict.fromkeys(self._left_behind(), _UNSETTLED))
            self._noted = False

    def _hand(self, waiting: dict[str, Entry | None]) -> None:
        left = self._left_behind()
        told = {key: _output_hash(entry) for key, entry in waiting.items()}
        self._write_note(dict.fromkeys(left - waiting.keys(), _UNSETTLED) | told)
        for deliveries in _together(self._deliveries(waiting)):
            self.handover.hand(deliveries)
            self._handed += len(deliveries)
        left.difference_update(waiting)

    def _deliveries(self, waiting: dict[str, Entry | None]) -> Iterator[Delivery]:
        for key, entry in waiting.items():
            if entry is None:
                yield self._delivery(key, self.store.get(key) or {}, None)
                continue
            published = self.inner.read(entry)
            if published is None:
                raise StorageUnavailable(
                    f"the output of {key} was altered while it was being handed to sinks",
                    left_behind="its batch is not committed",
                    next_step="see who else writes to the output folder, then run it again",
                )
            compact = documents.encode_line(documents.decode(published)).rstrip(b"\n")
            yield self._delivery(key, entry, compact)

    def _delivery(
        self, key: str, entry: Entry | dict[str, Any], document: bytes | None
    ) -> Delivery:
        return Delivery(
            pipeline=self.pipeline,
            key=documents.readable(key),
            input_hash=str(entry.get("hash", "")),
            fingerprint=str(entry.get("fingerprint", "")),
            run_id=self.run_id,
            at=self.clock().isoformat(),
            document=document,
            content_hash="" if document is None else digest(document),
        )

    def _published(self, key: str) -> Entry | None:
        """Return the committed entry of an item whose document is published, else None."""
        entry = self.store.get(key)
        return entry if entry is not None and entry.get("output_path") else None

    # ── the note ─────────────────────────────────────────────────────────────────────────────

    def _write_note(self, keys: dict[str, str]) -> None:
        """Write down durably what is being handed over; the last line of the file counts."""
        told = {"run_id": self.run_id, "handed": self._handed, "keys": keys}
        line = json.dumps(told).encode() + b"\n"
        if keys and 0 < self._note_end < _NOTE_BYTES:
            lines.append(self.note, line, self._note_end)
            self._note_end += len(line)
        else:
            durable.write_file(self.note, line)
            self._note_end = len(line)
        self._noted = True

    def _left_behind(self) -> set[str]:
        """Return the keys that a dead run handed over and did not commit; read once."""
        if self._unsettled is None:
            told = self._read_note()
            keys: dict[str, str] = told.get("keys", {})
            committed = {
                key for key, handed in keys.items() if _output_hash(self._published(key)) == handed
            }
            if told.get("run_id") == self.run_id:
                self._handed = int(told.get("handed", 0)) + len(committed)
            self._unsettled = keys.keys() - committed
        return self._unsettled

    def _read_note(self) -> dict[str, Any]:
        try:
            whole = self.note.read_bytes().rpartition(b"\n")[0]
            told: dict[str, Any] = json.loads(whole.rpartition(b"\n")[2])
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise StateDamaged(
                f"{self.note} does not read: {error}",
                next_step="delete it; if the run before this one was killed, process its items "
                "again with --force, so that the sinks agree",
            ) from error
        self._noted = bool(told.get("keys"))
        return told


def _output_hash(entry: Entry | None) -> str:
    """Return the hash of the document that an entry publishes; empty for none."""
    return "" if entry is None else str(entry.get("output_hash") or "")


def _together(deliveries: Iterable[Delivery]) -> Iterator[list[Delivery]]:
    """Yield deliveries in batches, bounded in number and in bytes."""
    batch: list[Delivery] = []
    size = 0
    for delivery in deliveries:
        if batch and (len(batch) >= _TOGETHER or size + delivery.size > _TOGETHER_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(delivery)
        size += delivery.size
    if batch:
        yield batch
