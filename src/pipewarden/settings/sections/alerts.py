"""Who is told when something is wrong, and by which way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class AlertSettings(BaseModel):
    """Who is told when something is wrong; a channel's own options are validated by its kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path = Field(
        default=Path("config/alerts.yaml"),
        description="Your own alert rules; where there is no such file, those of the package hold.",
    )
    link: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="The address under which people reach the service, for links in messages.",
    )
    channels: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Ways to tell somebody: `kind` (`email`, `slack`, `webhook`, `console`) and "
        "options, by name; `console` is always there.",
    )
