"""Smart retraining: whether a model is due although data, code and settings are as they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from pipewarden.pipelines.sales.artifact import SeriesModel, opened
from pipewarden.pipelines.sales.series.weekly import Series, series_of, week_at
from pipewarden.pipelines.sales.settings import SalesSettings, retraining_limits

_DAY_SECONDS = 86_400


def due(
    record: Mapping[str, Any],
    document: Mapping[str, Any],
    now: datetime,
    settings: SalesSettings,
    trained_at: datetime | None = None,
) -> str | None:
    """Return why a model should be trained again, or None.

    Parameters
    ----------
    record
        The series as it is now; it may have weeks that the model has not seen.
    document
        The current version's model document.
    now
        Aware.
    settings
        Limits of age, error and degradation, by environment where they are not set.
    trained_at
        When it was trained, aware; not known: age is counted from its last week.

    Raises
    ------
    BadInput
        Record or document do not read.
    """
    limits, model = retraining_limits(settings), opened(document)
    age = _age_days(model, now, trained_at)
    if (most := limits["max_age_days"]) is not None and age is not None and age > most:
        return f"the model is {age:.0f} days old, more than {most:g}"
    error, weeks = new_error(series_of(record, settings.week_ends_on), model, document)
    if error is None or weeks < settings.retraining.min_new_weeks:
        return None
    if (most := limits["max_error"]) is not None and error > most:
        return f"its error on {weeks} new weeks is {error:.2f} (MASE), more than {most:g}"
    before = document["metrics"]["mase"]["value"]
    most = limits["max_degradation"]
    if most is not None and before and error > before * (1 + most):
        rise = error / before - 1
        told = f"its error on {weeks} new weeks rose by {rise:.0%} over the test's"
        return f"{told}, more than {most:.0%}"
    return None


def new_error(
    series: Series, model: SeriesModel, document: Mapping[str, Any]
) -> tuple[float | None, int]:
    """Return the scaled error (MASE) of a model on weeks that it has not seen, and their number."""
    skipped = (model.last - series.first) // series.step + 1
    fresh = series.values[max(0, skipped) :]
    seen = np.isfinite(fresh)
    scale = document["parameters"]["scale"]["absolute"]
    if series.step != model.step or skipped < 0 or not seen.any() or scale <= 0:
        return None, 0
    missed = np.abs(fresh - model.points(len(fresh)))
    return float(missed[seen].mean() / scale), int(seen.sum())


def _age_days(model: SeriesModel, now: datetime, trained_at: datetime | None) -> float | None:
    if trained_at is not None:
        return (now - trained_at).total_seconds() / _DAY_SECONDS
    if model.step != 7:
        return None  # whole numbers tell no time
    last = date.fromordinal(week_at(model.last))
    return (now.astimezone(UTC).date() - last).days
