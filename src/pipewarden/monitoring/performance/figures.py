"""A figure with the interval that it is known in, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Of all intervals.
LEVEL = 0.95
#: Labelled rows below which nothing is computed of them, and rows of the rarer class.
FEWEST_ROWS, FEWEST_OF_A_CLASS = 30, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a model over a window.

    Parameters
    ----------
    metric
        Its name in the catalogue of metrics.
    value
        None where it is not computable.
    low, high
        The ends of its interval at `LEVEL`; None where it has none.
    rows
        On how many it rests.
    reason
        Why it is not computable.
    """

    metric: str
    rows: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


def deviations(level: float = LEVEL) -> float:
    """Return the half width of a normal interval, in standard deviations."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def known(metric: str, value: float, error: float, rows: int, **evidence: Any) -> Figure:
    """Return a figure with a normal interval.

    Parameters
    ----------
    error
        Its standard error.
    """
    half = deviations() * error
    return Figure(
        metric=metric, value=value, low=value - half, high=value + half, rows=rows,
        evidence=evidence,
    )  # fmt: skip


def share(metric: str, hits: int, rows: int, **evidence: Any) -> Figure:
    """Return a share of rows with Wilson's interval (1927), which stays within 0 and 1."""
    if not rows:
        return unknown(metric, 0, "there is no row")
    z, value = deviations(), hits / rows
    middle = (value + z * z / (2 * rows)) / (1 + z * z / rows)
    root = math.sqrt(value * (1 - value) / rows + z * z / (4 * rows * rows))
    half = z * root / (1 + z * z / rows)
    return Figure(
        metric=metric, value=value, low=max(0.0, middle - half), high=min(1.0, middle + half),
        rows=rows, evidence=evidence,
    )  # fmt: skip


def bounded(
    metric: str, value: float, error: float, rows: int, fewer: int, **evidence: Any
) -> Figure:
    """Return a figure between 0 and 1 with an interval that is normal in its log-odds.

    Parameters
    ----------
    error
        Its standard error.
    fewer
        Rows of the rarer class: at 0 and 1, which have no log-odds, the interval is Wilson's of
        as many rows.
    """
    if not 0.0 < value < 1.0:
        ends = share(metric, round(value * fewer), fewer)
        return Figure(
            metric=metric, value=value, low=ends.low, high=ends.high, rows=rows, evidence=evidence
        )
    middle = math.log(value / (1 - value))
    half = deviations() * error / (value * (1 - value))
    low, high = (_expit(middle + sign * half) for sign in (-1, 1))
    return Figure(metric=metric, value=value, low=low, high=high, rows=rows, evidence=evidence)


def unknown(metric: str, rows: int, reason: str) -> Figure:
    """Return a figure that is not computable."""
    return Figure(metric=metric, rows=rows, reason=reason)


def all_unknown(metrics: Sequence[str], rows: int, reason: str) -> tuple[Figure, ...]:
    """Return figures none of which is computable, for one reason."""
    return tuple(unknown(metric, rows, reason) for metric in metrics)


def _expit(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds > 0 else math.exp(odds) / (1 + math.exp(odds))
