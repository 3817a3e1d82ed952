"""Bodies and answers of the routes that take predictions and labels, as OpenAPI describes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from pipewarden.jobs.monitoring.labels.counting import Counted
from pipewarden.jobs.monitoring.labels.rows import LONGEST

_Text = Annotated[str, Field(min_length=1, max_length=LONGEST)]
_Label = bool | int | float | Annotated[str, Field(max_length=LONGEST)]


class GivenPrediction(BaseModel):
    """A prediction that was made elsewhere."""

    model_config = ConfigDict(extra="forbid")

    id: _Text | None = Field(
        default=None, description="To report its label by; left out: it is given one."
    )
    at: AwareDatetime = Field(description="When it was made.")
    model: _Text
    version: int = Field(ge=1, le=2**31 - 1)
    environment: _Text | None = Field(default=None, description="Left out: that of the service.")
    role: Literal["champion", "challenger"] = "champion"
    entity: Annotated[str, Field(max_length=LONGEST)] = ""
    inputs: dict[str, Any] = Field(default_factory=dict, description="Feature → value.")
    answer: dict[str, Any] = Field(
        min_length=1, description="As the model answers, such as `probability` and `prediction`."
    )


class PredictionsRequest(BaseModel):
    """One prediction, or some."""

    model_config = ConfigDict(extra="forbid")

    prediction: GivenPrediction | None = None
    predictions: list[GivenPrediction] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> PredictionsRequest:
        if (self.prediction is None) == (self.predictions is None):
            raise ValueError("either 'prediction' or 'predictions' must be given")
        return self


class GivenLabel(BaseModel):
    """What became true of a prediction."""

    model_config = ConfigDict(extra="forbid")

    prediction_id: _Text
    label: _Label = Field(description="A class as a number, truth or text, or an amount.")
    at: AwareDatetime | None = Field(
        default=None, description="When that became true; left out: now."
    )


class LabelsRequest(BaseModel):
    """One label, or some."""

    model_config = ConfigDict(extra="forbid")

    label: GivenLabel | None = None
    labels: list[GivenLabel] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> LabelsRequest:
        if (self.label is None) == (self.labels is None):
            raise ValueError("either 'label' or 'labels' must be given")
        return self


class RefusedView(BaseModel):
    """A row that was not taken."""

    place: int = Field(description="Among those given, counted from 0.")
    reason: str = Field(
        description="`unknown_version`, `id_taken`, `unreadable_label`, `in_the_future` or"
        " `too_long_ago`."
    )
    message: str


class TakenPredictionsView(BaseModel):
    """What came of predictions: `stored`, `repeated` and `refused` are all of them."""

    ids: list[str | None] = Field(description="Of each in order; null where it was refused.")
    stored: int
    repeated: int = Field(description="Logged already under their ids, and left as they are.")
    refused: list[RefusedView]


class TakenLabelsView(BaseModel):
    """What came of labels: `new`, `repeated`, `conflicting` and `refused` are all of them."""

    received: int = Field(description="All but the refused.")
    new: int
    repeated: int = Field(description="They say what was held already.")
    conflicting: int = Field(description="They say otherwise; the newest of a prediction holds.")
    replaced: int = Field(description="Labels that held, and hold no more.")
    labelled: int = Field(description="For predictions that are logged.")
    unknown: int = Field(description="They wait for a prediction that is not logged yet.")
    refused: list[RefusedView]


class CountedView(BaseModel):
    """The counts of a version in an environment and a role."""

    model: str
    environment: str
    version: int
    role: str
    predictions: int
    labelled: int
    unlabelled: int
    repeated: int = Field(description="Reports of their labels that said the same again.")
    conflicting: int = Field(description="Reports of their labels that said otherwise.")
    coverage: float | None
    newest_labelled: datetime | None = Field(
        description="When the newest prediction was made that has a label."
    )
    label_age_hours: float | None = Field(
        description="Hours from prediction to the arrival of its label: median of the newest."
    )

    @classmethod
    def of(cls, one: Counted) -> CountedView:
        """Return the view of counts."""
        tally = one.tally
        names = ("version", "role", "predictions", "labelled", "repeated", "conflicting")
        return cls(
            model=one.model,
            environment=one.environment,
            **{name: getattr(tally, name) for name in names},
            unlabelled=tally.predictions - tally.labelled,
            coverage=one.coverage,
            newest_labelled=tally.newest,
            label_age_hours=one.label_age_hours,
        )


class StatisticsView(BaseModel):
    """The counts of predictions made in a window."""

    since: datetime
    until: datetime
    unknown_labels: int = Field(
        description="Of whatever time: they wait for a prediction that is not logged yet."
    )
    counted: list[CountedView]
