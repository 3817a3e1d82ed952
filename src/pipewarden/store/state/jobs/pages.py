"""Lists of jobs: filtered, newest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from pipewarden.core.jobs import Job, JobStatus
from pipewarden.store.state.jobs.rows import as_job
from pipewarden.store.state.schema import jobs


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, and how many there are in all."""

    jobs: tuple[Job, ...]
    total: int


def page(
    conn: Connection,
    *,
    status: JobStatus | None = None,
    pipeline: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
) -> JobPage:
    """Return jobs, newest first, and the true total of those that match.

    Parameters
    ----------
    since
        Only jobs created at that time or later; aware.
    """
    wanted = {"status": status, "pipeline": pipeline, "source": source}
    where: list[ColumnElement[bool]] = [
        jobs.c[name] == value for name, value in wanted.items() if value is not None
    ]
    if since is not None:
        where.append(jobs.c.created_at >= since)
    total = conn.execute(select(func.count()).select_from(jobs).where(*where)).scalar_one()
    newest = (jobs.c.created_at.desc(), jobs.c.id.desc())
    oldest = (jobs.c.created_at, jobs.c.id)
    left = total - offset
    if left <= 0:
        return JobPage((), total)
    # Those left out are counted off an index, from the nearer end; rows are read of the page only.
    found = select(jobs.c.id).where(*where)
    if offset <= left:
        found = found.order_by(*newest).limit(limit).offset(offset)
    else:
        number = min(limit, left)
        found = found.order_by(*oldest).limit(number).offset(left - number)
    ids = found.subquery()
    rows = conn.execute(select(jobs).join(ids, jobs.c.id == ids.c.id).order_by(*newest))
    return JobPage(tuple(as_job(row) for row in rows.mappings()), total)
