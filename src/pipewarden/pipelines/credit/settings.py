"""The settings of the ``credit`` pipeline, under ``pipelines.credit``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import pipewarden as pw

Preset = Literal["conservative", "default", "aggressive"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SearchSettings(_Part):
    """How the parameters of the trees are searched for."""

    trials: int = Field(8, ge=1, le=500, description="Sets of parameters to try at most.")
    patience: int = Field(4, ge=1, description="Trials without improvement that end the search.")
    rows: int = Field(40_000, ge=200, description="Training rows the search looks at, at most.")
    folds: int = Field(4, ge=2, le=10, description="Folds of each trial.")


class FitSettings(_Part):
    """How the model is fitted."""

    folds: int = Field(5, ge=2, le=10, description="Folds for rounds and calibration.")
    members: int = Field(2, ge=1, le=10, description="Boosters whose mean is the model.")
    learning_rate: float = Field(0.05, gt=0, le=1, description="Of the model that is published.")
    max_rounds: int = Field(1_000, ge=1, description="Trees of one booster at most.")
    early_stopping: int = Field(100, ge=1, description="Rounds without improvement that end a fit.")


class EvaluationSettings(_Part):
    """How the model is judged."""

    resamples: int = Field(200, ge=50, le=10_000, description="Bootstrap resamples.")
    level: float = Field(0.95, gt=0.5, lt=1, description="Of the intervals.")
    bins: int = Field(10, ge=2, le=100, description="Bins of the calibration curve.")
    segment_rows: int = Field(200, ge=1, description="Rows a segment needs to be judged.")
    segment_positives: int = Field(20, ge=1, description="Positive rows it needs.")
    baseline_rows: int = Field(
        5_000, ge=200, le=5_000, description="Test rows that are kept with the model."
    )


class CreditSettings(_Part):
    """Every setting of the ``credit`` pipeline."""

    description: Path | None = Field(
        None, description="YAML file that describes the table; the shipped one when empty."
    )
    preset: Preset = Field("default", description="How strict the training gate is.")
    validation_share: float = Field(0.1, gt=0, lt=0.5, description="Rows for the threshold.")
    test_share: float = Field(0.1, gt=0, lt=0.5, description="Rows for the final figures.")
    seed: int = Field(7, ge=0, le=1_000_000, description="Of every random draw.")
    workers: int = Field(2, ge=1, le=64, description="Fits side by side; changes no result.")
    search: SearchSettings = Field(SearchSettings.model_validate({}), description="The search.")
    fit: FitSettings = Field(FitSettings.model_validate({}), description="The fit.")
    evaluation: EvaluationSettings = Field(
        EvaluationSettings.model_validate({}), description="The evaluation."
    )

    def output_settings(self) -> dict[str, Any]:
        """Return what changes a model, as plain values; of the description it is what it says."""
        plain = self.model_dump(mode="json", exclude={"workers", "preset", "description"})
        if self.description is not None and self.description.is_file():
            plain["description"] = hashlib.sha256(self.description.read_bytes()).hexdigest()
        return plain


def credit_settings(given: Mapping[str, Any] | None = None) -> CreditSettings:
    """Return validated settings; a name may be a path such as ``search.trials``.

    Raises
    ------
    InvalidSettings
        A name is unknown or a value does not hold.
    """
    plain: dict[str, Any] = {}
    for path, value in (given or {}).items():
        *parents, name = path.split(".")
        place = plain
        for parent in parents:
            place = place.setdefault(parent, {})
        if isinstance(value, Mapping):
            place[name] = {**place.get(name, {}), **value}
        else:
            place[name] = value
    try:
        return CreditSettings.model_validate(plain)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, row['loc']))}: {row['msg']}"
            for row in error.errors(include_input=False, include_url=False)
        )
        raise pw.InvalidSettings(f"the credit settings do not hold: {problems}") from None
