"""Intervals by the bootstrap (Efron 1979): rows drawn again, percentiles of what they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipewarden.pipelines.credit.data.table import Numbers
from pipewarden.pipelines.credit.evaluation.scores import METRICS, Scored, metrics_of


def resamples(rows: int, number: int, seed: int) -> Numbers:
    """Return how often each row is drawn in each resample."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(rows, np.full(rows, 1 / rows), size=number).astype(np.float64)


def with_intervals(scored: Scored, weights: Numbers, level: float) -> dict[str, Any]:
    """Return each metric with its interval, as the model document states it."""
    points, drawn = metrics_of(scored), metrics_of(scored, weights)
    return {name: interval(float(points[name][0]), drawn[name], level) for name in METRICS}


def interval(value: float, drawn: Numbers, level: float) -> dict[str, Any]:
    """Return a value between the percentiles of its resamples; NaN and infinities are null."""
    held = drawn[np.isfinite(drawn)]
    tail = (1 - level) / 2
    low, high = np.quantile(held, [tail, 1 - tail]) if len(held) else (np.nan, np.nan)
    return {"value": plain(value), "low": plain(low), "high": plain(high), "level": level}


def plain(value: float) -> float | None:
    """Return a number with the digits that mean something, None where it is not finite."""
    return round(float(value), 6) if np.isfinite(value) else None


def differences(
    one: Mapping[str, Numbers], other: Mapping[str, Numbers], names: tuple[str, ...]
) -> dict[str, Numbers]:
    """Return metric by metric ``one`` less ``other``, on the same resamples."""
    return {name: np.asarray(one[name] - other[name]) for name in names}
