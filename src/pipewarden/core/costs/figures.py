"""What runs and healings took, and what that costs at given prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: A gigabyte is 10^9 bytes, as those who sell it count.
GIGABYTE = 1_000_000_000
_HOUR = 3600.0


class CostKind(StrEnum):
    """What took it."""

    RUN = "run"
    #: What a healing did itself; the run that trained its candidate has its own figures.
    HEALING = "healing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Resources.

    Parameters
    ----------
    cpu_seconds
        Of all processes and threads.
    wall_seconds
        From beginning to end; of what ran side by side the sum.
    memory_byte_seconds
        Memory held, by the time for which it was held.
    stored_bytes
        Bytes written to be kept: documents, quarantine files, models.
    """

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    memory_byte_seconds: float = 0.0
    stored_bytes: float = 0.0

    def plus(self, other: Used) -> Used:
        """Return both together."""
        return Used(
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            wall_seconds=self.wall_seconds + other.wall_seconds,
            memory_byte_seconds=self.memory_byte_seconds + other.memory_byte_seconds,
            stored_bytes=self.stored_bytes + other.stored_bytes,
        )

    @property
    def memory_gb_hours(self) -> float:
        """Gigabytes of memory by hours."""
        return self.memory_byte_seconds / GIGABYTE / _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What resources cost; 0 means that nobody said.

    Parameters
    ----------
    cpu_hour, memory_gb_hour
        An hour of one processor; a gigabyte of memory for an hour.
    storage_gb_month
        A gigabyte kept for a month. What is written is counted with one month.
    """

    currency: str = "USD"
    cpu_hour: float = 0.0
    memory_gb_hour: float = 0.0
    storage_gb_month: float = 0.0

    @property
    def known(self) -> bool:
        """Whether anything has a price."""
        return max(self.cpu_hour, self.memory_gb_hour, self.storage_gb_month) > 0

    def of(self, used: Used) -> float:
        """Return what resources cost."""
        return (
            used.cpu_seconds / _HOUR * self.cpu_hour
            + used.memory_gb_hours * self.memory_gb_hour
            + used.stored_bytes / GIGABYTE * self.storage_gb_month
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run or healing took, over all attempts at it.

    Parameters
    ----------
    id
        The run's id, or the healing's name.
    pipeline, model
        Whose it was; a run has no model, a healing no pipeline.
    run_id
        Of a healing: the run that trained its candidate; else empty.
    began_at, at
        When its first attempt began, and when it last ended.
    attempts
        How often it was taken up and ended orderly; what an attempt used that was killed is not
        known, but for its items.
    memory_peak
        The most memory of all processes together, in bytes, as far as it was seen.
    items, skipped, quarantined
        Items worked on, and how many of them were quarantined; items passed over.
    item_seconds, check_seconds
        CPU seconds spent in the items, and of those in the gate's checks.
    output_bytes, object_bytes
        Documents and quarantine files; models kept for good.
    database_bytes
        How large the state database was at the end; None where it does not tell.
    """

    kind: CostKind
    id: str
    pipeline: str = ""
    model: str = ""
    run_id: str = ""
    began_at: datetime
    at: datetime
    attempts: int = 1
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    memory_byte_seconds: float = 0.0
    memory_peak: int = 0
    items: int = 0
    skipped: int = 0
    quarantined: int = 0
    item_seconds: float = 0.0
    check_seconds: float = 0.0
    output_bytes: int = 0
    object_bytes: int = 0
    database_bytes: int | None = None

    @property
    def used(self) -> Used:
        """What it took."""
        return Used(
            cpu_seconds=self.cpu_seconds,
            wall_seconds=self.wall_seconds,
            memory_byte_seconds=self.memory_byte_seconds,
            stored_bytes=self.output_bytes + self.object_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What several runs, or healings, took together."""

    number: int
    items: int
    skipped: int
    quarantined: int
    item_seconds: float
    check_seconds: float
    memory_peak: int
    used: Used

    @property
    def cpu_per_item(self) -> float | None:
        """CPU seconds of everything by item worked on; None without any."""
        return self.used.cpu_seconds / self.items if self.items else None


def total(costs: Iterable[Cost]) -> Totals:
    """Return the sum of costs; of their peaks the highest."""
    held = list(costs)
    used = Used()
    for one in held:
        used = used.plus(one.used)
    return Totals(
        number=len(held),
        items=sum(one.items for one in held),
        skipped=sum(one.skipped for one in held),
        quarantined=sum(one.quarantined for one in held),
        item_seconds=sum(one.item_seconds for one in held),
        check_seconds=sum(one.check_seconds for one in held),
        memory_peak=max((one.memory_peak for one in held), default=0),
        used=used,
    )
