"""Errors of forecasts: scaled, squared, relative; each a pure function of what was said and came.

MASE and RMSSE: Hyndman and Koehler (2006), scaled by the naive one-week errors of the training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipewarden.pipelines.sales.series.weekly import Floats

_RESAMPLES = 400
_BOUNDS = (0.025, 0.975)
BOUNDS_LEVEL = 0.95


@dataclass(frozen=True)
class Scale:
    """The mean absolute and the root mean squared change from one training week to the next."""

    absolute: float
    squared: float

    @classmethod
    def of(cls, training: Floats) -> Scale:
        """Return the scale of the training weeks; gaps are passed over."""
        seen = training[np.isfinite(training)]
        changes = np.diff(seen)
        if not len(changes):
            return cls(0.0, 0.0)
        return cls(float(np.abs(changes).mean()), float(math.sqrt((changes**2).mean())))


def figures(actual: Floats, made: Floats, scale: Scale) -> dict[str, float | None]:
    """Return ``mae``, ``rmse``, ``mape`` (percent), ``mase``, ``rmsse``; None: not computable."""
    missed = actual - made
    seen = np.isfinite(missed)
    if not seen.any():
        return dict.fromkeys(("mae", "rmse", "mape", "mase", "rmsse"))
    absolute = float(np.abs(missed[seen]).mean())
    squared = math.sqrt(float((missed[seen] ** 2).mean()))
    parts = seen & (actual != 0)
    share = float((np.abs(missed[parts]) / np.abs(actual[parts])).mean()) if parts.any() else None
    return {
        "mae": absolute,
        "rmse": squared,
        "mape": None if share is None else 100 * share,
        "mase": _over(absolute, scale.absolute),
        "rmsse": _over(squared, scale.squared),
    }


def _over(value: float, scale: float) -> float | None:
    return value / scale if scale > 0 else None


def relative(error: float | None, yard: float | None) -> float | None:
    """Return an error in that of the yardstick; 1 where both are nothing."""
    if error is None or yard is None:
        return None
    if yard > 0:
        return error / yard
    return 1.0 if error <= 0 else None


def with_bounds(
    actual: Floats, made: Floats, scale: Scale, seed: int
) -> dict[str, dict[str, float | None]]:
    """Return the figures with the bounds of a bootstrap over origins.

    Parameters
    ----------
    seed
        Of the generator that draws.
    """
    whole = figures(actual, made, scale)
    draws = np.random.default_rng(seed).integers(0, len(actual), (_RESAMPLES, len(actual)))
    missed = actual - made
    seen = np.isfinite(missed)
    count = np.maximum(seen[draws].sum((1, 2)), 1)
    absolute = np.where(seen, np.abs(missed), 0.0)[draws].sum((1, 2)) / count
    squared = np.sqrt(np.where(seen, missed**2, 0.0)[draws].sum((1, 2)) / count)
    parts = seen & (actual != 0)
    shares = np.where(parts, np.abs(missed) / np.where(parts, np.abs(actual), 1.0), 0.0)
    mape = 100 * shares[draws].sum((1, 2)) / np.maximum(parts[draws].sum((1, 2)), 1)
    drawn: Mapping[str, Floats] = {
        "mase": absolute / scale.absolute if scale.absolute > 0 else absolute,
        "rmsse": squared / scale.squared if scale.squared > 0 else squared,
        "rmse": squared,
        "mape": mape,
    }
    return {name: _bounded(whole[name], values) for name, values in drawn.items()}


def _bounded(value: float | None, drawn: Floats) -> dict[str, float | None]:
    low, high = (None, None) if value is None else map(float, np.quantile(drawn, _BOUNDS))
    return {"value": value, "low": low, "high": high, "level": BOUNDS_LEVEL}
