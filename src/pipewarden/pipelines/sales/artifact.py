"""A model opened from its document: it forecasts from what is written there, and fits nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import pipewarden as pw
from pipewarden.pipelines.sales.backtesting.conformal import Intervals, intervals_of
from pipewarden.pipelines.sales.models.component import Component, component_of
from pipewarden.pipelines.sales.series.weekly import Floats, week_name

FORMAT = "pipewarden-series-1"
_MOST_STEPS = 520
_LEAST_LEVEL, _MOST_LEVEL = 1.0, 99.5
#: Weights are written as they are; their sum is 1 up to rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class SeriesModel:
    """The model of one series.

    Parameters
    ----------
    name
        The series.
    last, step
        The last week it was fitted on (ordinal of the day, or whole number), and days between two.
    parts
        Components with their weights.
    intervals
        How far off it may be.
    lowest
        No bound of an interval lies below.
    """

    name: str
    last: int
    step: int
    parts: tuple[tuple[float, Component], ...]
    intervals: Intervals
    lowest: float

    def points(self, horizon: int) -> Floats:
        """Return the next values."""
        total: Floats = np.sum([w * part.forecast(horizon) for w, part in self.parts], axis=0)
        return total

    def forecast(self, horizon: int, level: float = 95.0) -> list[Mapping[str, Any]]:
        """Return one row a step: ``unique_id``, ``ds``, ``step``, ``y_hat``, ``lo_95``, ``hi_95``.

        Parameters
        ----------
        horizon
            Weeks ahead, up to 520.
        level
            Of the interval, in percent, from 1 to 99.5; it names the last two columns.

        Raises
        ------
        BadInput
            Horizon or level are outside of their bounds.
        """
        if isinstance(horizon, bool) or not 1 <= horizon <= _MOST_STEPS:
            raise pw.BadInput("bad_horizon", f"the horizon must be 1 to {_MOST_STEPS} weeks")
        if not _LEAST_LEVEL <= level <= _MOST_LEVEL:
            told = f"the level must be {_LEAST_LEVEL:g} to {_MOST_LEVEL:g} percent, not {level:g}"
            raise pw.BadInput("bad_level", told)
        made = self.points(horizon)
        below, above = self.intervals.offsets(horizon, level)
        low = np.maximum(made + below, self.lowest)
        return [
            {
                "unique_id": self.name,
                "ds": week_name(self.last + step * self.step, self.step),
                "step": step,
                "y_hat": float(made[step - 1]),
                f"lo_{level:g}": float(min(low[step - 1], made[step - 1])),
                f"hi_{level:g}": float(made[step - 1] + above[step - 1]),
            }
            for step in range(1, horizon + 1)
        ]


def opened(document: Mapping[str, Any]) -> SeriesModel:
    """Return the model of a document.

    Raises
    ------
    BadInput
        The document is of another family, or its artifact does not read.
    """
    artifact = document.get("artifact")
    if document.get("family") != "sales" or not isinstance(artifact, Mapping):
        raise pw.BadInput("not_a_sales_model", "the document is no model of the family 'sales'")
    if artifact.get("format") != FORMAT:
        told = f"the artifact has the format {artifact.get('format')!r}, not {FORMAT!r}"
        raise pw.BadInput("unknown_format", told)
    try:
        parts = tuple(
            (float(said["weight"]), component_of(said)) for said in artifact["components"]
        )
        model = SeriesModel(
            name=str(artifact["unique_id"]),
            last=int(artifact["last"]),
            step=int(artifact["step"]),
            parts=parts,
            intervals=intervals_of(artifact["intervals"]),
            lowest=min((part.lowest for _, part in parts), default=-math.inf),
        )
    except (KeyError, TypeError, ValueError) as error:
        told = f"the artifact of {document.get('model')!r} does not read: {error!r}"
        raise pw.BadInput("bad_artifact", told) from error
    if abs(sum(weight for weight, _ in parts) - 1) > _ROUNDING or model.step not in (1, 7):
        raise pw.BadInput("bad_artifact", f"the artifact of {model.name!r} does not add up")
    if not np.isfinite(model.points(1)).all():
        raise pw.BadInput("bad_artifact", f"the artifact of {model.name!r} forecasts no number")
    return model
