"""The facts of pipelines, gathered from the runs that the state database knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipewarden.core.monitoring.observations import Observation
from pipewarden.core.monitoring.schedules import parsed
from pipewarden.jobs.monitoring.watching.parts import Part
from pipewarden.jobs.workspace import Workspace
from pipewarden.monitoring.checks import pipelines
from pipewarden.monitoring.checks.pipelines import Watched
from pipewarden.monitoring.checks.sheet import Sheet
from pipewarden.store.state.jobs import figures as runs
from pipewarden.store.state.jobs.figures import RunFigures

if TYPE_CHECKING:
    from sqlalchemy import Connection

_METRICS = (
    "pipeline.hours_since_success",
    "pipeline.failure_rate",
    "pipeline.quarantine_rate",
    "pipeline.missed_schedules",
)


def parts(workspace: Workspace, sheet: Sheet) -> Iterator[Part]:
    """Yield a part for all pipelines that ever ran, or that the settings expect to."""
    yield Part(
        name="pipelines",
        subject="pipelines",
        metrics=_METRICS,
        look=lambda: _observed(workspace, sheet),
    )


def _observed(workspace: Workspace, sheet: Sheet) -> Iterator[Observation]:
    held = workspace.settings.monitoring
    since = sheet.at - timedelta(hours=held.runs_hours)
    with workspace.database.read() as conn:
        known = runs.figures(conn, since=since, until=sheet.at)
        watched = [
            _watched(conn, workspace, known.get(name), name, sheet.at)
            for name in sorted({*known, *held.pipelines})
        ]
    for one in watched:
        yield from pipelines.of_pipeline(
            sheet, one, hours=held.runs_hours, minimum_items=held.minimum_items
        )


def _watched(
    conn: Connection, workspace: Workspace, figures: RunFigures | None, name: str, now: datetime
) -> Watched:
    held = workspace.settings.monitoring
    expected = held.pipelines.get(name)
    schedule = parsed(expected.schedule) if expected and expected.schedule else None
    return Watched(
        figures=figures or RunFigures(pipeline=name, last_completed=None),
        last_begun=None if schedule is None else runs.last_begun(conn, name),
        schedule=schedule,
        tolerance=timedelta(minutes=expected.tolerance_minutes if expected else 0),
        watched_since=now - max(timedelta(hours=held.runs_hours), _once(schedule)),
    )


def _once(schedule: object) -> timedelta:
    """Return a time in which a schedule falls due at least once, however late a run may be."""
    interval: timedelta = getattr(schedule, "interval", timedelta(0))
    return 2 * interval
