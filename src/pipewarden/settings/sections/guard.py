"""When a run spares its machine."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


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
