"""What resources cost."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CostSettings(BaseModel):
    """The price table of `pipewarden cost`; without prices it tells resources only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str = Field(
        default="USD", min_length=1, description="The unit of prices, as it is printed."
    )
    cpu_hour: float = Field(default=0.0, ge=0, description="Price of one processor for an hour.")
    memory_gb_hour: float = Field(
        default=0.0, ge=0, description="Price of a gigabyte (10^9 bytes) of memory for an hour."
    )
    storage_gb_month: float = Field(
        default=0.0, ge=0, description="Price of a gigabyte (10^9 bytes) stored for a month."
    )
