"""How long the items of jobs took, and their stages, counted from their records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, case, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from pipewarden.core.items import Outcome
from pipewarden.store.state.schema import items, jobs

#: The stage that every item has: the whole of its work.
WORK = "work"


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


def of_job(conn: Connection, job_id: str, bounds: Sequence[float] = ()) -> dict[str, Timing]:
    """Return how long the decided items of a job took by stage, and by bounds in seconds.

    Returns
    -------
    First `WORK`, the whole, if any item is decided; then the stages that the pipeline told, those
    that took longest in all before the others.
    """
    decided = (items.c.job_id == job_id, items.c.outcome != Outcome.DEFERRED)
    whole = select(*_figures(items.c.seconds, bounds)).where(*decided)
    found = {WORK: _timing(conn.execute(whole).one())}
    if not found[WORK].number:
        return {}
    name, seconds = _told(conn.dialect.name)
    query = (
        select(name, *_figures(seconds, bounds))
        .select_from(items)  # before what reads its columns
        .where(*decided, items.c.stages.is_distinct_from({}))
        .group_by(name)
    )
    stages = {row[0]: _timing(row[1:]) for row in conn.execute(query)}
    by_time = sorted(stages.items(), key=lambda held: (-held[1].seconds, held[0]))
    return found | dict(by_time)


def _figures(seconds: Any, bounds: Sequence[float]) -> Iterator[ColumnElement[Any]]:
    yield func.count()
    yield func.sum(seconds)
    for bound in bounds:
        yield func.sum(case((seconds <= bound, 1), else_=0))


def _timing(row: Sequence[Any]) -> Timing:
    number, seconds, *within = row
    if not number:
        return Timing()
    return Timing(number=number, seconds=float(seconds), within=tuple(map(int, within)))


def _told(dialect: str) -> tuple[ColumnElement[str], ColumnElement[float]]:
    """Return the name and the seconds of each stage of an item, as columns beside its own."""
    if dialect == "sqlite":
        pairs = func.json_each(items.c.stages).table_valued("key", "value", joins_implicitly=True)
        return pairs.c.key, pairs.c.value
    held = func.jsonb_each_text(cast(items.c.stages, JSONB))
    pairs = held.table_valued("key", "value", joins_implicitly=True)
    return pairs.c.key, cast(pairs.c.value, Float(53))
