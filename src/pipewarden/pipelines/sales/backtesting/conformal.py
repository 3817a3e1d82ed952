"""Conformal intervals: as wide as the errors of the backtest were, at any level.

Errors grow with the step. They are divided by sqrt(1 + growth · (step - 1)), the growth being what
makes them most alike, pooled, and kept as signed quantiles; so the interval need not be symmetric.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipewarden.pipelines.sales.series.weekly import Floats

_GROWTHS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5)
#: Where quantiles are kept.
PROBABILITIES = (
    *(0.0025, 0.005, 0.01, 0.015, 0.02, 0.025, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5),
    *(0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.975, 0.98, 0.985, 0.99, 0.995, 0.9975),
)
#: Errors of one origin go together, so that they are worth fewer than they are: wider by this share
#: of one origin's weight. Set where nominal 95 % covered 90 to 97 % of weeks held back, by source.
_WIDENING = 4.0


@dataclass(frozen=True)
class Intervals:
    """Signed quantiles of errors, scaled to the first step."""

    growth: float
    quantiles: tuple[float, ...]

    def offsets(self, horizon: int, level: float) -> tuple[Floats, Floats]:
        """Return what the lower and the upper bound add to each step.

        Parameters
        ----------
        level
            In percent.
        """
        tail = (1 - level / 100) / 2
        low, high = np.interp([tail, 1 - tail], PROBABILITIES, self.quantiles)
        spread = _spread(self.growth, horizon)
        return min(low, 0.0) * spread, max(high, 0.0) * spread

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "growth": self.growth,
            "probabilities": list(PROBABILITIES),
            "quantiles": list(self.quantiles),
        }


def intervals_of(said: Mapping[str, Any]) -> Intervals:
    """Return the intervals that plain values tell of.

    Raises
    ------
    KeyError, TypeError, ValueError
        They tell of none.
    """
    quantiles = tuple(map(float, said["quantiles"]))
    if len(quantiles) != len(PROBABILITIES):
        raise ValueError(f"{len(PROBABILITIES)} quantiles are needed, not {len(quantiles)}")
    return Intervals(float(said["growth"]), quantiles)


def fitted(missed: Floats) -> Intervals:
    """Return the intervals of errors (actual less forecast), one row an origin."""
    seen = np.isfinite(missed)
    if not seen.any():
        return Intervals(0.0, (0.0,) * len(PROBABILITIES))
    growth = _growth(missed, seen)
    scaled = (missed / _spread(growth, missed.shape[1]))[seen]
    wider = 1 + _WIDENING / max(1, int(seen.any(1).sum()))
    quantiles = _conformal(np.sort(scaled), np.array(PROBABILITIES))
    return Intervals(growth, tuple(float(value) * wider for value in quantiles))


def _growth(missed: Floats, seen: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    """Return the growth under which the scaled errors have the highest Laplace likelihood."""

    def loss(growth: float) -> float:
        spread = np.broadcast_to(_spread(growth, missed.shape[1]), missed.shape)
        mean = float(np.abs(missed / spread)[seen].mean())
        return float(np.log(spread[seen]).mean()) + math.log(max(mean, 1e-300))

    return min(_GROWTHS, key=loss)


def _spread(growth: float, horizon: int) -> Floats:
    spread: Floats = np.sqrt(1 + growth * np.arange(horizon))
    return spread


def _conformal(ordered: Floats, probabilities: Floats) -> Floats:
    """Return quantiles that err to the outside: order statistics of n + 1 places."""
    number = len(ordered)
    below = np.floor((number + 1) * probabilities) - 1
    above = np.ceil((number + 1) * probabilities) - 1
    place = np.where(probabilities < 0.5, below, above).clip(0, number - 1).astype(int)
    return np.where(probabilities == 0.5, np.median(ordered), ordered[place])
