"""Letting go of the item records of jobs that ended long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pipewarden.core.chain import Act
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.state import items, jobs, ledger

#: Jobs in one transaction.
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many jobs lost their item records, and how many records those were."""

    jobs: int
    items: int


def prune(workspace: Workspace, older_than: timedelta, *, dry_run: bool = False) -> Pruned:
    """Remove the item records of jobs that completed longer ago than so.

    The job, its counts, its history and its reports stay, and so do documents and the manifest. A
    job that is not COMPLETED keeps its records: it resumes from them. Each job has its entry in the
    ledger.
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
                    reason=f"completed before {before.isoformat(timespec='seconds')}",
                    details={"items": number},
                )
                for job_id, number in gone.items()
            ]
            ledger.append(conn, acts, at)
        held += sum(gone.values())
    return Pruned(len(found), held)
