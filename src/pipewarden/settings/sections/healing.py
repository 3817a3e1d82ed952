"""How the closed loop runs; what it may do is in its policy file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class HealingSettings(BaseModel):
    """How `pipewarden heal` runs; what it may do, the policy file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policies: Path = Field(
        default=Path("config/healing.yaml"),
        description="The policy file; where there is none, the defaults hold.",
    )
    run_jobs: bool = Field(
        default=True,
        description="Whether the healer runs its training jobs itself; otherwise a runner service "
        "does.",
    )
    interval_seconds: float = Field(
        default=60.0, gt=0, description="Seconds from one look of `heal run` to the next."
    )
    lease_seconds: float = Field(
        default=900.0,
        gt=0,
        description="Seconds after which another healer goes on with what one left behind.",
    )
    reports: int = Field(
        default=1_000,
        ge=0,
        description="Reports of healings that are kept, the newest; 0: none is written.",
    )
