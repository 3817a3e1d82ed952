"""What the service offers, to whom, and how much of it."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


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
        default=1 << 30,
        ge=1,
        description="Bytes of a request's body that is lines of JSON, or a form with files.",
    )
    batch_documents: int = Field(
        default=100, ge=1, description="Documents of a batch that is answered at once."
    )
    job_documents: int = Field(
        default=100_000,
        ge=1,
        description="Documents of a batch, or files of an upload, that becomes a job.",
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
