"""A job: one run as a row that can be watched, paused, resumed and cancelled.

A request is not a state. Pause and cancel are recorded as intents; the status changes when the
runner acts on them, and only along `TRANSITIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobStatus(StrEnum):
    """Where a job is in its life."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def finished(self) -> bool:
        """Whether no runner will touch the job unless somebody resumes it."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


_RESUMED = frozenset({JobStatus.RUNNING, JobStatus.QUEUED})

#: How many runners in a row a queued job may lose, no item decided between, before it has failed.
LOSSES = 3

#: Which status may follow which. Paused and cancelled jobs resume exactly as failed ones do.
TRANSITIONS: Mapping[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.PAUSED, JobStatus.CANCELLED}),
    # Back to QUEUED goes a queued job whose runner was lost.
    JobStatus.RUNNING: frozenset(set(JobStatus) - {JobStatus.RUNNING}),
    JobStatus.PAUSED: _RESUMED | {JobStatus.CANCELLED},
    JobStatus.FAILED: _RESUMED,
    JobStatus.CANCELLED: _RESUMED,
    JobStatus.COMPLETED: frozenset(),
}


def sources_of(target: JobStatus) -> frozenset[JobStatus]:
    """Return the statuses from which ``target`` may be reached."""
    return frozenset(status for status, allowed in TRANSITIONS.items() if target in allowed)


class Request(StrEnum):
    """What somebody may ask of a job."""

    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Intent:
    """A recorded request: who asked, when (UTC), and why."""

    actor: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts of committed items; ``seen`` is known once the plan is made."""

    seen: int = 0
    skipped: int = 0
    published: int = 0
    quarantined: int = 0
    deferred: int = 0
    #: Of ``published``: those whose verdict was WARN.
    warned: int = 0

    @property
    def accounted(self) -> int:
        """How many of the items seen have an outcome."""
        return self.skipped + self.published + self.quarantined + self.deferred


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one runner to commit for one job.

    ``token`` grows with every claim; a commit under an older token is refused (fencing after
    Kleppmann, "How to do distributed locking", 2016).
    """

    job_id: str
    owner: str
    token: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run as the state database holds it; all times are UTC.

    Parameters
    ----------
    queued
        Whether it was left for a runner service, which takes it up and, when its runner is lost,
        takes it up again.
    losses, losses_at
        How many runners it lost in a row without an item decided between, and how many items were
        decided at the last loss.
    lease_owner, lease_expires_at
        Who runs it; of a QUEUED job, which service is about to.
    request_id, traceparent
        The request that submitted it, and its place in a distributed trace (W3C Trace Context).
    """

    id: str
    pipeline: str
    source: str
    status: JobStatus = JobStatus.QUEUED
    parent_id: str | None = None
    created_at: datetime
    created_by: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    pause: Intent | None = None
    cancel: Intent | None = None
    lease_owner: str | None = None
    lease_token: int = 0
    lease_expires_at: datetime | None = None
    heartbeat_at: datetime | None = None
    progress: Progress = field(default_factory=Progress)
    queued: bool = False
    losses: int = 0
    losses_at: int = 0
    request_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """One change of a job's status, or a request made of it."""

    job_id: str
    at: datetime
    actor: str
    event: str
    from_status: JobStatus | None
    to_status: JobStatus | None
    reason: str = ""
