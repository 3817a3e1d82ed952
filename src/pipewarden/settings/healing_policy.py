"""What the closed loop may do: the policy of each model, from a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipewarden.errors import InvalidSettings

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TriggerRule(_Part):
    """What one kind of trigger may do."""

    action: Literal["observe", "roll_back", "retrain"] = Field(
        default="observe", description="The most that it may do."
    )
    days: float | None = Field(
        default=None, gt=0, description="Of `age` and `schedule`: after how many days."
    )
    rows: int | None = Field(
        default=None, ge=1, description="Of `data`: after how many new labelled rows."
    )


class Triggers(_Part):
    """What each trigger may do."""

    manual: TriggerRule = TriggerRule(action="retrain")
    performance: TriggerRule = TriggerRule(action="retrain")
    drift: TriggerRule = TriggerRule(action="retrain")
    data: TriggerRule = TriggerRule(rows=20_000)
    age: TriggerRule = TriggerRule(days=180)
    schedule: TriggerRule = TriggerRule()


class Budget(_Part):
    """How many healings a model gets."""

    healings: int = Field(default=4, ge=0, description="At most so many …")
    days: float = Field(default=30, gt=0, description="… in so many days.")


class Hours(_Part):
    """When a healing may begin; UTC."""

    days: tuple[Day, ...] = Field(default=DAYS, min_length=1, description="On these weekdays …")
    begin: int = Field(default=0, ge=0, le=23, description="… from this full hour on …")
    end: int = Field(default=24, ge=1, le=24, description="… until this one.")

    @model_validator(mode="after")
    def _some(self) -> Hours:
        if self.begin >= self.end:
            raise ValueError("begin must be before end")
        return self


class Training(_Part):
    """Of what the candidate is trained."""

    lookback_hours: float = Field(
        default=720, gt=0, description="Labelled predictions at most this old are used."
    )
    min_rows: int = Field(default=1_000, ge=2, description="Fewer to train on, and none is.")
    max_rows: int = Field(default=50_000, ge=4, description="Of the newest, at most so many.")
    min_positives: int = Field(default=50, ge=1, description="Of a yes or no: so many of each.")
    older: Literal["none", "fill", "all"] = Field(
        default="none",
        description="Rows of the champion's own table that are added: none; as many as "
        "`min_rows` wants; or all.",
    )
    holdout: float = Field(
        default=0.3,
        gt=0,
        lt=0.9,
        description="The newest share of labelled rows, which is kept to compare candidate and "
        "champion on, and not trained on.",
    )


class Evaluation(_Part):
    """What the comparison on the same labelled rows must show."""

    min_rows: int = Field(default=200, ge=1, description="Rows that neither was trained on.")
    min_gain: float = Field(
        default=0.0, description="The lower end of the gain over the champion must exceed this."
    )
    level: float = Field(default=0.95, gt=0.5, lt=1, description="Of the interval of the gain.")


class Quality(_Part):
    """By how much new rows may differ from the champion's before they count as broken."""

    missing_rise: float = Field(default=0.2, gt=0, le=1, description="More of a feature missing.")
    outside_share: float = Field(
        default=0.1, gt=0, le=1, description="Share out of a feature's range, or of new categories."
    )
    label_ratio: float = Field(
        default=4.0, gt=1, description="Positive labels: at most so many times as often, or rare."
    )


class TrialRule(_Part):
    """Whether the candidate is tried on live requests before it serves."""

    mode: Literal["none", "shadow", "canary"] = Field(default="none", description="How.")
    share: float = Field(default=0.1, gt=0, le=1, description="Of the requests.")
    labelled: int = Field(default=200, ge=50, description="Labelled answers that decide.")
    tolerance: float = Field(
        default=0.01, ge=0, description="By how much its Brier score may be worse."
    )


class Verification(_Part):
    """What the new version must show while it serves."""

    hours: float = Field(default=24, ge=0, description="At least so long.")
    min_rows: int = Field(default=200, ge=1, description="Answers with labels.")
    tolerance: float = Field(
        default=0.05,
        ge=0,
        description="Certainly worse than evaluated, by at most so much.",
    )


class Timeouts(_Part):
    """Hours after which a state is given up."""

    decided: float = Field(default=24, gt=0)
    collecting: float = Field(default=336, gt=0)
    retraining: float = Field(default=12, gt=0)
    evaluating: float = Field(default=168, gt=0)
    gating: float = Field(default=24, gt=0)
    trying: float = Field(default=168, gt=0)
    awaiting: float = Field(default=168, gt=0)
    promoting: float = Field(default=6, gt=0)
    verifying: float = Field(default=336, gt=0)
    rolling_back: float = Field(default=6, gt=0)


class Policy(_Part):
    """What may be done about one model."""

    triggers: Triggers = Triggers()
    needs_decay: bool = Field(
        default=True, description="Drift alone is no reason while the measured performance holds."
    )
    roll_back_within_hours: float = Field(
        default=72,
        ge=0,
        description="A version younger than this that got worse is compared with the one before "
        "it, which serves again if it is better.",
    )
    fresh_hours: float = Field(
        default=24, gt=0, description="Figures that are older are no reason to act."
    )
    cooldown_hours: float = Field(default=24, ge=0, description="Between two healings.")
    budget: Budget = Budget()
    hours: Hours = Hours()
    approval: bool = Field(default=False, description="Whether somebody must sign first.")
    breaker: int = Field(
        default=3, ge=1, description="After so many lost healings in a row none begins."
    )
    attempts: int = Field(default=3, ge=1, description="Of a step that fails.")
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    quality: Quality = Quality()
    trial: TrialRule = TrialRule()
    verification: Verification = Verification()
    timeouts_hours: Timeouts = Timeouts()


class PipelineRules(_Part):
    """What may be done about pipelines, which have no gate to pass: it is only done again."""

    resume_lost: bool = Field(default=True, description="Go on with jobs that lost their runner.")
    retry_errored: bool = Field(default=True, description="Try inputs again that errored.")
    replay_sinks: bool = Field(default=True, description="Send sinks what waits for them.")
    attempts: int = Field(default=3, ge=1, description="Of each input, and of each job.")


#: What differs for series of weeks, of which there are never thousands.
SERIES: Mapping[str, Any] = {
    "fresh_hours": 360,
    "cooldown_hours": 336,
    "roll_back_within_hours": 2184,
    "budget": {"healings": 4, "days": 182},
    "training": {
        "lookback_hours": 4368,
        "min_rows": 26,
        "max_rows": 520,
        "min_positives": 1,
        "holdout": 0.3,
    },
    "evaluation": {"min_rows": 4, "min_gain": 0.05},
    "verification": {"hours": 0, "min_rows": 4, "tolerance": 2.0},
    "timeouts_hours": {
        "collecting": 2184,
        "evaluating": 2184,
        "trying": 2184,
        "awaiting": 336,
        "verifying": 2184,
    },
}


class HealingPolicies(BaseModel):
    """The policy of every model: the defaults, and what differs by the model's name.

    Parameters
    ----------
    models
        A name or a pattern such as ``sales/*`` → what differs; later ones win.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    defaults: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, dict[str, Any]] = Field(default_factory=lambda: {"sales/*": {**SERIES}})
    pipelines: PipelineRules = PipelineRules()

    @model_validator(mode="after")
    def _hold(self) -> HealingPolicies:
        Policy.model_validate(self.defaults)
        for name in self.models:
            self._policy(name, exact=True)
        return self

    def of(self, model: str) -> Policy:
        """Return the policy of a model."""
        return self._policy(model, exact=False)

    def _policy(self, model: str, *, exact: bool) -> Policy:
        held: Mapping[str, Any] = self.defaults
        for pattern, differs in self.models.items():
            if pattern == model or (not exact and fnmatchcase(model, pattern)):
                held = _merged(held, differs)
        return Policy.model_validate(held)


def _merged(held: Mapping[str, Any], differs: Mapping[str, Any]) -> dict[str, Any]:
    whole = dict(held)
    for name, value in differs.items():
        before = whole.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        whole[name] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return whole


def load_policies(path: Path) -> HealingPolicies:
    """Return the policies of a file; the defaults where there is none.

    Raises
    ------
    InvalidSettings
        It does not read, or does not hold.
    """
    import yaml

    if not path.is_file():
        return HealingPolicies()
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return HealingPolicies.model_validate(plain)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSettings(f"the policy file {path} does not read: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, row['loc'])) or 'file'}: {row['msg']}"
            for row in error.errors(include_input=False, include_url=False)
        )
        raise InvalidSettings(
            f"the policy file {path} does not hold: {problems}",
            next_step="see docs/how-to/let-it-heal.md",
        ) from None
