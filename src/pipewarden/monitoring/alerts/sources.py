"""What alerts learn without a check: how jobs ended, and figures of which nothing is heard."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipewarden.core.jobs import JobStatus
from pipewarden.core.monitoring.alerts.conditions import Look, Sort
from pipewarden.core.monitoring.alerts.incidents import Sighting
from pipewarden.core.monitoring.alerts.rules import Book, fingerprint
from pipewarden.core.monitoring.observations import Observation, ObservationStatus, SubjectKind
from pipewarden.store.state.monitoring import observations
from pipewarden.store.state.monitoring.alerts import ended_jobs, incidents
from pipewarden.store.state.monitoring.alerts.ended_jobs import Ended

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: How far back the first look goes, and any later one: who was away for longer learns no more.
_FIRST, _FARTHEST = timedelta(days=1), timedelta(days=7)
#: Jobs read in one transaction.
_PAGE = 2_000
_READER = "jobs"


def job_observations(conn: Connection, now: datetime) -> list[list[Observation]]:
    """Return what there is to say of each job that ended since the last call, the oldest first."""
    position = incidents.cursor(conn, _READER)
    since = now - (_FIRST if position is None else _FARTHEST)
    found = ended_jobs.ended(conn, position, since=since, limit=_PAGE)
    if found:
        incidents.move_cursor(conn, _READER, found[-1].number)
    return [of_job(one) for one in found]


def of_job(ended: Ended) -> list[Observation]:
    """Return what there is to say of a job that ended: whether it failed, and what it quarantined.

    The feature is its source, so that one folder that fails does not hide another.
    """
    failed = ended.status is JobStatus.FAILED
    decided = ended.published + ended.quarantined
    words = f"job {ended.job_id}"
    share = ended.quarantined / decided if decided else None

    def seen(metric: str, status: ObservationStatus, value: float | None, why: str) -> Observation:
        return Observation(
            check_id=ended.job_id,
            at=ended.at,
            kind=SubjectKind.PIPELINE,
            subject=ended.pipeline,
            metric=metric,
            feature=ended.source,
            status=status,
            value=value,
            sample=decided,
            reason=why,
        )

    lost = f"{words} quarantined {ended.quarantined:,} of {decided:,} items"
    none = ObservationStatus.NOT_COMPUTABLE
    ok, breach = ObservationStatus.OK, ObservationStatus.BREACH
    return [
        seen(
            "job.failed",
            breach if failed else ok,
            float(failed),
            f"{words} failed: {ended.error}" if failed else "",
        ),
        seen("job.quarantined", ok, float(ended.quarantined), lost),
        seen("job.quarantined_share", none if share is None else ok, share, lost),
    ]


def silences(conn: Connection, book: Book, now: datetime) -> dict[str, Sighting]:
    """Return, by fingerprint, the figures of which nothing was heard for longer than a rule allows.

    One of which nothing was heard for a week is not waited for any more: it begins no new incident.
    """
    rules = [rule for rule in book.rules if rule.condition.sort is Sort.SILENT]
    if not rules:
        return {}
    found: dict[str, Sighting] = {}
    for last in observations.last_of_each(conn, since=now - _FARTHEST):
        quiet = now - last.at
        for rule in rules:
            if not rule.concerns(last) or quiet <= rule.condition.span:
                continue
            name = fingerprint(last, missing=True)
            words = f"nothing was observed since {last.at:%Y-%m-%d %H:%M} UTC"
            seen = _silent(last, now, words)
            found.setdefault(name, Sighting(seen=seen, fingerprint=name, look=Look.BAD, rule=rule))
    return found


def _silent(last: Observation, now: datetime, words: str) -> Observation:
    return Observation(
        check_id=f"silence {now.isoformat()}",
        at=now,
        kind=last.kind,
        subject=last.subject,
        environment=last.environment,
        version=last.version,
        metric=last.metric,
        feature=last.feature,
        window=last.window,
        status=ObservationStatus.NOT_COMPUTABLE,
        reason=words,
    )
