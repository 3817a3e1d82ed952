"""The costs of runs and healings: a row each, added to at the end of each attempt."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Table,
    func,
    select,
    text,
)

from pipewarden.core.costs.figures import Cost, CostKind
from pipewarden.core.items import Outcome
from pipewarden.store.state.column_types import Name, Time
from pipewarden.store.state.schema import insert_or_replace, items, jobs, metadata

_kinds = ", ".join(f"'{kind}'" for kind in CostKind)


def _number(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


#: What every run and healing took; see `Cost`.
costs = Table(
    "costs",
    metadata,
    Column("kind", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    *(Column(name, Name, nullable=False) for name in ("pipeline", "model", "run_id")),
    Column("began_at", Time, nullable=False),
    Column("at", Time, nullable=False),
    _number("attempts", Integer),
    *(_number(name, Float(53)) for name in ("cpu_seconds", "wall_seconds", "memory_byte_seconds")),
    *(_number(name, BigInteger) for name in ("memory_peak", "items", "skipped", "quarantined")),
    *(_number(name, Float(53)) for name in ("item_seconds", "check_seconds")),
    *(_number(name, BigInteger) for name in ("output_bytes", "object_bytes")),
    Column("database_bytes", BigInteger),
    CheckConstraint(f"kind IN ({_kinds})", name="kind"),
    Index(None, "at"),
)

_FIELDS = tuple(field.name for field in fields(Cost))
_ADDED = ("attempts", "cpu_seconds", "wall_seconds", "memory_byte_seconds")


def add(conn: Connection, cost: Cost) -> Cost:
    """Add what an attempt took to its run or healing; return what all attempts took.

    Resources add up, of peaks the highest stays, and what was counted from items is as it is now.
    """
    before = get(conn, cost.kind, cost.id)
    if before is not None:
        added = {name: getattr(before, name) + getattr(cost, name) for name in _ADDED}
        peak = max(before.memory_peak, cost.memory_peak)
        cost = replace(cost, began_at=before.began_at, memory_peak=peak, **added)
    conn.execute(insert_or_replace(conn, costs), asdict(cost))
    return cost


def add_run(conn: Connection, cost: Cost) -> Cost:
    """Add what an attempt at a run took, with what was counted of the run's items.

    An attempt that was killed has told nothing but of its items: the run took what they took at
    least.
    """
    earlier = get(conn, cost.kind, cost.id)
    known = 0.0 if earlier is None else earlier.cpu_seconds
    cost = replace(cost, **_of_items(conn, cost.id), database_bytes=size_of(conn))
    least = max(cost.cpu_seconds, cost.item_seconds - known)
    return add(conn, replace(cost, cpu_seconds=least))


def _of_items(conn: Connection, job_id: str) -> dict[str, Any]:
    """Return what is counted of a run: by its items, and how many it passed over."""
    sums = [
        func.coalesce(func.sum(items.c[name]), 0)
        for name in ("cpu_seconds", "check_seconds", "output_bytes", "object_bytes")
    ]
    decided = items.c.outcome != Outcome.DEFERRED
    query = select(func.count().filter(decided), *sums).where(items.c.job_id == job_id)
    number, cpu, checks, output, kept = conn.execute(query).one()
    job = select(jobs.c.skipped, jobs.c.quarantined).where(jobs.c.id == job_id)
    skipped, quarantined = conn.execute(job).one()
    return {
        "items": number,
        "skipped": skipped,
        "quarantined": quarantined,
        "item_seconds": float(cpu),
        "check_seconds": float(checks),
        "output_bytes": int(output),
        "object_bytes": int(kept),
    }


def size_of(conn: Connection) -> int:
    """Return the bytes that the state database takes: its file, or its tables and indexes."""
    if conn.dialect.name == "sqlite":
        pages = conn.execute(text("PRAGMA page_count")).scalar_one()
        size = conn.execute(text("PRAGMA page_size")).scalar_one()
        return int(pages) * int(size)
    query = text(
        "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = current_schema() AND c.relkind = 'r'"
    )
    return int(conn.execute(query).scalar_one())


def get(conn: Connection, kind: CostKind, subject: str) -> Cost | None:
    """Return what a run or healing took; None where nobody has told."""
    query = select(costs).where(costs.c.kind == kind, costs.c.id == subject)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _cost(row)


def ended(conn: Connection, *, since: datetime, until: datetime) -> list[Cost]:
    """Return what ended at ``since`` or later, and before ``until``, in order of time."""
    query = select(costs).where(costs.c.at >= since, costs.c.at < until)
    rows = conn.execute(query.order_by(costs.c.at, costs.c.kind, costs.c.id)).mappings()
    return [_cost(row) for row in rows]


def mean_item_seconds(conn: Connection) -> dict[str, float]:
    """Return the mean CPU seconds of an item, over all that is known of each pipeline."""
    query = (
        select(costs.c.pipeline, func.sum(costs.c.item_seconds), func.sum(costs.c["items"]))
        .where(costs.c.kind == CostKind.RUN)
        .group_by(costs.c.pipeline)
    )
    return {
        name: float(seconds) / int(number)
        for name, seconds, number in conn.execute(query)
        if number
    }


def _cost(row: Any) -> Cost:
    held = {name: row[name] for name in _FIELDS}
    return Cost(**{**held, "kind": CostKind(held["kind"])})
