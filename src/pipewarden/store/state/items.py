"""The outcome of every decided item of a run, and the counts that follow from them.

A row here and the counters of its job's row change together, in one transaction: progress is
counted from committed items, never estimated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, Connection, Text, any_, bindparam, delete, func, select, update

from pipewarden.core.items import ItemResult, Outcome
from pipewarden.core.jobs import Lease, Progress
from pipewarden.store.state.column_types import encode_json, storable
from pipewarden.store.state.jobs import check_fence
from pipewarden.store.state.schema import insert_or_replace, items, jobs

_COLUMNS = tuple(
    items.c[name]
    for name in (
        "key",
        "outcome",
        "reason",
        "message",
        "verdict",
        "seconds",
        "attempt",
        "output_path",
        "quarantine_path",
        "facts",
        "misses",
        "cpu_seconds",
        "check_seconds",
        "output_bytes",
        "object_bytes",
        "stages",
    )
)


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Some items of a run, and how many there are in all."""

    items: tuple[ItemResult, ...]
    total: int


def page(
    conn: Connection,
    job_id: str,
    *,
    outcome: Outcome | None = None,
    outcomes: Collection[Outcome] = (),
    limit: int = 50,
    offset: int = 0,
) -> ItemPage:
    """Return a run's items in order of their keys, and the true total.

    Parameters
    ----------
    outcome, outcomes
        Only of this one, or of one of these; neither: all.
    """
    where = [items.c.job_id == job_id]
    wanted = {*outcomes, *([outcome] if outcome is not None else [])}
    if wanted:
        where.append(items.c.outcome.in_(sorted(wanted)))
    total = conn.execute(select(func.count()).select_from(items).where(*where)).scalar_one()
    query = select(*_COLUMNS).where(*where).order_by(items.c.key).limit(limit).offset(offset)
    return ItemPage(tuple(_result(row) for row in conn.execute(query)), total)


def iterate(
    conn: Connection, job_id: str, *, outcome: Outcome | None = None
) -> Iterator[ItemResult]:
    """Yield a run's items in order of their keys, without holding them all."""
    query = select(*_COLUMNS).where(items.c.job_id == job_id).order_by(items.c.key)
    if outcome is not None:
        query = query.where(items.c.outcome == outcome)
    for row in conn.execute(query.execution_options(yield_per=1000)):
        yield _result(row)


def slowest(conn: Connection, job_id: str, n: int) -> list[ItemResult]:
    """Return the ``n`` items that took longest, the slowest first."""
    query = (
        select(*_COLUMNS)
        .where(items.c.job_id == job_id)
        .order_by(items.c.seconds.desc(), items.c.key)
        .limit(n)
    )
    return [_result(row) for row in conn.execute(query)]


def reasons(conn: Connection, job_id: str) -> dict[str, int]:
    """Return how many items were quarantined for each reason, the most frequent first."""
    count = func.count().label("number")
    quarantined = [outcome for outcome in Outcome if outcome.quarantined]
    query = (
        select(items.c.reason, count)
        .where(items.c.job_id == job_id, items.c.outcome.in_(quarantined))
        .group_by(items.c.reason)
        .order_by(count.desc(), items.c.reason)
    )
    return {row.reason: row.number for row in conn.execute(query)}


def keys(conn: Connection, job_id: str) -> set[str]:
    """Return the keys that this run has decided; a deferred item is not decided."""
    query = select(items.c.key).where(items.c.job_id == job_id, items.c.outcome != Outcome.DEFERRED)
    return set(conn.execute(query).scalars())


def count(conn: Connection, job_id: str) -> int:
    """Return how many records of items a run has."""
    held = select(func.count()).select_from(items).where(items.c.job_id == job_id)
    return conn.execute(held).scalar_one()


def mean_seconds(conn: Connection, pipeline: str) -> float | None:
    """Return the mean seconds that an item of a pipeline took, over all runs; None without any."""
    query = (
        select(func.avg(items.c.seconds))
        .join(jobs, jobs.c.id == items.c.job_id)
        .where(jobs.c.pipeline == pipeline, items.c.outcome != str(Outcome.DEFERRED))
    )
    return conn.execute(query).scalar()


def decided_since(conn: Connection, job_id: str, at: datetime) -> int:
    """Return how many of a run's items were decided at a time or later; deferred ones are not."""
    query = (
        select(func.count())
        .select_from(items)
        .where(
            items.c.job_id == job_id,
            items.c.outcome != Outcome.DEFERRED,
            items.c.at >= at.isoformat(),
        )
    )
    return conn.execute(query).scalar_one()


def remove(conn: Connection, job_id: str) -> int:
    """Remove the records of a run's items, its counters left as they are; return how many."""
    return conn.execute(delete(items).where(items.c.job_id == job_id)).rowcount


def totals(conn: Connection, job_id: str) -> Progress:
    """Count a run's items anew from their rows; ``seen`` and bulk ``skipped`` are the job's.

    Equal to the progress of the job's row, which is what a test and ``doctor`` compare.
    """
    query = (
        select(items.c.outcome, items.c.verdict, func.count())
        .where(items.c.job_id == job_id)
        .group_by(items.c.outcome, items.c.verdict)
    )
    counts: Counter[str] = Counter()
    for outcome, verdict, number in conn.execute(query):
        for counter in _counters(outcome, verdict):
            counts[counter] += number
    held = conn.execute(
        select(jobs.c.seen, jobs.c.skipped).where(jobs.c.id == job_id)
    ).one_or_none()
    if held is not None:
        counts |= {"seen": held.seen, "skipped": held.skipped}
    return Progress(**counts)


def defer(conn: Connection, lease: Lease, results: Sequence[ItemResult], *, at: datetime) -> None:
    """Write the items that a run leaves undecided, each with its reason.

    The manifest learns nothing of them; when the run is resumed their decision replaces this.

    Raises
    ------
    Fenced
        The lease is another's by now.
    """
    check_fence(conn, lease)
    put(conn, lease.job_id, {storable(r.key): (r, at.isoformat()) for r in results})


def reopen(conn: Connection, lease: Lease) -> None:
    """Drop the deferred items of an earlier attempt at the job: they are decided anew.

    Raises
    ------
    Fenced
        The lease is another's by now.
    """
    check_fence(conn, lease)
    waiting = (items.c.job_id == lease.job_id, items.c.outcome == Outcome.DEFERRED)
    if conn.execute(delete(items).where(*waiting)).rowcount:
        conn.execute(update(jobs).where(jobs.c.id == lease.job_id).values(deferred=0))


def put(conn: Connection, job_id: str, results: Mapping[str, tuple[ItemResult, str]]) -> None:
    """Write outcomes, each with its time (UTC, ISO-8601), and correct the job's counters.

    An item that was decided before in this run is counted under its new outcome only. ``results``
    is keyed by the item's key as `storable` gives it.
    """
    if not results:
        return
    change: Counter[str] = Counter()
    for outcome, verdict in _decided_before(conn, job_id, list(results)):
        change.subtract(_counters(outcome, verdict))
    for result, _ in results.values():
        change.update(_counters(result.outcome, result.verdict))
    conn.execute(
        insert_or_replace(conn, items),
        [_row(job_id, result, at) for result, at in results.values()],
    )
    moved = {name: jobs.c[name] + by for name, by in change.items() if by}
    if moved:
        conn.execute(update(jobs).where(jobs.c.id == job_id).values(moved))


def _decided_before(conn: Connection, job_id: str, wanted: Sequence[str]) -> Sequence[Any]:
    # The present outcome of those items that have one; the keys travel as one parameter.
    keys: Any = list(wanted)
    if conn.dialect.name == "sqlite":
        keys = encode_json(keys)
    query = _among(conn.dialect.name)
    return conn.execute(query, {"job": job_id, "keys": keys}).all()


@cache
def _among(dialect: str) -> Any:
    query = select(items.c.outcome, items.c.verdict).where(items.c.job_id == bindparam("job"))
    if dialect == "sqlite":
        among = func.json_each(bindparam("keys", type_=Text)).table_valued("value")
        return query.where(items.c.key.in_(select(among.c.value)))
    return query.where(items.c.key == any_(bindparam("keys", type_=ARRAY(Text))))


def _counters(outcome: str, verdict: str) -> tuple[str, ...]:
    """Return the names of the counters that an item adds one to."""
    if outcome == Outcome.PUBLISHED:
        return ("published", "warned") if verdict == "WARN" else ("published",)
    if Outcome(outcome).quarantined:
        return ("quarantined",)
    return ("deferred",) if outcome == Outcome.DEFERRED else ()


def _row(job_id: str, result: ItemResult, at: str) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "key": result.key,
        "outcome": result.outcome,
        "reason": result.reason,
        "message": result.message,
        "verdict": result.verdict,
        "seconds": result.seconds,
        "attempt": result.attempt,
        "output_path": result.output_path,
        "quarantine_path": result.quarantine_path,
        "facts": dict(result.facts),
        "misses": dict(result.misses),
        "at": at,
        "cpu_seconds": result.cpu_seconds,
        "check_seconds": result.check_seconds,
        "output_bytes": result.output_bytes,
        "object_bytes": result.object_bytes,
        "stages": dict(result.stages),
    }


def _result(row: Any) -> ItemResult:
    (key, outcome, reason, message, verdict, seconds, attempt, output, quarantine) = row[:9]
    return ItemResult(
        key=key,
        outcome=Outcome(outcome),
        reason=reason,
        message=message,
        verdict=verdict,
        seconds=seconds,
        attempt=attempt,
        output_path=output,
        quarantine_path=quarantine,
        facts=row.facts,
        misses=row.misses,
        cpu_seconds=row.cpu_seconds,
        check_seconds=row.check_seconds,
        output_bytes=row.output_bytes,
        object_bytes=row.object_bytes,
        stages=row.stages,
    )
