"""How jobs reach Celery workers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


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
