"""How good forecasts were on the weeks that have become true since.

A month has four weeks, so an interval here is wide, and it treats the errors of neighbouring weeks
as if they were independent: it is a hint. A verdict wants several weeks or several series.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipewarden.core.monitoring.observations import ObservationStatus
from pipewarden.monitoring.performance import figures
from pipewarden.monitoring.performance.dropping import Judged
from pipewarden.monitoring.performance.figures import Figure, Floats

MASE, RMSE, MAPE = "forecast.mase", "forecast.rmse", "forecast.mape"
BIAS, COVERAGE = "forecast.bias", "forecast.interval_coverage"
NAIVE = "forecast.relative_to_naive"
METRICS = (MASE, RMSE, MAPE, BIAS, COVERAGE, NAIVE)

#: Weeks below which nothing is computed of them.
FEWEST_WEEKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """Weeks that were forecast and have become true.

    Parameters
    ----------
    actual, forecast
        What was sold, and what had been forecast; a week where either is NaN is left out.
    low, high
        The interval that had been given; None where there was none.
    level
        Of that interval, between 0 and 1.
    naive
        What the naive forecast would have said of the same weeks; None where nobody asked it.
    scale
        Mean absolute error of the naive forecast within the training weeks, by which MASE scales
        (Hyndman, Koehler, International Journal of Forecasting 22, 2006); None: unknown. One for
        all weeks, or one a week where the weeks are of several series.
    """

    actual: NDArray[Any]
    forecast: NDArray[Any]
    low: NDArray[Any] | None = None
    high: NDArray[Any] | None = None
    level: float = 0.8
    naive: NDArray[Any] | None = None
    scale: float | NDArray[Any] | None = None


def of_forecasts(held: Forecasts) -> tuple[Figure, ...]:
    """Return each of `METRICS`, or the reason why there is none."""
    actual, forecast = _floats(held.actual), _floats(held.forecast)
    known = np.isfinite(actual) & np.isfinite(forecast)
    weeks = int(known.sum())
    if weeks < FEWEST_WEEKS:
        reason = f"too few weeks have become true: {weeks}, and {FEWEST_WEEKS} are needed"
        return figures.all_unknown(METRICS, weeks, reason)
    actual, error = actual[known], forecast[known] - actual[known]
    return (
        _scaled(error, held.scale, known),
        _root(error),
        _percentage(actual, error),
        _mean(BIAS, error, mean_actual=float(actual.mean())),
        _covered(actual, held, known),
        _relative(actual, error, held.naive, known),
    )


def within_promise(judged: Sequence[Judged]) -> list[Judged]:
    """Return figures in which errors that the intervals had allowed for are a warning at most.

    New weeks lie further and further ahead, where errors are larger than their average at training;
    the intervals grow with them. Only where those do not hold either, the series has changed.
    Forecasts without intervals stay as they are judged.
    """
    breach, warn = ObservationStatus.BREACH, ObservationStatus.WARN
    covered = [one for one in judged if one.figure.metric == COVERAGE]
    if not any(one.figure.value is not None and one.status is not breach for one in covered):
        return list(judged)
    words = "but the intervals hold, or chance may explain that they do not"
    return [
        replace(one, status=warn, reason=f"{one.reason}, {words}") if one.status is breach else one
        for one in judged
    ]


def _floats(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _mean(metric: str, each: Floats, **evidence: Any) -> Figure:
    spread = float(each.std(ddof=1)) / math.sqrt(len(each))
    return figures.known(metric, float(each.mean()), spread, len(each), **evidence)


def _scaled(error: Floats, scale: float | NDArray[Any] | None, known: NDArray[Any]) -> Figure:
    if scale is None:
        return figures.unknown(MASE, len(error), "the error of the naive forecast is not known")
    each = np.broadcast_to(_floats(scale), known.shape)[known]
    some = np.isfinite(each) & (each > 0)
    if some.sum() < FEWEST_WEEKS:
        reason = "the naive forecast made no error in training, so nothing can be scaled by it"
        return figures.unknown(MASE, int(some.sum()), reason)
    return _mean(MASE, np.abs(error[some]) / each[some])


def _root(error: Floats) -> Figure:
    squares = error**2
    value = math.sqrt(float(squares.mean()))
    spread = float(squares.std(ddof=1)) / math.sqrt(len(squares))
    return figures.known(RMSE, value, spread / (2 * value) if value else 0.0, len(error))


def _percentage(actual: Floats, error: Floats) -> Figure:
    sold = actual != 0
    weeks = int(sold.sum())
    if weeks < FEWEST_WEEKS:
        reason = f"only {weeks} weeks with any sales: no percentage of nothing"
        return figures.unknown(MAPE, weeks, reason)
    left_out = len(actual) - weeks
    return _mean(MAPE, 100 * np.abs(error[sold] / actual[sold]), weeks_without_sales=left_out)


def _covered(actual: Floats, held: Forecasts, known: NDArray[Any]) -> Figure:
    if held.low is None or held.high is None:
        return figures.unknown(COVERAGE, len(actual), "the forecasts have no interval")
    low, high = _floats(held.low)[known], _floats(held.high)[known]
    some = np.isfinite(low) & np.isfinite(high)
    inside = (low <= actual) & (actual <= high) & some
    return figures.share(COVERAGE, int(inside.sum()), int(some.sum()), promised=held.level)


def _relative(
    actual: Floats, error: Floats, naive: NDArray[Any] | None, known: NDArray[Any]
) -> Figure:
    if naive is None:
        return figures.unknown(NAIVE, len(error), "there is no naive forecast of these weeks")
    theirs = np.abs(_floats(naive)[known] - actual)
    some = np.isfinite(theirs)
    ours, theirs = np.abs(error)[some], theirs[some]
    weeks = len(ours)
    if weeks < FEWEST_WEEKS or not theirs.sum():
        reason = "the naive forecast was right in every week, so nothing is relative to it"
        if weeks < FEWEST_WEEKS:
            reason = f"the naive forecast is known of {weeks} weeks only"
        return figures.unknown(NAIVE, weeks, reason)
    value = float(ours.sum() / theirs.sum())
    influence = (ours - value * theirs) / theirs.mean()
    spread = float(influence.std(ddof=1)) / math.sqrt(weeks)
    return figures.known(NAIVE, value, spread, weeks)
