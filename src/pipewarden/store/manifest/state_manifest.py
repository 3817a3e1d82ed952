"""`StateManifest`: what is done in a folder, as a JSON file with a journal beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipewarden.core.planning import OutputState, Policy, decide
from pipewarden.store.files.hashing import compute_file_hash, trusted_signature
from pipewarden.store.manifest.manifest_file import ManifestFile
from pipewarden.store.manifest.record import Entry, Record


def utc_now() -> datetime:
    """Return the present time, UTC and aware."""
    return datetime.now(UTC)


class StateManifest:
    """What was processed, with which result, in one folder; the only record of "done" there is.

    ``record_success`` and ``record_failure`` are durable when they return: a line is forced to the
    journal. ``save`` compacts journal and manifest. Keys are POSIX paths relative to the manifest's
    folder; every method takes absolute paths too.

    Parameters
    ----------
    manifest_path
        The JSON file, usually ``<input folder>/.manifest.json``.
    clock
        Gives the present time, UTC and aware.
    max_attempts
        How often a file that errored is offered again by `should_process`.
    lock_timeout
        Seconds to wait for another writer before `Locked` is raised.
    """

    def __init__(
        self,
        manifest_path: Path | str,
        *,
        clock: Callable[[], datetime] = utc_now,
        max_attempts: int = 3,
        lock_timeout: float = 10.0,
    ) -> None:
        self._file = ManifestFile(manifest_path, clock)
        self._clock = clock
        self._max_attempts = max_attempts
        self._lock_timeout = lock_timeout
        self._hashes: dict[str, str] = {}

    @property
    def data(self) -> dict[str, Any]:
        """The manifest as a dictionary: ``files``, ``metadata`` and ``run_configs``."""
        held = self._file.document
        return {"files": held.files, "metadata": held.metadata, "run_configs": held.run_configs}

    @property
    def notices(self) -> list[str]:
        """What a person should know about how the state was read: a backup used, lines ignored."""
        return self._file.notices

    def load(self) -> StateManifest:
        """Read the manifest and replay its journal; a damaged one falls back to its backup.

        Raises
        ------
        StateDamaged
            The manifest does not read, and neither does its backup: it never silently starts empty.
        StateTooNew
            It was written by a newer pipewarden.
        """
        self._file.load()
        return self

    def save(self) -> None:
        """Compact: write the manifest atomically and durably, keep the previous one as backup.

        Raises
        ------
        Locked
            Another writer holds the manifest.
        StorageUnavailable
            The disk is full; manifest and journal are as before.
        """
        self._file.save(self._lock_timeout)
        self._file.lock.release()

    def close(self) -> None:
        """Close the journal and give the lock back; what was recorded stays recorded."""
        self._file.close()

    def get_failed_files(self) -> dict[str, Entry]:
        """Return the entries whose status is ``failed``, by key."""
        return {k: e for k, e in self._file.document.files.items() if e.get("status") == "failed"}

    def get_statistics(self) -> dict[str, int]:
        """Return how many files are known: ``total``, ``success`` and ``failed``."""
        failed = len(self.get_failed_files())
        total = len(self._file.document.files)
        return {"total": total, "success": total - failed, "failed": failed}

    def should_process(self, path: Path | str, force: bool = False) -> bool:
        """Return whether a file is new, changed, failed with attempts left, or lost its output.

        The hash taken here is the one that `record_success` and `record_failure` store, so that an
        edit made while the file is processed is noticed by the next run.

        Raises
        ------
        OSError
            The file cannot be read.
        """
        key = self._file.key(path)
        entry = self._file.get(key)
        taken = compute_file_hash(self._file.folder / key if not Path(path).exists() else path)
        self._hashes[key] = taken
        policy = Policy(max_attempts=self._max_attempts, force=force)
        changed = entry is not None and entry.get("hash") != taken
        output = self._file.output_state(key, entry) if entry is not None else OutputState.SOUND
        _, action, _ = decide(entry, changed=changed, output=output, wanted=None, policy=policy)
        return action != "skip"

    def record_success(
        self,
        input_path: Path | str,
        output_path: Path | str | None,
        run_id: str,
        validation_report: Mapping[str, Any] | None = None,
        *,
        file_hash: str | None = None,
    ) -> None:
        """Record, durably, that a file was processed and its output published.

        Parameters
        ----------
        input_path, output_path
            The file and what was made of it.
        run_id
            The run that did it.
        validation_report
            What the gate said, as plain values.
        file_hash
            The input's hash from before it was processed; by default the one that `should_process`
            took.
        """
        key = self._file.key(input_path)
        entry: Entry = {
            "hash": self._hash_of(key, input_path, file_hash),
            "status": "success",
            "output_path": None if output_path is None else self._file.key(output_path),
            "last_processed": self._clock().isoformat(),
            "run_id": run_id,
            "attempt_count": 0,
            "validation_report": None if validation_report is None else dict(validation_report),
        }
        if output_path is not None and Path(output_path).is_file():
            entry["output_hash"] = compute_file_hash(output_path)
        self._record({key: entry}, run_id)
        sound = Path(output_path).stat() if "output_hash" in entry and output_path else None
        self._file.stats.put(key, None, trusted_signature(sound) if sound else None)

    def record_failure(
        self,
        input_path: Path | str,
        run_id: str,
        reason: str,
        quarantine_path: Path | str | None = None,
        validation_report: Mapping[str, Any] | None = None,
        *,
        file_hash: str | None = None,
    ) -> None:
        """Record, durably, that a file failed; it is offered again while attempts are left.

        Parameters
        ----------
        reason
            Why, short and machine-readable where possible.
        quarantine_path
            Where what was produced, or the error, is kept.
        """
        key = self._file.key(input_path)
        before = self._file.get(key)
        entry: Entry = {
            "hash": self._hash_of(key, input_path, file_hash),
            "status": "failed",
            "kind": "errored",
            "reason": reason,
            "quarantine_path": None if quarantine_path is None else self._file.key(quarantine_path),
            "last_attempt": self._clock().isoformat(),
            "run_id": run_id,
            "attempt_count": int(before.get("attempt_count", 0)) + 1 if before else 1,
            "validation_report": None if validation_report is None else dict(validation_report),
        }
        self._record({key: entry}, run_id)

    def _hash_of(self, key: str, path: Path | str, given: str | None) -> str:
        return given or self._hashes.pop(key, None) or compute_file_hash(path)

    def _record(self, entries: Mapping[str, Entry | None], run_id: str) -> None:
        self._file.become_writer(run_id, self._lock_timeout)
        at = self._clock().isoformat()
        self._file.commit(
            [Record(run_id=run_id, seq=0, at=at, key=k, entry=e) for k, e in entries.items()]
        )

    def prune_deleted_files(self, directory: Path | str) -> int:
        """Forget, durably, every file below ``directory`` that is no longer there; count them."""
        prefix = self._file.key(directory)
        prefix = "" if prefix in (".", "") else prefix.rstrip("/") + "/"
        gone = [
            key
            for key in self._file.document.files
            if key.startswith(prefix) and not os.path.lexists(self._file.folder / key)
        ]
        if gone:
            self._record(dict.fromkeys(gone), "prune")
        self._file.stats.forget(gone)
        return len(gone)

    def update_run_config(self, snapshot: Mapping[str, Any], run_id: str | None = None) -> None:
        """Keep the configuration snapshot of a run, under its id; `save` makes it durable."""
        name = run_id or str(snapshot.get("run_id") or "latest")
        self._file.document.run_configs[name] = dict(snapshot)
        self._file.touch()
