"""The profile of a year: estimated with as much smoothing and shrinkage as it has earned.

A weekly profile has 52 numbers and rarely more than five years behind them. Raw means are mostly
noise; so they are smoothed over neighbouring weeks and shrunk towards no season at all, by what
forecasts the year that was left out best (leave-one-year-out). Shrinkage of seasonal indices:
Miller and Williams (2003), International Journal of Forecasting 19, 669-684.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from pipewarden.pipelines.sales.series.weekly import Floats

#: Standard deviations, in weeks, of the kernels that smooth a profile.
_BANDWIDTHS = (0.0, 0.8, 1.6, 3.0)
#: Years of values, counted in whole seasons, below which there is no profile.
_LEAST_SEASONS = 2
_LEAST_SEEN = 1.5
#: A wider kernel must be better by more than rounding.
_BETTER = 0.999
_TAIL = 26


def profile(values: Floats, season: int) -> Floats | None:
    """Return what the next ``season`` weeks add to the level, in order; None where none is known.

    Parameters
    ----------
    values
        The history, its last value being that of the latest week; NaN is a gap.
    season
        Weeks of a season.
    """
    length = len(values)
    if length < _LEAST_SEASONS * season or np.isfinite(values).sum() < _LEAST_SEEN * season:
        return None
    detrended = values - _trend(values, season)
    years = -(-length // season)
    table = np.full(years * season, np.nan)
    table[-length:] = detrended
    return _shrunk(table.reshape(years, season))


def _trend(values: Floats, season: int) -> Floats:
    """Return the centred moving average over a season, continued to both ends by half its slope."""
    seen = np.isfinite(values)
    weights = np.ones(season + 1)
    weights[0] = weights[-1] = 0.5
    total = np.convolve(np.where(seen, values, 0.0), weights, "same")
    count = np.convolve(seen.astype(np.float64), weights, "same")
    trend = total / np.maximum(count, 1e-9)
    half, length = season // 2, len(values)
    core = trend[half : length - half]
    steps = 0.5 * np.arange(1, half + 1)
    trend[length - half :] = core[-1] + _slope(core[-_TAIL:]) * steps
    trend[:half] = core[0] - _slope(core[:_TAIL]) * steps[::-1]
    return trend


def _slope(values: Floats) -> float:
    if len(values) < 3:
        return 0.0
    at = np.arange(len(values)) - (len(values) - 1) / 2
    return float(at @ values / (at @ at))


def _shrunk(table: Floats) -> Floats:
    """Return the profile of a table of years: the smoothing and shrinkage that predict best."""
    seen = np.isfinite(table)
    held = np.where(seen, table, 0.0)
    total, count = held.sum(0), seen.sum(0).astype(np.float64)
    best, least = np.zeros(table.shape[1]), float((held**2).sum())
    for width in _BANDWIDTHS:
        others = _mean(total - held, count - seen, width)
        others = (others - others.mean(1, keepdims=True)) * seen
        power = float((others**2).sum())
        share = min(1.0, max(0.0, float((held * others).sum()) / power)) if power > 0 else 0.0
        error = float(((held - share * others) ** 2).sum())
        if error < least * _BETTER:
            mean = _mean(total, count, width)
            best, least = share * (mean - mean.mean()), error
    return best


def _mean(total: Floats, count: Floats, width: float) -> Floats:
    """Return means by week of the year, smoothed around the year."""
    if width:
        spectrum = _spectrum(width, total.shape[-1])
        total, count = _smoothed(total, spectrum), _smoothed(count, spectrum)
    return np.where(count > 1e-9, total / np.maximum(count, 1e-9), 0.0)


@functools.cache
def _spectrum(width: float, season: int) -> np.ndarray[Any, np.dtype[np.complex128]]:
    """Return the Fourier transform of a kernel that goes around the year."""
    away = np.minimum(np.arange(season), season - np.arange(season))
    kernel = np.exp(-0.5 * (away / width) ** 2)
    return np.fft.rfft(np.where(away <= 3 * width + 1, kernel, 0.0))


def _smoothed(values: Floats, spectrum: np.ndarray[Any, np.dtype[np.complex128]]) -> Floats:
    smooth: Floats = np.fft.irfft(np.fft.rfft(values) * spectrum, values.shape[-1])
    return smooth
