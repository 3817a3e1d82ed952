"""What a person does with quarantined items: look, ask for another try, release, purge.

The manifest is the index of the quarantine; the files under ``data/quarantine`` are what it points
to. Every act here is committed like an item's, and ledgered.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pipewarden.core.chain import Act
from pipewarden.core.jobs import Job
from pipewarden.engine.publication import documents
from pipewarden.engine.publication.quarantine import FAILED, REPORT
from pipewarden.engine.publication.staging import staged
from pipewarden.engine.task import Work, Worked
from pipewarden.errors import StateDamaged, UnknownName, UsageError
from pipewarden.jobs import requests
from pipewarden.jobs.claiming import latest_jobs, refuse_living
from pipewarden.jobs.options import RunOptions
from pipewarden.jobs.runners.publishing import outputs_of
from pipewarden.jobs.workspace import Workspace
from pipewarden.report.facts import FailureFacts
from pipewarden.store.files.folder_lock import Holder
from pipewarden.store.manifest.contract import ManifestStore
from pipewarden.store.manifest.record import Entry, Record
from pipewarden.store.state import ledger

_DAY = 86_400.0
RELEASED = "RELEASED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One item that lies in quarantine now."""

    run_id: str
    key: str
    source: str
    pipeline: str
    kind: str
    reason: str
    at: str
    attempt_count: int
    path: Path


def listed(
    workspace: Workspace,
    *,
    source: str | None = None,
    pipeline: str | None = None,
    run_id: str | None = None,
) -> list[Quarantined]:
    """Return what lies in quarantine, in order of source and key.

    Parameters
    ----------
    source, pipeline, run_id
        Only of this folder, this pipeline, this run.
    """
    wanted = str(Path(source).absolute()) if source else None
    found: list[Quarantined] = []
    for job in _latest_of_each(workspace, wanted, pipeline):
        store = _store(workspace, job)
        for key, entry in store.entries():
            if entry["status"] == "failed" and run_id in (None, entry.get("run_id")):
                found.append(_quarantined(job, store, key, entry))
    return sorted(found, key=lambda item: (item.source, item.key))


def _latest_of_each(workspace: Workspace, source: str | None, pipeline: str | None) -> list[Job]:
    """Return the newest job of every source and pipeline that has ever run here."""
    return [
        job
        for job in latest_jobs(workspace)
        if source in (None, job.source)
        and pipeline in (None, job.pipeline)
        and Path(job.source).exists()
    ]


def _store(workspace: Workspace, job: Job) -> ManifestStore:
    records = str(job.options.get("records", ""))
    return workspace.store(workspace.source(job.source, ("*",), records), job.pipeline)


def _quarantined(job: Job, store: ManifestStore, key: str, entry: Entry) -> Quarantined:
    return Quarantined(
        run_id=entry.get("run_id", ""),
        key=key,
        source=job.source,
        pipeline=job.pipeline,
        kind=entry.get("kind", "errored"),
        reason=entry.get("reason", ""),
        at=entry.get("last_attempt", ""),
        attempt_count=int(entry.get("attempt_count", 1)),
        path=store.folder / str(entry.get("quarantine_path") or ""),
    )


def show(workspace: Workspace, run_id: str, key: str) -> FailureFacts:
    """Return all that is kept of a quarantined item.

    Raises
    ------
    UnknownName
        The run quarantined no such item.
    StateDamaged
        Its file is missing or does not read.
    """
    requests.find(workspace, run_id)
    path = documents.artifact_path(workspace.quarantine_dir(run_id), key, FAILED)
    if not path.is_file():
        raise UnknownName(
            f"run {run_id} has no quarantined item {key!r}",
            next_step=f"pipewarden jobs status {run_id} --items failed",
        )
    return cast("FailureFacts", _read(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        return documents.decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StateDamaged(
            f"the quarantine file {path} does not read: {error}",
            next_step="ask for a retry: the input itself is untouched",
        ) from error


def retry(
    workspace: Workspace, run_id: str, keys: Sequence[str] | None, *, reason: str
) -> list[str]:
    """Mark quarantined items to be processed by the next run, whatever their attempts; return them.

    Parameters
    ----------
    run_id
        A run of the source.
    keys
        The items; None means every item that this run quarantined and that still lies there.
    reason
        Why, for the ledger.

    Raises
    ------
    UnknownName
        An item is not in quarantine.
    Locked
        The source is being processed.
    """
    _need(reason, "a retry")
    with _writing(workspace, run_id) as (job, store):
        asked = keys if keys is not None else _failed_in(store, run_id)
        records = []
        for key in asked:
            entry = _in_quarantine(store, key, run_id)
            changed: Entry = {**entry, "retry": reason, "attempt_count": 0}
            records.append((key, changed, "item.retry_requested"))
        _commit(workspace, job, store, records, reason)
        return list(asked)


def release(workspace: Workspace, run_id: str, key: str, *, reason: str) -> Path:
    """Publish a rejected document although the gate said no; return where it lies.

    The document says so itself: its verdict becomes ``RELEASED``, with who, when and why, above the
    findings that rejected it.

    Raises
    ------
    UnknownName
        The item is not in quarantine.
    UsageError
        There is no reason, or nothing was produced that could be published.
    """
    _need(reason, "a release")
    with _writing(workspace, run_id) as (job, store):
        entry = _in_quarantine(store, key, run_id)
        facts = _read(store.folder / str(entry.get("quarantine_path")))
        document = facts.get("result")
        if not document:
            raise UsageError(
                f"{key} ({entry.get('reason')}) left no document that could be released",
                next_step=f"pipewarden quarantine retry {run_id} {key!r} --reason …",
            )
        by = {"by": workspace.actor, "at": workspace.clock().isoformat(), "reason": reason}
        document["verdict"] = {**document.get("verdict", {}), "status": RELEASED, "released": by}
        changed = cast(
            "Entry",
            {
                **{k: v for k, v in entry.items() if k not in ("kind", "reason", "duplicate_of")},
                "status": "success",
                "last_processed": by["at"],
                "attempt_count": 0,
                "released": reason,
            },
        )
        return _publish(workspace, job, store, (key, changed), document)


def _publish(
    workspace: Workspace,
    job: Job,
    store: ManifestStore,
    item: tuple[str, Entry],
    document: dict[str, Any],
) -> Path:
    """Publish a released document as its run would have, and commit it; return where it lies."""
    key, changed = item
    options = RunOptions.from_dict(job.options)
    output_dir = workspace.output_dir(options.output_dir, store, job.pipeline)
    options = replace(options, output_dir=str(output_dir))
    outputs = outputs_of(options, store, workspace, job.id, job.pipeline)
    outputs.open(workspace.settings.lock_timeout, lambda _: None)
    try:
        worked = Worked(key=key, work=Work.JUDGED, input_hash=changed["hash"])
        folder = None if options.lines else output_dir
        target = outputs.publish(key, staged(worked, document, folder), changed)
        outputs.flush()
        _commit(
            workspace,
            job,
            store,
            [(key, changed, "item.released")],
            changed["released"],
            outputs.appended(),
        )
        outputs.close()
        return target
    finally:
        outputs.release()


def purge(
    workspace: Workspace, *, older_than_days: float, reason: str, include_current: bool = False
) -> int:
    """Delete quarantine files older than so many days, ledgered; return how many items' files.

    Files of items that still lie in quarantine are kept unless ``include_current``; their entries
    stay in the manifest either way.
    """
    _need(reason, "a purge")
    current = {str(item.path) for item in listed(workspace)}
    limit = time.time() - older_than_days * _DAY
    folder = workspace.data_dir / "quarantine"
    doomed = [
        path
        for path in (sorted(folder.rglob("*.json")) if folder.is_dir() else ())
        if path.stat().st_mtime < limit and (include_current or str(path.absolute()) not in current)
    ]
    if not doomed:
        return 0
    with workspace.database.write() as conn:
        act = Act(
            actor=workspace.actor,
            action="quarantine.purged",
            subject=str(folder),
            reason=reason,
            details={"items": len(doomed), "older_than_days": older_than_days},
        )
        ledger.append(conn, [act], workspace.clock())
    for path in doomed:
        path.unlink(missing_ok=True)
        path.with_name(path.name.removesuffix(FAILED) + REPORT).unlink(missing_ok=True)
    return len(doomed)


# ── steps ────────────────────────────────────────────────────────────────────────────────────────


def _need(reason: str, what: str) -> None:
    if not reason.strip():
        raise UsageError(f"{what} needs a reason: it is recorded in the ledger",
                         next_step='add --reason "…"')  # fmt: skip


@contextmanager
def _writing(workspace: Workspace, run_id: str) -> Iterator[tuple[Job, ManifestStore]]:
    """Give the job and its source's manifest, this process its one writer."""
    job = requests.find(workspace, run_id)
    for latest in (job, *_latest_of_each(workspace, job.source, job.pipeline)):
        refuse_living(latest)
    store = _store(workspace, job)
    holder = Holder.this_process(run_id, workspace.clock().isoformat(timespec="seconds"))
    store.lock(holder, workspace.settings.lock_timeout, lambda _: None)
    try:
        store.catch_up()
        yield job, store
        store.save()
    finally:
        store.close()


def _failed_in(store: ManifestStore, run_id: str) -> list[str]:
    return sorted(
        key
        for key, entry in store.entries()
        if entry["status"] == "failed" and entry.get("run_id") == run_id
    )


def _in_quarantine(store: ManifestStore, key: str, run_id: str) -> Entry:
    entry = store.get(key)
    if entry is None or entry["status"] != "failed":
        state = "is not known" if entry is None else "is published"
        raise UnknownName(
            f"{key!r} does not lie in quarantine: it {state}",
            next_step=f"pipewarden quarantine list --run {run_id}",
        )
    return entry


def _commit(
    workspace: Workspace,
    job: Job,
    store: ManifestStore,
    changes: Sequence[tuple[str, Entry, str]],
    reason: str,
    appended: tuple[str, int] | None = None,
) -> None:
    seq, at = store.next_seq(job.id), workspace.clock().isoformat()
    records = [
        Record(
            run_id=job.id,
            seq=seq + number,
            at=at,
            key=key,
            entry=entry,
            act=Act(
                actor=workspace.actor,
                action=action,
                subject=f"{job.id}/{key}",
                reason=reason,
                details={"hash": entry.get("hash", "")},
            ),
            appended=appended,
        )
        for number, (key, entry, action) in enumerate(changes)
    ]
    if records:
        store.commit(records, None)
