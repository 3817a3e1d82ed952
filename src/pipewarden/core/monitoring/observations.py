"""An observation: one figure about one subject at one time, and what was made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ObservationStatus(StrEnum):
    """What was made of a figure.

    A figure that could not be had is never taken for a good one.
    """

    OK = "ok"
    #: Worth a look, and no reason to act.
    WARN = "warn"
    #: Beyond its limit, with everything that the rule asks for.
    BREACH = "breach"
    NOT_COMPUTABLE = "not_computable"


class SubjectKind(StrEnum):
    """What may be observed."""

    MODEL = "model"
    PIPELINE = "pipeline"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One figure, and the verdict on it.

    Parameters
    ----------
    check_id
        The check that it belongs to: all that was looked at together.
    subject
        The name of the model, of the pipeline, or of the service.
    environment
        Of a model; empty otherwise.
    version
        Of a model, where the figure is of one version.
    metric
        What was measured; see the catalogue of metrics.
    feature
        The feature, segment or sink that it was measured of; empty where it is of the whole.
    window
        What it was measured over, such as ``24h``, ``n=2000`` or a batch's name.
    value
        The figure; None where it is not computable.
    threshold
        What the figure was held against; None where no rule applies.
    sample
        On how many rows or events it rests.
    reason
        In words: why it is not computable, or what makes it a breach.
    evidence
        Whatever else the verdict rests on: intervals, p-values, counts.
    """

    check_id: str
    at: datetime
    kind: SubjectKind
    subject: str
    metric: str
    status: ObservationStatus
    value: float | None = None
    environment: str = ""
    version: int | None = None
    feature: str = ""
    window: str = ""
    threshold: float | None = None
    sample: int | None = None
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
