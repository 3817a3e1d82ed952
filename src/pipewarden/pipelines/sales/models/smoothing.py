"""Exponential smoothing and the Theta family, fitted on a grid for many histories at once.

Each history is a row that ends in the last column, so that the state after it is that history's
end. All rows and all parameters of the grid run through time together; the parameters with the
least squared one-step error win. A gap carries the state on.

Forms: simple smoothing and damped trend, Gardner and McKenzie (1985); Theta, Assimakopoulos and
Nikolopoulos (2000), in the dynamic form of Fiorucci et al. (2016).
"""

from __future__ import annotations

import numpy as np

from pipewarden.pipelines.sales.series.weekly import Floats

_ALPHAS = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.999])
#: Theta 1 is simple smoothing, 2 the classic Theta.
_THETAS = np.array([1.0, 1.5, 2.0, 3.0, 6.0])
_TREND_ALPHAS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 0.999)
_TREND_BETAS = (0.01, 0.03, 0.08, 0.2, 0.4)
_DAMPINGS = (0.8, 0.9, 0.95, 0.98)
#: First values whose errors say more of the start than of the parameters.
_BURN = 6
_START = 3

#: A fit: level after the last value, slope a step, damping; one row a history.
Fit = tuple[Floats, Floats, Floats]


def theta_fits(rows: Floats) -> dict[str, Fit]:
    """Return simple smoothing (``ses``), Theta (``theta``) and dynamic Theta of each row."""
    first, start = _starts(rows)
    seen = np.isfinite(rows)
    values = np.where(seen, rows, 0.0)
    slopes = _slopes(values, seen)
    drift = 1.0 - 1.0 / _THETAS
    level = np.repeat(start[:, None], len(_ALPHAS), 1)
    errors = np.zeros((len(rows), len(_ALPHAS), len(_THETAS)))
    for at in range(rows.shape[1]):
        live = seen[:, at] & (at >= first)
        if at and (judged := seen[:, at] & (at >= first + _BURN)).any():
            ahead = level + 0.0
            off = values[:, at, None] - ahead
            pull = slopes[:, at - 1, None] / _ALPHAS
            missed = off[:, :, None] - pull[:, :, None] * drift
            errors += np.where(judged[:, None, None], missed * missed, 0.0)
        level += np.where(live[:, None], _ALPHAS * (values[:, at, None] - level), 0.0)
    fits = {}
    for name, columns in (("ses", [0]), ("theta", [2]), ("dynamic_theta", range(len(_THETAS)))):
        chosen = list(columns)
        best = errors[:, :, chosen].reshape(len(rows), -1).argmin(1)
        alpha, kept = best // len(chosen), np.array(chosen)[best % len(chosen)]
        slope = drift[kept] * slopes[:, -1]
        end = level[np.arange(len(rows)), alpha] + slope * (1 / _ALPHAS[alpha] - 1)
        fits[name] = end, slope, np.ones(len(rows))
    return fits


def damped_fits(rows: Floats) -> Fit:
    """Return the damped trend of each row."""
    alpha, beta, damping = (
        np.array(column)
        for column in zip(
            *((a, b, d) for a in _TREND_ALPHAS for b in _TREND_BETAS for d in _DAMPINGS),
            strict=True,
        )
    )
    first, start = _starts(rows)
    seen = np.isfinite(rows)
    values = np.where(seen, rows, 0.0)
    level = np.repeat(start[:, None], len(alpha), 1)
    slope, errors = np.zeros_like(level), np.zeros_like(level)
    gain = alpha * beta
    for at in range(rows.shape[1]):
        carried = damping * slope
        ahead = level + carried
        missed = np.where(seen[:, at, None], values[:, at, None] - ahead, 0.0)
        begun = at >= first
        if not begun.all():
            missed *= begun[:, None]
            ahead = np.where(begun[:, None], ahead, level)
            carried *= begun[:, None]
        if at >= _BURN:
            errors += missed * missed * (at >= first + _BURN)[:, None]
        level = ahead + alpha * missed
        slope = carried + gain * missed
    best = errors.argmin(1)
    at_best = np.arange(len(rows)), best
    return level[at_best], slope[at_best], damping[best]


def _starts(rows: Floats) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Floats]:
    """Return where each row begins, and its first level: the mean of its first values."""
    first = np.isfinite(rows).argmax(1)
    levels = [
        float(row[np.isfinite(row)][:_START].mean()) if np.isfinite(row).any() else 0.0
        for row in rows
    ]
    return first, np.array(levels)


def _slopes(values: Floats, seen: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> Floats:
    """Return the slope of the line through each row up to each column."""
    at = np.arange(values.shape[1], dtype=np.float64)
    number, sum_t, sum_tt = seen.cumsum(1), (seen * at).cumsum(1), (seen * at * at).cumsum(1)
    sum_y, sum_ty = values.cumsum(1), (values * at).cumsum(1)
    spread = number * sum_tt - sum_t**2
    slopes = (number * sum_ty - sum_t * sum_y) / np.maximum(spread, 1e-9)
    return np.where((number > 3) & (spread > 0), slopes, 0.0)
