"""How long the items of jobs took, counted from their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from pipewarden.core.items import Outcome
from pipewarden.store.state.schema import items, jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The seconds of some items.

    Parameters
    ----------
    number, seconds
        How many items, and the sum of their seconds.
    within
        For each bound that was asked for, how many took at most so long.
    """

    number: int = 0
    seconds: float = 0.0
    within: tuple[int, ...] = ()

    def plus(self, other: Timing) -> Timing:
        """Return both together; they have the same bounds, or one has no items."""
        if not self.number or not other.number:
            return self if self.number else other
        within = tuple(a + b for a, b in zip(self.within, other.within, strict=True))
        return Timing(
            number=self.number + other.number, seconds=self.seconds + other.seconds, within=within
        )


@dataclass(frozen=True, slots=True)
class Worked:
    """A job that was run; ``token`` grows each time that it is taken up, ``over`` once it ended."""

    id: str
    pipeline: str
    token: int
    over: bool


def run_since(conn: Connection, since: datetime) -> list[Worked]:
    """Return the jobs that a runner was at since a time."""
    query = select(jobs.c.id, jobs.c.pipeline, jobs.c.lease_token, jobs.c.finished_at).where(
        jobs.c.heartbeat_at >= since
    )
    return [
        Worked(row.id, row.pipeline, row.lease_token, row.finished_at is not None)
        for row in conn.execute(query)
    ]


def of_job(conn: Connection, job_id: str, bounds: Sequence[float]) -> Timing:
    """Return how long the decided items of a job took, by bounds in seconds."""
    within = [func.sum(case((items.c.seconds <= bound, 1), else_=0)) for bound in bounds]
    query = select(func.count(), func.sum(items.c.seconds), *within).where(
        items.c.job_id == job_id, items.c.outcome != Outcome.DEFERRED
    )
    number, seconds, *counts = conn.execute(query).one()
    if not number:
        return Timing()
    return Timing(number=number, seconds=seconds, within=tuple(map(int, counts)))
