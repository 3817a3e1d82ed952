"""What the settings of every kind of sink share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SinkOptions(BaseModel):
    """What can be said of a sink of any kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(description="What it is.")
    pipelines: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        description="Patterns of the pipelines whose documents it gets.",
    )
    timeout: float = Field(
        default=10.0,
        gt=0,
        le=15,  # a runner that waits for it must not miss its heartbeat
        description="Seconds that one call of it may take; what takes longer is spooled.",
    )
    spool_file_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        description="Bytes after which a file of its spool is followed by the next.",
    )
