"""What is told to the world, and to whom."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


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
