"""Anomalies: whether the newest figure is unlike its own past.

The distance is a robust z-score: from the median, in median absolute deviations scaled to those of
a normal distribution (Iglewicz and Hoaglin, "How to detect and handle outliers", 1993). Where the
past has a daily course, the distance is that of the residuals from the medians of each hour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean, median

from pipewarden.core.monitoring.metrics import METRICS, worsening

#: Figures of the past below which nothing is usual yet, and days of each hour for a daily course.
FEWEST, FEWEST_DAYS = 30, 7
#: How many figures of the past each figure of a series is held beside.
_RECENT = 250
_NORMAL = 1.4826  # median absolute deviation of a normal distribution, turned round
#: Share of the median that a deviation is taken for at least: what hardly moves is no anomaly.
_LEAST = 0.01
#: What grows by itself, and what is 1 or 0.
_UNFIT = frozenset(
    {
        "model.age_days", "pipeline.hours_since_success", "pipeline.missed_schedules",
        "registry.reachable", "serving.reachable", "monitor.failures", "history.anomaly",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """How far a figure lies from its own past.

    Parameters
    ----------
    score
        In robust standard deviations; positive where it is worse than usual.
    usual
        What was to be expected.
    seasonal
        Whether that is of the hour of the day.
    past
        Figures that it rests on.
    """

    score: float
    usual: float
    seasonal: bool
    past: int


def fit(metric: str) -> bool:
    """Whether the past of a metric says what is usual of it."""
    return metric not in _UNFIT


def unusual(
    metric: str, past: Sequence[tuple[datetime, float]], at: datetime, value: float
) -> Unusual | None:
    """Return how far a figure lies from its past; None where that says nothing.

    Parameters
    ----------
    past
        Time and value of the figures before it.
    """
    if not fit(metric) or len(past) < FEWEST:
        return None
    values = [held for _, held in past]
    usual, spread = median(values), _deviation(values)
    seasonal = False
    hours = _by_hour(past)
    if hours is not None and at.astimezone(UTC).hour in hours:
        course = [held - hours[when.astimezone(UTC).hour] for when, held in past]
        if _mean_distance(course) < _mean_distance(values) / 2:  # the hour explains most of it
            usual, spread, seasonal = hours[at.astimezone(UTC).hour], _deviation(course), True
    scale = max(spread, _LEAST * abs(usual))
    if scale == 0.0:
        return None  # it never moved: a deviation has no measure
    sign = 1.0 if worsening(metric, value, usual) > 0 else -1.0
    return Unusual(
        score=sign * abs(value - usual) / scale, usual=usual, seasonal=seasonal, past=len(past)
    )


def marked(
    metric: str, series: Sequence[tuple[datetime, float]], deviations: float
) -> list[tuple[datetime, Unusual]]:
    """Return the figures of a series that were unlike what came before them.

    Parameters
    ----------
    deviations
        From which score on a figure is marked, if it is worse than usual.
    """
    assert metric in METRICS, metric
    found = []
    for place in range(FEWEST, len(series)):
        at, value = series[place]
        one = unusual(metric, series[max(0, place - _RECENT) : place], at, value)
        if one is not None and one.score >= deviations:
            found.append((at, one))
    return found


def _deviation(values: Sequence[float]) -> float:
    middle = median(values)
    return _NORMAL * median(abs(value - middle) for value in values)


def _mean_distance(values: Sequence[float]) -> float:
    """Return the mean distance from the median, in which an hour that is always high counts."""
    middle = median(values)
    return fmean(abs(value - middle) for value in values)


def _by_hour(past: Sequence[tuple[datetime, float]]) -> dict[int, float] | None:
    """Return the median of each hour of the day; None where there are too few days."""
    hours: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for at, value in past:
        moment = at.astimezone(UTC)
        hours[moment.hour][moment.toordinal()].append(value)
    if any(len(days) < FEWEST_DAYS for days in hours.values()):
        return None
    return {
        hour: median(value for day in days.values() for value in day)
        for hour, days in hours.items()
    }
