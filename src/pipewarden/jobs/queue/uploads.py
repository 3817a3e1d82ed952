"""What came with a request: kept as the source of its job while anything needs it.

Documents are a file of lines, files a folder.
"""

from __future__ import annotations

import re
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipewarden.core.jobs import Job, JobStatus
from pipewarden.jobs.workspace import Workspace
from pipewarden.store.files import durable
from pipewarden.store.state import jobs
from pipewarden.store.state.jobs import JobPage

_NAME = re.compile(r"(\d{8}_\d{6})_[0-9a-f]{8}(\.jsonl)?")
_TIME = "%Y%m%d_%H%M%S"
#: Jobs of one upload that are looked at; one of which there are more stays.
_MOST = 1_000
#: Where files lie that are still on their way; no pipeline has such a name.
_RECEIVING = ".receiving"


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that nothing needs any more; ``job`` is the first one of it, if there was one."""

    path: Path
    job: str


def new(workspace: Workspace, pipeline: str) -> Path:
    """Return where documents for a pipeline are to be kept."""
    return _inbox(workspace) / pipeline / f"{_fresh(workspace)}.jsonl"


def receiving(workspace: Workspace) -> Path:
    """Return a new, empty folder for files that are on their way."""
    folder = _inbox(workspace) / _RECEIVING / _fresh(workspace)
    durable.make_folder(folder)
    return folder


def keep(workspace: Workspace, received: Path, pipeline: str) -> Path:
    """Make a folder of received files the source of a job, all of them at once; return it."""
    kept = _inbox(workspace) / pipeline / received.name
    durable.make_folder(kept.parent)
    durable.replace(received, kept)
    durable.sync_folders((received.parent, kept.parent))
    return kept


def discard(path: Path) -> None:
    """Remove an upload; one that is not there is no error."""
    if path.is_dir():
        shutil.rmtree(path)
        durable.sync_folder(path.parent)
    else:
        durable.remove_file(path)


def _fresh(workspace: Workspace) -> str:
    return f"{workspace.clock():{_TIME}}_{secrets.token_hex(4)}"


def _inbox(workspace: Workspace) -> Path:
    return workspace.data_dir / "inbox"


def unneeded(workspace: Workspace, before: datetime) -> list[Upload]:
    """Return the uploads whose every job completed before a time, with nothing left to retry.

    A job that is paused, cancelled or failed can be resumed, and what lies in quarantine can be
    processed again: both keep the upload. One that no job is of was left by a submission that was
    killed.
    """
    found = []
    for path in sorted(_inbox(workspace).glob("*/*")):
        named = _NAME.fullmatch(path.name)
        if named is None:
            continue  # a program's own records; see `jobs.run`
        with workspace.database.read() as conn:
            page = jobs.page(conn, source=str(path.absolute()), limit=_MOST)
        if not page.jobs:
            if datetime.strptime(named[1], _TIME).replace(tzinfo=UTC) < before:
                found.append(Upload(path, ""))
        elif _over(page, before) and not _quarantined(workspace, path, page.jobs[0]):
            found.append(Upload(path, page.jobs[-1].id))
    return found


def _over(page: JobPage, before: datetime) -> bool:
    return page.total == len(page.jobs) and all(
        job.status is JobStatus.COMPLETED and job.finished_at and job.finished_at < before
        for job in page.jobs
    )


def _quarantined(workspace: Workspace, path: Path, job: Job) -> bool:
    """Whether an item of an upload lies in quarantine."""
    source = workspace.source(path, ("*",), str(job.options.get("records", "")))
    entries = workspace.store(source, job.pipeline).entries()
    return any(entry["status"] == "failed" for _, entry in entries)
