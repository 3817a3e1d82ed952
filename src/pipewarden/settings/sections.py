"""The sections of the settings: events, Celery, models, and the service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class EventSettings(BaseModel):
    """What is told to the world, and to whom; a target's own options are validated by its kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type_prefix: str = Field(
        default="io.pipewarden",
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        description="What every event's type begins with.",
    )
    retention_days: float = Field(
        default=30.0,
        ge=0,
        description="Days for which an event can be replayed after every target has it.",
    )
    targets: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="The enabled targets: `kind` and options, by name."
    )


class GuardSettings(BaseModel):
    """When a run with worker processes spares the machine that it works on (Linux)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Whether processors and memory are watched.")
    cpu_percent: float = Field(
        default=95.0,
        gt=0,
        le=100,
        description="Use of the processors, over ten seconds, from which a run says so.",
    )
    memory_percent: float = Field(
        default=90.0,
        gt=0,
        le=100,
        description="Use of memory, of the machine or of the container's limit, from which a run "
        "says so and stops half of its workers, again every five seconds, down to one.",
    )
    room_percent: float = Field(
        default=80.0,
        ge=0,
        le=100,
        description="Use of memory below which, for half a minute, a worker is given back.",
    )

    @model_validator(mode="after")
    def _room_is_below(self) -> Self:
        if self.room_percent > self.memory_percent:
            raise ValueError("room_percent must not be more than memory_percent")
        return self


class CelerySettings(BaseModel):
    """How jobs reach Celery workers; runner and workers must agree on all of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    broker_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        min_length=1,
        repr=False,
        description="The broker: `redis://…`, or `amqp://user:password@host:5672/vhost`. Answers "
        "come back over it, too.",
    )
    queue_prefix: str = Field(
        default="pipewarden",
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        description="What the names of queues begin with: `<prefix>.<pipeline>`.",
    )
    chunk_items: int = Field(default=10, ge=1, description="Items in one message.")
    chunks_ahead: int = Field(
        default=32, ge=1, description="Chunks that one job has at the broker and in work at most."
    )
    message_bytes: int = Field(
        default=1 << 20,
        ge=1_000,
        description="Bytes of records, or of finished lines, in one message at most. A longer line "
        "comes back as a file in the output folder, a longer record is read where it lies.",
    )
    records_in_messages: bool = Field(
        default=False,
        description="Send the records themselves, for workers that cannot read the source; "
        "otherwise a message says where in its file each record lies.",
    )
    silence_seconds: float = Field(
        default=15.0,
        gt=0,
        description="Seconds without a sign after which a worker counts as lost; it gives five.",
    )
    chunk_seconds: float = Field(
        default=3600.0,
        gt=0,
        description="Seconds after which Celery kills the process that works on a chunk, whatever "
        "it does; an item's own limit is its pipeline's `timeout`.",
    )
    idle_seconds: float = Field(
        default=0.0,
        ge=0,
        description="Seconds without a chunk after which a worker process lets go of the pipelines "
        "that it has loaded; the next chunk loads again. 0: never.",
    )


class EnvironmentPolicy(BaseModel):
    """What a version must pass to serve in one environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Literal["conservative", "default", "aggressive"] = Field(
        default="default", description="The thresholds of the promotion gate."
    )
    approval: bool = Field(
        default=False, description="Whether somebody must sign for a version first."
    )
    cooldown_days: float | None = Field(
        default=None,
        ge=0,
        description="Days between two promotions of a model; null: as its promotion gate says.",
    )


_ENVIRONMENTS = {"staging": EnvironmentPolicy(cooldown_days=0), "production": EnvironmentPolicy()}


class ModelSettings(BaseModel):
    """Where versions are deployed, and under which conditions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environments: dict[str, EnvironmentPolicy] = Field(
        default_factory=lambda: dict(_ENVIRONMENTS),
        description="Each environment's `preset` (`conservative`, `default`, `aggressive`), "
        "`approval` and `cooldown_days`; `staging` and `production` are always there.",
    )
    champion: str = Field(
        default="production", description="The environment whose version is called the champion."
    )
    tracking_uri: str = Field(
        default="",
        repr=False,
        description="The MLflow that shows versions and deployments: `sqlite:///…` or a server's "
        "URL; empty means SQLite at `.pipewarden/mlflow.db` in the home folder where the extra "
        "`models` is installed; `off` means none.",
    )

    @field_validator("environments", mode="before")
    @classmethod
    def _with_the_usual(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        usual = {name: policy.model_dump() for name, policy in _ENVIRONMENTS.items()}
        own = {
            name: {**usual.get(name, {}), **policy} if isinstance(policy, dict) else policy
            for name, policy in given.items()
        }
        return {**usual, **own}


class ServiceSettings(BaseModel):
    """What `pipewarden serve` offers, to whom, and how much of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        description="The address to listen at. Without API keys only a loopback address will do.",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="The port; 0 takes a free one.")
    root_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="The path prefix that a reverse proxy strips, such as `/api/v1/cleaning`.",
    )
    jobs: int = Field(default=2, ge=0, description="Queued jobs to run at once; 0 runs none.")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        description="Processes that answer requests with documents.",
    )
    pipelines: tuple[str, ...] = Field(
        default=(),
        description="The pipelines offered, by name or as `module:attribute`; empty means every "
        "registered one.",
    )
    source_roots: tuple[Path, ...] = Field(
        default=(),
        description="Folders below which a request may name a source; empty means none may.",
    )
    cors_origins: tuple[str, ...] = Field(
        default=(), description="Origins whose scripts may call; empty means none."
    )
    request_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Seconds for one document, waiting included; then its process is killed.",
    )
    idle_seconds: float = Field(
        default=0.0,
        ge=0,
        description="Seconds without such a request after which the processes end and give their "
        "memory back; the next request starts them and waits for them to load. 0: never.",
    )
    document_bytes: int = Field(
        default=1 << 20, ge=1, description="Bytes of one document, or of one line of an upload."
    )
    body_bytes: int = Field(
        default=8 << 20, ge=1, description="Bytes of a request's body that is JSON."
    )
    upload_bytes: int = Field(
        default=1 << 30, ge=1, description="Bytes of a request's body that is lines of JSON."
    )
    batch_documents: int = Field(
        default=100, ge=1, description="Documents of a batch that is answered at once."
    )
    job_documents: int = Field(
        default=100_000, ge=1, description="Documents of a batch that becomes a job."
    )
    environment: str = Field(
        default="production",
        min_length=1,
        description="The environment whose deployed models answer `/predict` and `/forecast`.",
    )
    prediction_rows: int = Field(
        default=20_000, ge=1, description="Rows of one request that a model answers."
    )
    waiting_documents: int = Field(
        default=1_000,
        ge=1,
        description="Documents that may wait for a process; more are sent away with 503.",
    )
    rate_per_minute: int = Field(
        default=6_000, ge=1, description="Requests of one key in a minute, over all replicas."
    )
    idempotency_hours: float = Field(
        default=24.0,
        gt=0,
        description="Hours for which the answer to an `Idempotency-Key` is kept.",
    )
    stop_seconds: float = Field(
        default=30.0, ge=0, description="Seconds that a stopping service leaves to items in work."
    )
