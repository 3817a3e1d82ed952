"""What the API answers with, as OpenAPI describes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from pipewarden.app.api.work.handing import Fate
from pipewarden.core.items import ItemResult
from pipewarden.core.jobs import Intent, Job, JobEvent, JobStatus
from pipewarden.jobs.queue.pace import Pace


class IntentView(BaseModel):
    """A request that was made of a job and not acted on yet."""

    actor: str
    at: datetime
    reason: str


class ProgressView(BaseModel):
    """Counts of committed items; `seen` is known once the job is planned."""

    seen: int
    skipped: int
    published: int
    quarantined: int
    deferred: int
    warned: int


class JobView(BaseModel):
    """A job as it stands."""

    id: str
    pipeline: str
    source: str
    status: JobStatus
    parent_id: str | None
    created_at: datetime
    created_by: str
    started_at: datetime | None
    finished_at: datetime | None
    error: str
    pause: IntentView | None
    cancel: IntentView | None
    progress: ProgressView
    options: dict[str, Any]
    request_id: str = Field(description="The request that submitted it, where there was one.")
    traceparent: str

    @classmethod
    def of(cls, job: Job) -> JobView:
        """Return the view of a job."""
        counts = {name: getattr(job.progress, name) for name in ProgressView.model_fields}
        plain = ("id", "pipeline", "source", "status", "parent_id", "created_at", "created_by")
        more = ("started_at", "finished_at", "error", "request_id", "traceparent")
        return cls(
            **{name: getattr(job, name) for name in (*plain, *more)},
            pause=_intent(job.pause),
            cancel=_intent(job.cancel),
            progress=ProgressView(**counts),
            options=dict(job.options),
        )


def _intent(intent: Intent | None) -> IntentView | None:
    if intent is None:
        return None
    return IntentView(actor=intent.actor, at=intent.at, reason=intent.reason)


class JobPageView(BaseModel):
    """Some jobs, newest first, and how many there are in all."""

    jobs: list[JobView]
    total: int
    limit: int
    offset: int


class JobEventView(BaseModel):
    """A change of a job's status, or a request made of it."""

    at: datetime
    actor: str
    event: str
    from_status: JobStatus | None
    to_status: JobStatus | None
    reason: str

    @classmethod
    def of(cls, event: JobEvent) -> JobEventView:
        """Return the view of an event."""
        return cls(**{name: getattr(event, name) for name in cls.model_fields})


class JobDetailView(BaseModel):
    """A job and its history, oldest first."""

    job: JobView
    history: list[JobEventView]


class JobStatusView(BaseModel):
    """How far a job is."""

    id: str
    status: JobStatus
    progress: ProgressView
    items_per_second: float | None = Field(description="Since it was last taken up.")
    eta_seconds: float | None
    memory_bytes: int | None = Field(description="Null where its runner is on another machine.")
    sinks: dict[str, dict[str, int]] = Field(
        description="By sink, how many documents were `delivered`, `spooled` and `refused` when it "
        "ended; empty before, and without sinks."
    )
    error: str

    @classmethod
    def of(cls, job: Job, pace: Pace, sinks: dict[str, dict[str, int]]) -> JobStatusView:
        """Return the view of a job, its speed, and where its documents are."""
        view = JobView.of(job)
        return cls(
            id=job.id,
            status=job.status,
            progress=view.progress,
            items_per_second=pace.items_per_second,
            eta_seconds=pace.eta_seconds,
            memory_bytes=pace.memory_bytes,
            sinks=sinks,
            error=job.error,
        )


class ItemView(BaseModel):
    """What became of one item."""

    key: str
    outcome: str
    reason: str
    message: str
    verdict: str
    seconds: float
    attempt: int
    output_path: str
    quarantine_path: str
    facts: dict[str, Any]
    misses: dict[str, str]

    @classmethod
    def of(cls, item: ItemResult) -> ItemView:
        """Return the view of an item."""
        held = {name: getattr(item, name) for name in cls.model_fields}
        return cls(**{**held, "facts": dict(item.facts), "misses": dict(item.misses)})


class ItemPageView(BaseModel):
    """Some items in order of their keys, and how many there are in all."""

    items: list[ItemView]
    total: int
    limit: int
    offset: int


Outcome = Literal["accepted", "rejected", "errored"]


class ResultView(BaseModel):
    """What came of one document."""

    key: str = Field(description="Its own name, or `document`.")
    outcome: Outcome = Field(description="`rejected` by the gate or as input; `errored` otherwise.")
    verdict: str | None = Field(description="PASS, WARN or FAIL; null where there is no document.")
    reason: str
    message: str
    seconds: float
    document: dict[str, Any] | None = Field(description="As a job would publish it.")
    sinks: dict[str, Fate] = Field(
        default_factory=dict,
        description="Where it is, by each sink that the request names; left out where it names "
        "none, and empty where the document is not accepted.",
    )


class BatchView(BaseModel):
    """What came of each document of a batch, in its order."""

    results: list[ResultView]
    counts: dict[str, int] = Field(description="How many had each outcome.")


class ProbeView(BaseModel):
    """One thing that the service needs: what was tried, and what it answered.

    Named `database`, `documents`, `runners`, `models`; where Celery is set `broker` and `workers`;
    and of the settings `events.NAME` and `sinks.NAME`, whose facts say how their circuit breakers
    stand.
    """

    name: str
    state: Literal["ok", "degraded", "down"]
    tried: str
    said: str
    milliseconds: float
    answered_at: datetime = Field(description="What lies outside is not asked at every look.")
    facts: dict[str, Any]


class HealthView(BaseModel):
    """How the service is: `down` where it cannot do its work, `degraded` where it still can."""

    status: Literal["ok", "degraded", "down"]
    version: str
    probes: list[ProbeView]


class ReadyView(BaseModel):
    """Whether requests should be sent here."""

    ready: bool
    waits_for: list[str]
