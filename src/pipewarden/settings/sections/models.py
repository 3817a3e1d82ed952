"""Where versions are deployed, and under which conditions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


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
    healing_cooldown_days: float | None = Field(
        default=None,
        ge=0,
        description="The same where the closed loop promotes; null: as for anyone.",
    )


_ENVIRONMENTS = {"staging": EnvironmentPolicy(cooldown_days=0), "production": EnvironmentPolicy()}


class ModelSettings(BaseModel):
    """Where versions are deployed, and under which conditions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environments: dict[str, EnvironmentPolicy] = Field(
        default_factory=lambda: dict(_ENVIRONMENTS),
        description="Each environment's `preset` (`conservative`, `default`, `aggressive`), "
        "`approval`, `cooldown_days` and `healing_cooldown_days`; `staging` and `production` are "
        "always there.",
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
