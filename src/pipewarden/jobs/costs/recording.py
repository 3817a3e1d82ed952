"""Writing down what a run or a healing took, in the transaction that ends it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pipewarden.core.costs.figures import Cost, CostKind
from pipewarden.core.healing.states import Healing
from pipewarden.core.jobs import Job
from pipewarden.jobs.costs.metering import Meter
from pipewarden.store.state.costs import rows

if TYPE_CHECKING:
    from sqlalchemy import Connection


def record_run(
    conn: Connection, job: Job, meter: Meter, *, began_at: datetime, at: datetime
) -> Cost:
    """Write what an attempt at a run took; return what all attempts at it took.

    Parameters
    ----------
    began_at, at
        When this attempt began, and when it ended.
    """
    used = meter.read()
    cost = Cost(
        kind=CostKind.RUN,
        id=job.id,
        pipeline=job.pipeline,
        began_at=began_at,
        at=at,
        cpu_seconds=used.cpu_seconds,
        wall_seconds=used.wall_seconds,
        memory_byte_seconds=used.memory_byte_seconds,
        memory_peak=meter.peak,
    )
    return rows.add_run(conn, cost)


def record_healing(conn: Connection, healing: Healing, meter: Meter, *, at: datetime) -> Cost:
    """Write what a step of a healing took, but for its run; return what all steps took so far."""
    used = meter.read()
    cost = Cost(
        kind=CostKind.HEALING,
        id=healing.name,
        model=healing.model,
        run_id=str(healing.facts.get("job") or ""),
        began_at=healing.opened_at,
        at=at,
        cpu_seconds=used.cpu_seconds,
        wall_seconds=used.wall_seconds,
        memory_byte_seconds=used.memory_byte_seconds,
        memory_peak=meter.peak,
    )
    return rows.add(conn, cost)
