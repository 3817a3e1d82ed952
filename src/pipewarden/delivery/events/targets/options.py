"""What the settings of every kind of target share."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: How an event becomes a message: attributes as headers, or the whole in the JSON event format.
Mode = Literal["binary", "structured"]


class TargetOptions(BaseModel):
    """What can be said of a target of any kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(description="What it is.")
    types: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        description="Patterns of the full event types that it wants, such as "
        "`io.pipewarden.job.*`; `*` spans dots.",
    )
    timeout: float = Field(
        default=10.0, gt=0, le=30, description="Seconds that one call of it may take."
    )
