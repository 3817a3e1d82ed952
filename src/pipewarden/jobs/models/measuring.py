"""The models of a run in one picture: how each does beside the simplest that would do."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipewarden.core.models.showing import Measured, Yardstick
from pipewarden.report.facts import ModelFacts, ModelLine
from pipewarden.store.state.models import versions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipewarden.engine.pipeline import Pipeline

#: A picture of fewer models says less than their list.
_LEAST = 5
_NAMED = 10
#: The last bin holds all that is larger.
_WIDTH, _BINS = 0.1, 20
#: One model in this many lies below the first, and above the last, of the shares that are told.
_OUTER = 10


def models_of(conn: Connection, run_id: str, pipeline: Pipeline) -> ModelFacts | None:
    """Return what the report tells of the models that a run registered; None where it is nothing.

    Nothing is measured here: the figures are those of the versions, and of their parents.
    """
    family: object = pipeline.family
    if not isinstance(family, Measured):
        return None
    yardstick = family.yardstick
    rows = versions.with_parents(conn, run_id)
    lines = [
        ModelLine(model=model, value=own[yardstick.fact], before=before.get(yardstick.fact))
        for model, own, before in rows
        if yardstick.fact in own
    ]
    if len(lines) < _LEAST:
        return None
    return _facts(lines, len(rows) - len(lines), yardstick)


def _facts(lines: Sequence[ModelLine], unmeasured: int, yardstick: Yardstick) -> ModelFacts:
    values = [line["value"] for line in lines]
    shares = statistics.quantiles(values, n=_OUTER, method="inclusive")
    worst = sorted(lines, key=lambda line: (-line["value"], line["model"]))
    better = [line for line in lines if _gain(line) > 0]
    better.sort(key=lambda line: (-_gain(line), line["model"]))
    return ModelFacts(
        name=yardstick.name,
        against=yardstick.against,
        measured=len(values),
        unmeasured=unmeasured,
        better=sum(value < 1 for value in values),
        equal=sum(value == 1 for value in values),
        median=statistics.median(values),
        low=shares[0],
        high=shares[-1],
        edges=[round(index * _WIDTH, 1) for index in range(_BINS + 1)],
        counts=_counts(values),
        worst=worst[:_NAMED],
        improved=better[:_NAMED],
    )


def _counts(values: Sequence[float]) -> list[int]:
    counts = [0] * _BINS
    for value in values:
        # 1 itself is the yardstick's own error, and belongs to what is not better.
        counts[min(max(math.floor(value / _WIDTH + 1e-9), 0), _BINS - 1)] += 1
    return counts


def _gain(line: ModelLine) -> float:
    return 0.0 if line["before"] is None else line["before"] - line["value"]
