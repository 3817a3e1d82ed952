"""The runs of each pipeline in a few numbers: when one last completed, how many failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from pipewarden.core.jobs import JobStatus
from pipewarden.store.state.schema import jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """The runs of one pipeline.

    Parameters
    ----------
    last_completed
        When a run last completed; None: never.
    completed, failed
        How many runs ended so in the window; what somebody cancelled counts in neither.
    published, quarantined
        Items of the runs that ended in the window.
    """

    pipeline: str
    last_completed: datetime | None
    completed: int = 0
    failed: int = 0
    published: int = 0
    quarantined: int = 0


def figures(conn: Connection, *, since: datetime, until: datetime) -> dict[str, RunFigures]:
    """Return the numbers of every pipeline that ever ran.

    Parameters
    ----------
    since, until
        The window: runs that ended at ``since`` or later, and before ``until``.
    """
    ended = (jobs.c.finished_at >= since) & (jobs.c.finished_at < until)
    completed = jobs.c.status == JobStatus.COMPLETED
    decided = ended & jobs.c.status.in_([JobStatus.COMPLETED, JobStatus.FAILED])

    query = select(
        jobs.c.pipeline,
        func.max(case((completed, jobs.c.finished_at))).label("last_completed"),
        _total(decided & completed).label("completed"),
        _total(ended & (jobs.c.status == JobStatus.FAILED)).label("failed"),
        _total(decided, jobs.c.published).label("published"),
        _total(decided, jobs.c.quarantined).label("quarantined"),
    ).group_by(jobs.c.pipeline)
    return {row["pipeline"]: _figures(row) for row in conn.execute(query).mappings()}


def _total(condition: ColumnElement[bool], value: Any = 1) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, value), else_=0)), 0)


def _figures(row: Mapping[Any, Any]) -> RunFigures:
    return RunFigures(
        pipeline=row["pipeline"],
        last_completed=row["last_completed"],
        **{name: int(row[name]) for name in ("completed", "failed", "published", "quarantined")},
    )


def last_begun(conn: Connection, pipeline: str) -> datetime | None:
    """Return when a run of a pipeline was last asked for; None: never."""
    query = select(func.max(jobs.c.created_at)).where(jobs.c.pipeline == pipeline)
    found: datetime | None = conn.execute(query).scalar()
    return found
