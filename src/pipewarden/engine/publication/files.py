"""Outputs that are files: each document one JSON file in the output folder, mirroring its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipewarden.core.canonical import digest
from pipewarden.engine.publication import documents
from pipewarden.engine.task import Worked
from pipewarden.store.files import durable, lines
from pipewarden.store.files.hashing import Signature, trusted_signature
from pipewarden.store.manifest.contract import ManifestStore
from pipewarden.store.manifest.document import relative_key
from pipewarden.store.manifest.record import Entry


class Outputs(Protocol):
    """Where documents are published; what is taken is published together, by `flush`."""

    def open(self, lock_timeout: float, note: Callable[[str], None]) -> None:
        """Become the one writer, or raise `Locked`; before anything is taken."""
        ...

    def close(self) -> None:
        """Stop being the writer, with everything that was published committed."""
        ...

    def release(self) -> None:
        """Stop being the writer, as a dead process would."""
        ...

    def publish(self, key: str, worked: Worked, entry: Entry) -> Path:
        """Take a document, and write into the entry where it will be; return its file."""
        ...

    def keep(self, before: Entry, entry: Entry) -> None:
        """Let the output of an earlier entry stay that of a new one."""
        ...

    def read(self, entry: Entry) -> bytes | None:
        """Return a published document, if it is still as it was published."""
        ...

    def withdraw(self, key: str, before: Entry, reason: str) -> None:
        """Take the withdrawal of a published document."""
        ...

    def withdraw_uncommitted(self, key: str) -> None:
        """Take the withdrawal of what a dead run published and did not commit, if it did."""
        ...

    def move(self, key: str, before: Entry, entry: Entry) -> None:
        """Take the move of a published document to the place of a new key."""
        ...

    def appended(self) -> tuple[str, int] | None:
        """Return what a record must tell of a file of lines; None where outputs are files."""
        ...

    def flush(self) -> None:
        """Publish durably what was taken."""
        ...

    def remember(self, store: ManifestStore) -> None:
        """Let the manifest remember the signatures of what `flush` published, once committed."""
        ...


@dataclass(frozen=True, slots=True)
class _Publication:
    """An output that waits for its final name."""

    key: str
    staged: Path
    target: Path
    source: Signature | None


class FileOutputs:
    """One file a document.

    Parameters
    ----------
    folder
        The output folder.
    base
        The folder that the manifest's paths are relative to.
    """

    def __init__(self, folder: Path, base: Path) -> None:
        self._folder = folder
        self._base = base
        self._publications: list[_Publication] = []
        self._published: list[_Publication] = []
        self._withdrawn: list[Path] = []

    def open(self, lock_timeout: float, note: Callable[[str], None]) -> None:
        """Nothing: the lock on the source is the lock on its outputs."""

    def close(self) -> None:
        """Nothing is open."""

    def release(self) -> None:
        """Nothing is held."""

    def publish(self, key: str, worked: Worked, entry: Entry) -> Path:
        """Take a staged document; return the name that it will have."""
        assert worked.staged is not None
        target = self._target(key)
        entry["output_path"] = relative_key(target, self._base)
        entry["output_hash"] = worked.staged_hash
        self._publications.append(_Publication(key, worked.staged, target, worked.input_signature))
        return target

    def _target(self, key: str) -> Path:
        return documents.artifact_path(self._folder, key, ".json")

    def keep(self, before: Entry, entry: Entry) -> None:
        """Let the output of an earlier entry stay that of a new one."""
        entry["output_path"] = before.get("output_path")
        entry["output_hash"] = before.get("output_hash")
        if "output_span" in before:
            entry["output_span"] = before["output_span"]

    def read(self, entry: Entry) -> bytes | None:
        """Return a published document, if it is still as it was published."""
        path = self._base / str(entry.get("output_path"))
        span = entry.get("output_span")  # given where it was published as a line, before
        data = None
        if path.is_file():
            data = lines.read_span(path, *span) if span else path.read_bytes()
        return data if data is not None and digest(data) == entry.get("output_hash") else None

    def withdraw(self, key: str, before: Entry, reason: str) -> None:  # noqa: ARG002 - a file that is gone says nothing
        """Take the removal of a published document's file; a file of lines holds others', too."""
        if "output_span" in before:
            return
        self._withdrawn.append(self._base / str(before.get("output_path")))

    def withdraw_uncommitted(self, key: str) -> None:
        """Take the removal of a file that a dead run published and did not commit."""
        if self._target(key).is_file():
            self._withdrawn.append(self._target(key))

    def move(self, key: str, before: Entry, entry: Entry) -> None:
        """Take the move of a document's file, which names its item, to the place of a new key."""
        target, old = self._target(key), self._base / str(before.get("output_path"))
        document = documents.decode(old.read_bytes())
        document["source"] = {**document.get("source", {}), "path": key}
        data = documents.encode(document)
        durable.make_folder(target.parent)
        staged = durable.stage(target.parent, data)
        self._publications.append(_Publication(key, staged, target, None))
        self._withdrawn.append(old)
        entry["output_path"] = relative_key(target, self._base)
        entry["output_hash"] = digest(data)

    def appended(self) -> None:
        """Nothing is appended to a file."""

    def flush(self) -> None:
        """Give documents their final names, remove what they replace, and force both to disk."""
        for publication in self._publications:
            durable.replace(publication.staged, publication.target)
        kept = {publication.target for publication in self._publications}
        for output in self._withdrawn:
            if output not in kept:
                output.unlink(missing_ok=True)
        folders = {path.parent for path in (*kept, *self._withdrawn)}
        durable.sync_folders(folder for folder in folders if folder.is_dir())
        self._published, self._publications, self._withdrawn = self._publications, [], []

    def remember(self, store: ManifestStore) -> None:
        """Let the manifest remember the signatures of what `flush` published."""
        for publication in self._published:
            output = trusted_signature(publication.target.stat())
            store.remember(publication.key, publication.source, output)
        self._published = []
