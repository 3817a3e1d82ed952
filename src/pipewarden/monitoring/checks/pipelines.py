"""Pipelines: when a run last completed, how many failed, what was quarantined, what was missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipewarden.core.monitoring.observations import Observation
from pipewarden.core.monitoring.schedules import Schedule, missed
from pipewarden.monitoring.checks.sheet import Sheet
from pipewarden.store.state.jobs.figures import RunFigures

_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is known and expected of one pipeline.

    Parameters
    ----------
    figures
        Its runs of the window.
    last_begun
        When a run was last begun or asked for; None: never.
    schedule
        When it should run; None: whenever somebody runs it.
    tolerance
        How early or late a scheduled run may begin.
    watched_since
        From when on its schedule is looked at where it never ran.
    """

    figures: RunFigures
    last_begun: datetime | None
    schedule: Schedule | None
    tolerance: timedelta
    watched_since: datetime


def of_pipeline(
    sheet: Sheet, watched: Watched, *, hours: float, minimum_items: int
) -> Iterator[Observation]:
    """Yield what is observed of one pipeline.

    Parameters
    ----------
    hours
        The window of rates.
    minimum_items
        Items below which no rate of quarantine is computed.
    """
    held, window = watched.figures, f"{hours:g}h"
    yield _age(sheet, held)
    ended = held.completed + held.failed
    failures = {"completed": held.completed, "failed": held.failed}
    if ended:
        yield sheet.figure(
            "pipeline.failure_rate", held.pipeline, held.failed / ended, window=window,
            sample=ended, evidence=failures,
        )  # fmt: skip
    else:
        yield sheet.unknown(
            "pipeline.failure_rate", held.pipeline, "no run ended in the window", window=window
        )
    yield _quarantine_rate(sheet, held, window, minimum_items)
    if watched.schedule is not None:
        yield _missed(sheet, watched, watched.schedule)


def _age(sheet: Sheet, held: RunFigures) -> Observation:
    metric = "pipeline.hours_since_success"
    if held.last_completed is None:
        return sheet.unknown(metric, held.pipeline, "no run ever completed")
    hours = (sheet.at - held.last_completed).total_seconds() / _HOUR
    return sheet.figure(
        metric, held.pipeline, max(0.0, hours), evidence={"last": held.last_completed.isoformat()}
    )


def _quarantine_rate(sheet: Sheet, held: RunFigures, window: str, minimum: int) -> Observation:
    metric, items = "pipeline.quarantine_rate", held.published + held.quarantined
    if items < minimum:
        reason = f"of the {minimum} items that a rate needs, the window has {items}"
        return sheet.unknown(metric, held.pipeline, reason, window=window, sample=items)
    counts = {"published": held.published, "quarantined": held.quarantined}
    rate = held.quarantined / items
    return sheet.figure(metric, held.pipeline, rate, window=window, sample=items, evidence=counts)


def _missed(sheet: Sheet, watched: Watched, schedule: Schedule) -> Observation:
    begun = watched.last_begun or watched.watched_since
    due = missed(schedule, begun, sheet.at, tolerance=watched.tolerance)
    reason = ""
    if due:
        last = f"the last one began at {begun:%Y-%m-%d %H:%M} UTC"
        if watched.last_begun is None:
            last = "there was no run before"
        reason = f"no run began at {due[0]:%Y-%m-%d %H:%M} UTC or since; {last}"
    return sheet.figure(
        "pipeline.missed_schedules",
        watched.figures.pipeline,
        float(len(due)),
        reason=reason,
        evidence={"due": [at.isoformat() for at in due[:20]]},
    )
