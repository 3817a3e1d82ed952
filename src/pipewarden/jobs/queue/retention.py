"""Letting go of what jobs that ended long ago left: the records of items, and uploads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipewarden.core.chain import Act
from pipewarden.jobs.queue import uploads
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import items, jobs, ledger

#: Jobs in one transaction.
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many jobs lost their item records, how many those were, and how many uploads went."""

    jobs: int
    items: int
    uploads: int


def prune(workspace: Workspace, older_than: timedelta, *, dry_run: bool = False) -> Pruned:
    """Remove the item records of jobs that completed longer ago than so, and uploads of theirs.

    The job, its counts, its history and its reports stay, and so do documents and the manifest. A
    job that is not COMPLETED keeps its records: it resumes from them. An upload stays while a job
    of it can be resumed or retried. Each job and each upload has its entry in the ledger.
    """
    before = workspace.clock() - older_than
    with workspace.database.read() as conn:
        found = jobs.completed_with_items(conn, before)
    held = 0
    for start in range(0, len(found), _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        if dry_run:
            with workspace.database.read() as conn:
                held += sum(items.count(conn, job_id) for job_id in some)
            continue
        at = workspace.clock()
        with workspace.database.write() as conn:
            gone = {job_id: items.remove(conn, job_id) for job_id in some}
            acts = [
                Act(
                    actor=workspace.actor,
                    action="job.items_pruned",
                    subject=job_id,
                    reason=_why(before),
                    details={"items": number},
                )
                for job_id, number in gone.items()
            ]
            ledger.append(conn, acts, at)
        held += sum(gone.values())
    return Pruned(len(found), held, _uploads(workspace, before, dry_run=dry_run))


def _uploads(workspace: Workspace, before: datetime, *, dry_run: bool) -> int:
    """Remove the uploads that nothing needs any more; return how many."""
    found = uploads.unneeded(workspace, before)
    for upload in () if dry_run else found:
        act = Act(
            actor=workspace.actor,
            action="job.upload_removed",
            subject=upload.job or upload.path.name,
            reason=_why(before),
            details={"file": upload.path.name, "pipeline": upload.path.parent.name},
        )
        with workspace.database.write() as conn:
            ledger.append(conn, [act], workspace.clock())
        # After the entry: one that outlives a crash between the two goes, and is told of, again.
        uploads.discard(upload.path)
    return len(found)


def _why(before: datetime) -> str:
    return f"completed before {before.isoformat(timespec='seconds')}"
